//! The document that is committed is the one that the code describes, and it is whole.

mod contexts;

use serde_json::Value;
use std::collections::BTreeSet;

type Outcome = Result<(), Box<dyn core::error::Error>>;

#[test]
fn what_is_committed_is_what_the_code_describes() -> Outcome {
    let described = api_document::text(&api_document::whole(contexts::parts()));
    let committed = std::fs::read_to_string(contexts::committed())?;
    let differs = committed.lines().zip(described.lines()).find(|(old, new)| old != new);
    assert!(committed == described, "docs/openapi.json is out of date; `cargo xtask openapi` writes it: {differs:?}");
    Ok(())
}

#[test]
fn every_operation_has_a_name_a_tag_a_summary_and_its_problems() -> Outcome {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(contexts::committed())?)?;
    let described: BTreeSet<&str> =
        document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().ok_or("no paths")? {
        for (method, operation) in item.as_object().ok_or("no operations")? {
            let what = format!("{method} {path}");
            let name = operation["operationId"].as_str().ok_or_else(|| format!("{what} has no name"))?;
            assert!(names.insert(name.to_owned()), "{name} names two operations");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{what} has no summary");
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            assert!(described.contains(tag), "{what} has the tag `{tag}`, which nobody describes");
            for status in ["500", "503"] {
                assert!(!operation["responses"][status].is_null(), "{what} can be {status} and does not say so");
            }
        }
    }
    assert!(names.len() > 10, "{names:?}");
    Ok(())
}

#[test]
fn every_reference_leads_somewhere() -> Outcome {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(contexts::committed())?)?;
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(!all.is_empty());
    for reference in all {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    assert_eq!(document["openapi"], "3.1.0");
    Ok(())
}

fn references(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            all.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, all));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, all)),
        _ => {}
    }
}
