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
fn one_name_stands_for_one_shape_in_all_contexts() {
    assert_eq!(api_document::clashes(&contexts::parts()), Vec::<String>::new());
}

/// The sources of all contexts but the sandbox, which is no part of a deployment.
fn sources() -> std::io::Result<Vec<String>> {
    let mut folders: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../components"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with("-context") && !path.ends_with("sandbox-context"))
        .map(|path| path.join("src"))
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                sources.push(std::fs::read_to_string(path)?);
            }
        }
    }
    Ok(sources)
}

#[test]
fn every_public_route_of_every_context_is_in_the_document() -> Outcome {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(contexts::committed())?)?;
    let routed: BTreeSet<_> = sources()?.iter().flat_map(|source| api_document::routes_of(source)).collect();
    assert!(routed.len() > 50, "only {} routes were found", routed.len());
    let documented = api_document::documented(&document);
    let missing: Vec<_> = routed.difference(&documented).collect();
    assert!(missing.is_empty(), "routed and not documented: {missing:?}");
    let invented: Vec<_> = documented.difference(&routed).collect();
    assert!(invented.is_empty(), "documented and routed nowhere: {invented:?}");
    assert!(documented.iter().all(|(path, _)| !path.starts_with("/internal/")), "what services say to each other");
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
            for status in ["405", "431", "500", "503", "504"] {
                assert!(!operation["responses"][status].is_null(), "{what} can be {status} and does not say so");
            }
        }
    }
    assert!(names.len() > 50, "{names:?}");
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

#[test]
fn api_keys_open_what_their_scopes_are_for_and_no_more() -> Outcome {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(contexts::committed())?)?;
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
    let may = users_context::domain::KEY_SCOPES;
    let mut opened = BTreeSet::new();
    for (path, item) in document["paths"].as_object().ok_or("no paths")? {
        for (method, operation) in item.as_object().ok_or("no operations")? {
            let requirements = operation["security"].as_array();
            let Some(key) = requirements.into_iter().flatten().find_map(|one| one["api_key"].as_array()) else {
                continue;
            };
            let known = |name: &Value| may.iter().any(|scope| name == scope);
            assert!(!key.is_empty() && key.iter().all(known), "{method} {path} wants a key with {key:?}");
            opened.insert(operation["operationId"].as_str().unwrap_or_default().to_owned());
        }
    }
    for name in ["create_payment", "list_payments", "capture_payment", "list_notifications", "get_overview"] {
        assert!(opened.contains(name), "{name} takes no key: {opened:?}");
    }
    for name in ["get_me", "create_api_key", "refund_payment", "reverse_entry", "list_reconciliations", "get_metrics"] {
        assert!(!opened.contains(name), "{name} takes a key");
    }
    Ok(())
}
