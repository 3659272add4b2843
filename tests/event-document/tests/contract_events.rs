//! The document that is committed is the one that the code describes, it is whole, its examples fit, and no event changed in
//! a way that needs a new version.

mod contexts;

use event_document::{catalogue, document, incompatible, misfits, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

type Outcome = Result<(), Box<dyn core::error::Error>>;

fn described() -> Value {
    document(&catalogue(), &contexts::groups())
}

fn committed() -> Result<Value, Box<dyn core::error::Error>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(contexts::committed())?)?)
}

#[test]
fn no_event_changes_incompatibly_without_a_new_version() -> Outcome {
    assert_eq!(incompatible(&committed()?, &described()), Vec::<String>::new(), "make a new version of the type");
    Ok(())
}

#[test]
fn what_is_committed_is_what_the_code_describes() -> Outcome {
    let (committed, described) = (std::fs::read_to_string(contexts::committed())?, text(&described()));
    let differs = committed.lines().zip(described.lines()).find(|(old, new)| old != new);
    assert!(committed == described, "docs/asyncapi.json is out of date; `cargo xtask asyncapi` writes it: {differs:?}");
    Ok(())
}

#[test]
fn each_event_has_an_example_that_fits_its_schema() {
    let described = described();
    assert_eq!(misfits(&described), Vec::<String>::new());
    // The check must be able to find something.
    let mut spoiled = described;
    let kind = "payments.payment.captured.v1";
    spoiled["components"]["messages"][kind]["examples"][0]["payload"]["data"]["amount"]["currency"] = "euro".into();
    spoiled["components"]["messages"]["users.roles.changed.v1"]["examples"] = json!([]);
    let found = misfits(&spoiled);
    assert_eq!(found.len(), 2, "{found:?}");
}

/// The names of event types in the sources of the wire crates.
fn in_the_sources() -> std::io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../components"))? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with("-wire") {
            continue;
        }
        for source in std::fs::read_dir(path.join("src"))? {
            let text = std::fs::read_to_string(source?.path())?;
            let names = text.split('"').skip(1).step_by(2).filter(|text| is_type(text)).map(str::to_owned);
            found.extend(names);
        }
    }
    Ok(found)
}

/// **Shape** `payments.payment.captured.v1`.
fn is_type(text: &str) -> bool {
    let Some((name, version)) = text.rsplit_once(".v") else { return false };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
    name.split('.').count() >= 3 && name.split('.').all(is_word) && version.parse::<u32>().is_ok()
}

#[test]
fn every_event_of_the_wire_crates_is_in_the_document() -> Outcome {
    let in_the_document: BTreeSet<String> = catalogue().iter().map(|kind| kind.kind.to_owned()).collect();
    assert_eq!(in_the_document, in_the_sources()?, "left: the catalogues; right: the wire crates");
    assert!(in_the_document.len() > 30, "{in_the_document:?}");
    Ok(())
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_of_data_has_its_anchor() -> Outcome {
    let document = committed()?;
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 100);
    for reference in all {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    for kind in catalogue() {
        assert_eq!(document["components"]["schemas"][kind.kind]["$anchor"], kind.kind);
    }
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
fn one_name_stands_for_one_shape_in_all_contexts() {
    let mut known = std::collections::BTreeMap::new();
    for kind in catalogue() {
        for shape in [Some(kind.data), kind.personal].into_iter().flatten() {
            for (name, schema) in shape.parts.into_iter().chain([(shape.name, shape.schema)]) {
                let schema = serde_json::to_value(schema).unwrap_or_default();
                assert_eq!(known.entry(name.clone()).or_insert_with(|| schema.clone()), &schema, "{name}");
            }
        }
    }
}

/// A change of the document, and what is said of it; nothing where it is allowed.
type Change = (fn(&mut Value), &'static [&'static str]);

#[test]
fn each_incompatible_change_is_found_and_each_compatible_one_passes() {
    const SNAPSHOT: &str = "/components/schemas/NotificationSnapshot";
    fn snapshot(document: &mut Value) -> &mut Value {
        document.pointer_mut(SNAPSHOT).unwrap()
    }
    let changes: [Change; 12] = [
        (|d| drop(snapshot(d)["properties"].as_object_mut().unwrap().remove("read")), &["read was removed"]),
        (
            |d| snapshot(d)["properties"]["read"]["type"] = "string".into(),
            &["`type` was \"boolean\" and is \"string\""],
        ),
        (|d| snapshot(d)["properties"]["kind"]["pattern"] = "^x$".into(), &["`pattern` was null and is \"^x$\""]),
        (
            |d| {
                snapshot(d)["properties"]["color"] = json!({ "type": "string" });
                snapshot(d)["required"].as_array_mut().unwrap().push("color".into());
            },
            &["color is new and must be there"],
        ),
        (
            |d| snapshot(d)["required"].as_array_mut().unwrap().retain(|name| name != "kind"),
            &["kind may be missing now"],
        ),
        (
            |d| drop(d["components"]["messages"].as_object_mut().unwrap().remove("notifications.notification.read.v1")),
            &["notifications.notification.read.v1 is not told any more"],
        ),
        (
            |d| {
                d["components"]["schemas"]["Envelope"]["required"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|name| name != "traceid")
            },
            &["traceid may be missing now"],
        ),
        (
            |d| d["components"]["schemas"]["PaymentStatus"]["enum"].as_array_mut().unwrap().push("lost".into()),
            &["data.status: `enum` was"],
        ),
        (
            |d| d["components"]["schemas"]["UserPersonal"]["properties"]["email"]["type"] = "integer".into(),
            &["personal, unsealed: email: `type` was"],
        ),
        (|d| snapshot(d)["properties"]["color"] = json!({ "type": "string" }), &[]),
        (|d| snapshot(d)["properties"]["kind"]["description"] = "in other words".into(), &[]),
        (
            |d| d["components"]["messages"]["notifications.notification.read.v1"]["summary"] = "in other words".into(),
            &[],
        ),
    ];
    for (place, (change, wanted)) in changes.into_iter().enumerate() {
        let (before, mut after) = (described(), described());
        change(&mut after);
        let found = incompatible(&before, &after);
        assert_eq!(found.is_empty(), wanted.is_empty(), "{place}: {found:?}");
        for words in wanted {
            assert!(found.iter().all(|fault| fault.contains(words)), "{place}: {words} is not what is said: {found:?}");
        }
    }
}
