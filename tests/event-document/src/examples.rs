//! Whether the examples are what the schemas say.

use serde_json::{Map, Value, json};

/// Examples that do not fit their schemas; nothing where all is well.
pub fn misfits(document: &Value) -> Vec<String> {
    let none = Map::new();
    let messages = document.pointer("/components/messages").and_then(Value::as_object).unwrap_or(&none);
    let mut found = Vec::new();
    for (kind, message) in messages {
        let schema = json!({ "allOf": [message.get("payload")], "components": document.get("components") });
        let validator = match jsonschema::validator_for(&schema) {
            Ok(validator) => validator,
            Err(error) => {
                found.push(format!("{kind} has no schema: {error}"));
                continue;
            }
        };
        let examples = message.get("examples").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if examples.is_empty() {
            found.push(format!("{kind} has no example"));
        }
        for payload in examples.iter().filter_map(|example| example.get("payload")) {
            let faults = validator.iter_errors(payload);
            found.extend(faults.map(|fault| format!("{kind}: {fault} at {}", fault.instance_path())));
        }
    }
    found
}
