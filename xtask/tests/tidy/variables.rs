//! spin.toml against the functions' wiring: a variable that is granted is read, and one that is read is granted.
//!
//! What nobody reads is a capability too many; what is not granted stops a function at its first request.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::{assert_none, root};

/// What the shared wiring reads, by the call that makes it read.
struct Shared {
    /// `Ground::of`.
    ground: BTreeSet<String>,
    /// `.service(…)`.
    service: BTreeSet<String>,
    /// `.bearer()`.
    bearer: BTreeSet<String>,
    /// `.desk()`.
    desk: BTreeSet<String>,
    /// `.worker_config(…)`.
    worker: BTreeSet<String>,
}

impl Shared {
    fn read() -> Self {
        let folder = root().join("components/wiring-spin/src");
        let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
        let service = text("service.rs");
        let (service, bearer) = service.split_once("pub async fn bearer").unwrap();
        Self {
            ground: variables(&text("ground.rs")),
            service: variables(service),
            bearer: variables(bearer),
            desk: variables(&text("desk.rs")),
            worker: variables(&text("worker.rs")),
        }
    }
}

/// The names in `variable("…")`.
fn variables(source: &str) -> BTreeSet<String> {
    source.split("variable(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// Everything that a function's wiring reads.
fn reads(source: &str, shared: &Shared) -> BTreeSet<String> {
    let mut names = variables(source);
    for (call, more) in [
        ("Ground::of(", &shared.ground),
        (".service(", &shared.service),
        (".bearer()", &shared.bearer),
        (".desk()", &shared.desk),
        (".worker_config(", &shared.worker),
    ] {
        if source.contains(call) {
            names.extend(more.iter().cloned());
        }
    }
    names
}

/// The source files of a function, those that it takes from another by `#[path]` among them.
fn source_of(folder: &Path) -> String {
    let mut source = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        source.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let paths: Vec<String> =
        source.split("#[path = \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    for path in paths {
        source.push_str(&fs::read_to_string(folder.join(path)).unwrap());
    }
    source
}

fn complaints(function: &str, granted: &BTreeSet<String>, read: &BTreeSet<String>) -> Vec<String> {
    let idle = granted.difference(read).map(|name| format!("{function} is granted {name} and does not read it"));
    let missing = read.difference(granted).map(|name| format!("{function} reads {name} and is not granted it"));
    idle.chain(missing).collect()
}

#[test]
fn every_function_is_granted_the_variables_that_it_reads_and_no_other() {
    let manifest: Table = fs::read_to_string(root().join("spin.toml")).unwrap().parse().unwrap();
    let components = manifest.get("component").and_then(Value::as_table).unwrap();
    let shared = Shared::read();
    assert!(shared.ground.contains("redis_url") && shared.service.len() > 2 && shared.bearer.len() > 2);
    let mut found = Vec::new();
    for (function, component) in components {
        let granted = component.get("variables").and_then(Value::as_table);
        let granted = granted.map(|table| table.keys().cloned().collect()).unwrap_or_default();
        let source = source_of(&root().join("functions").join(function).join("src"));
        found.extend(complaints(function, &granted, &reads(&source, &shared)));
    }
    assert_none(&found);
}

#[test]
fn finds_what_is_granted_in_vain_and_what_is_missing() {
    let shared = Shared {
        ground: set(&["redis_url"]),
        service: set(&["limits"]),
        bearer: set(&["issuer"]),
        desk: set(&["peer"]),
        worker: set(&["policies"]),
    };
    let source = "Ground::of(\"x\"); variable(\"mail_key\"); ground.service(\"x\")";
    let read = reads(source, &shared);
    assert_eq!(read, set(&["redis_url", "mail_key", "limits"]));
    assert_none(&complaints("x", &set(&["redis_url", "mail_key", "limits"]), &read));
    assert_eq!(complaints("x", &set(&["redis_url", "mail_key", "limits", "issuer"]), &read).len(), 1);
    assert_eq!(complaints("x", &set(&["redis_url"]), &read).len(), 2);
    assert!(reads("service.bearer()", &shared).contains("issuer"));
    assert!(reads("ground.desk()", &shared).contains("peer"));
    assert!(reads("ground.worker_config(GROUP, bounds)", &shared).contains("policies"));
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
