//! The document itself. **Source** AsyncAPI 3.0.0.

use event_catalogue::{EventType, Shape};
use events::Envelope;
use privacy::Sealed;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A group and the contexts that it hears.
pub type Hears<'a> = (&'a str, &'a [&'a str]);

/// One document for all events.
pub fn document(types: &[EventType], groups: &[Hears<'_>]) -> Value {
    let mut contexts: BTreeMap<&str, Vec<&EventType>> = BTreeMap::new();
    for kind in types {
        contexts.entry(kind.context()).or_default().push(kind);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Spindrift's events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What each service tells the others. Every event reaches every group of its stream at least \
                once, in the order of the record that it is about (`version`); whoever has an effect keeps it by `id`.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "redis": {
                "host": "{host}:6379",
                "protocol": "redis",
                "description": "Redis streams; each group has a user of its own with the right to read what it hears.",
                "variables": { "host": { "default": "127.0.0.1" } },
            },
        },
        "channels": contexts.iter().map(|(context, kinds)| ((*context).to_owned(), channel(context, kinds))).collect::<Map<_, _>>(),
        "operations": operations(&contexts, groups),
        "components": {
            "messages": types.iter().map(|kind| (kind.kind.to_owned(), message(kind))).collect::<Map<_, _>>(),
            "schemas": schemas(types),
        },
    })
}

fn reference(place: &str, name: &str) -> Value {
    // RFC 6901: our names hold no `~` and no `/`.
    json!({ "$ref": format!("#/{place}/{name}") })
}

fn channel(context: &str, kinds: &[&EventType]) -> Value {
    let messages = kinds.iter().map(|kind| (kind.kind.to_owned(), reference("components/messages", kind.kind)));
    json!({
        "address": "{partition}:events",
        "title": format!("The events of {context}"),
        "description": "A Redis stream; each entry has one field, `e`, with the envelope.",
        "parameters": {
            "partition": {
                "description": "The hash tag of the partition, braces included",
                "enum": [format!("{{{context}/0}}")],
            },
        },
        "messages": messages.collect::<Map<_, _>>(),
    })
}

fn operations(contexts: &BTreeMap<&str, Vec<&EventType>>, groups: &[Hears<'_>]) -> Value {
    let mut operations = Map::new();
    for context in contexts.keys() {
        let title = format!("{context} tells what happened, in the step that makes it true");
        let told = json!({ "action": "send", "channel": reference("channels", context), "title": title });
        operations.insert(format!("{context}.tells"), told);
    }
    for (group, heard) in groups {
        for context in *heard {
            let title = format!("{group} hears {context}");
            let hears = json!({ "action": "receive", "channel": reference("channels", context), "title": title });
            operations.insert(format!("{group}.hears.{context}"), hears);
        }
    }
    Value::Object(operations)
}

fn message(kind: &EventType) -> Value {
    let mut properties = json!({
        "type": { "const": kind.kind },
        "source": { "const": format!("/{}", kind.context()) },
        "dataschema": { "const": data_schema(kind) },
        "data": reference("components/schemas", kind.kind),
    });
    let mut message = json!({
        "name": kind.kind,
        "title": kind.kind,
        "summary": kind.summary,
        "contentType": "application/cloudevents+json",
        "examples": [{ "name": "example", "payload": example(kind) }],
    });
    if let Some(personal) = &kind.personal {
        properties = with(properties, "personal", reference("components/schemas", "Sealed"));
        let description = "`personal` is sealed with a key of the person's own; `x-personal` says what is in it.";
        message = with(message, "description", description.into());
        message = with(message, "x-personal", reference("components/schemas", &personal.name));
    }
    let required = ["type", "source", "dataschema", "data"];
    let own = json!({ "type": "object", "required": required, "properties": properties });
    with(message, "payload", json!({ "allOf": [reference("components/schemas", "Envelope"), own] }))
}

/// An object with one member more.
fn with(mut object: Value, member: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
    object
}

/// What an envelope says of the schema of its data.
fn data_schema(kind: &EventType) -> String {
    format!("/asyncapi.json#{}", kind.kind)
}

fn example(kind: &EventType) -> Value {
    let mut envelope = json!({
        "specversion": "1.0",
        "id": "evt_0199f3a0-7c1e-7000-8000-000000000001_0",
        "source": format!("/{}", kind.context()),
        "type": kind.kind,
        "time": "2026-01-01T00:00:00.000Z",
        "subject": kind.subject,
        "datacontenttype": "application/json",
        "dataschema": data_schema(kind),
        "version": "1.7",
        "traceid": "0af7651916cd43dd8448eb211c80319c",
        "data": kind.data.example,
    });
    if kind.personal.is_some() {
        let sealed = "x1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        envelope = with(envelope, "personal", json!({ "subject": kind.subject, "sealed": sealed }));
    }
    envelope
}

fn schemas(types: &[EventType]) -> Value {
    let mut schemas = Map::new();
    let own = [Shape::of_schema::<Envelope>(), Shape::of_schema::<Sealed>()];
    let shapes = types.iter().flat_map(|kind| [Some(&kind.data), kind.personal.as_ref()]).flatten();
    for shape in shapes.chain(&own) {
        let parts = shape.parts.iter().map(|(name, schema)| (name, schema));
        for (name, schema) in parts.chain([(&shape.name, &shape.schema)]) {
            schemas.insert(name.clone(), serde_json::to_value(schema).unwrap_or_default());
        }
    }
    for kind in types {
        // What `dataschema` of an envelope leads to.
        let schema = json!({
            "$anchor": kind.kind,
            "title": kind.kind,
            "allOf": [reference("components/schemas", &kind.data.name)],
        });
        schemas.insert(kind.kind.to_owned(), schema);
    }
    Value::Object(schemas)
}
