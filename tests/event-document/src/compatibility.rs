//! What of a document may not change while the version of an event stays: what somebody who reads by the old one, or reads
//! old events by the new one, would stumble over.
//!
//! Old events lie in streams, archives and dead letters for years, and old consumers run beside new ones during a rollout.
//! So a member may be added that need not be there, and words may change. Everything else is a new version of the event.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Members of a schema that bind nobody.
const ANNOTATIONS: [&str; 7] = ["description", "title", "examples", "example", "$anchor", "summary", "deprecated"];
/// How deep a schema is looked into: ours refer to nothing that refers to them.
const DEPTH: u32 = 32;

/// What a document takes from those who read by the committed one; nothing where all is well.
pub fn incompatible(committed: &Value, described: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let messages = |document: &Value| -> Map<String, Value> {
        document.pointer("/components/messages").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let described_messages = messages(described);
    for (kind, before) in messages(committed) {
        let Some(after) = described_messages.get(&kind) else {
            found.push(format!("{kind} is not told any more"));
            continue;
        };
        for (part, name) in [("payload", ""), ("x-personal", "personal, unsealed: ")] {
            match (before.get(part), after.get(part)) {
                (Some(before), Some(after)) => {
                    let (before, after) = (inlined(committed, before, 0), inlined(described, after, 0));
                    compare(&format!("{kind}: {name}"), &before, &after, &mut found);
                }
                (None, None) => {}
                (Some(_), None) => found.push(format!("{kind}: {part} is gone")),
                (None, Some(_)) => found.push(format!("{kind}: {part} is new")),
            }
        }
    }
    found
}

/// The schema with what it refers to in the places of the references, without annotations, parts that all hold as one.
fn inlined(document: &Value, schema: &Value, depth: u32) -> Value {
    if depth > DEPTH {
        return Value::Null;
    }
    match schema {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                let found = document.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
                return inlined(document, found, depth + 1);
            }
            let mut whole = Map::new();
            for (name, value) in members.iter().filter(|(name, _)| !ANNOTATIONS.contains(&name.as_str())) {
                match (name.as_str(), value) {
                    // Names of members, among which those of annotations may be.
                    ("properties", Value::Object(properties)) => {
                        let properties =
                            properties.iter().map(|(name, own)| (name.clone(), inlined(document, own, depth + 1)));
                        merge(&mut whole, "properties", Value::Object(properties.collect()));
                    }
                    ("allOf", Value::Array(parts)) => {
                        for part in parts {
                            if let Value::Object(part) = inlined(document, part, depth + 1) {
                                part.into_iter().for_each(|(name, value)| merge(&mut whole, &name, value));
                            }
                        }
                    }
                    ("enum" | "const" | "default", value) => merge(&mut whole, name, value.clone()),
                    (_, value) => merge(&mut whole, name, inlined(document, value, depth + 1)),
                }
            }
            Value::Object(whole)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| inlined(document, item, depth + 1)).collect()),
        other => other.clone(),
    }
}

/// Adds a member to a schema; both hold where there are two of one name.
fn merge(into: &mut Map<String, Value>, name: &str, value: Value) {
    match (into.get_mut(name), value) {
        (Some(Value::Object(own)), Value::Object(more)) => {
            for (name, value) in more {
                match own.get_mut(&name) {
                    Some(Value::Object(_)) => merge(own, &name, value),
                    _ => drop(own.insert(name, value)),
                }
            }
        }
        (Some(Value::Array(own)), Value::Array(more)) if name == "required" => {
            for item in more {
                if !own.contains(&item) {
                    own.push(item);
                }
            }
        }
        (_, value) => drop(into.insert(name.to_owned(), value)),
    }
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        if before != after {
            found.push(format!("{path} was {before} and is {after}"));
        }
        return;
    };
    let required = |schema: &Map<String, Value>| -> BTreeSet<String> {
        let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let properties =
        |schema: &Map<String, Value>| schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let (must_before, must_after) = (required(before), required(after));
    let (members_before, members_after) = (properties(before), properties(after));
    for (name, member) in &members_before {
        let place = if path.ends_with(' ') { format!("{path}{name}") } else { format!("{path}.{name}") };
        match members_after.get(name) {
            None => found.push(format!("{place} was removed")),
            Some(now) => compare(&place, member, now, found),
        }
        if must_before.contains(name) && !must_after.contains(name) && members_after.contains_key(name) {
            found.push(format!("{place} may be missing now"));
        }
        if !must_before.contains(name) && must_after.contains(name) {
            found.push(format!("{place} must be there now, and was not always"));
        }
    }
    for name in members_after.keys().filter(|name| !members_before.contains_key(*name) && must_after.contains(*name)) {
        found.push(format!("{path}.{name} is new and must be there: events of before have none"));
    }
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys.into_iter().filter(|key| !["properties", "required"].contains(&key.as_str())) {
        let (was, is) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        match (key.as_str(), was, is) {
            ("items", Value::Object(_), Value::Object(_)) => compare(&format!("{path}[]"), was, is, found),
            ("oneOf" | "anyOf", Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
                was.iter().zip(is).for_each(|(was, is)| compare(path, was, is, found));
            }
            _ if was != is => found.push(format!("{path}: `{key}` was {was} and is {is}")),
            _ => {}
        }
    }
}
