//! One order for one document: what a JSON library does with members depends on features that another package may
//! switch on.

use serde_json::Value;

/// Members in alphabetical order, two spaces a level, a line break at the end.
pub(crate) fn text(document: &Value) -> String {
    let mut text = String::new();
    write(document, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, level: usize, text: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            list('{', '}', level, text, members, |(name, value), text| {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                write(value, level + 1, text);
            });
        }
        Value::Array(items) if !items.is_empty() => {
            list('[', ']', level, text, items.iter().collect(), |item, text| write(item, level + 1, text));
        }
        other => text.push_str(&other.to_string()),
    }
}

fn list<T>(open: char, close: char, level: usize, text: &mut String, items: Vec<T>, one: impl Fn(T, &mut String)) {
    let margin = |level: usize| format!("\n{}", "  ".repeat(level));
    text.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&margin(level + 1));
        one(item, text);
    }
    text.push_str(&margin(level));
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::text;
    use serde_json::{Value, json};

    #[test]
    fn the_text_is_ordered_and_reads_back() {
        let document = json!({ "b": [1, { "d": "\"quoted\"\n", "c": null }], "a": {}, "e": [] });
        let written = text(&document);
        assert!(written.find("\"a\"") < written.find("\"b\"") && written.find("\"c\"") < written.find("\"d\""));
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), document);
        assert_eq!(text(&json!({ "x": [1] })), "{\n  \"x\": [\n    1\n  ]\n}\n");
    }
}
