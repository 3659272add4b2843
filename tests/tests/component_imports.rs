//! What each function's component imports: nothing that stock Spin lacks, and nothing that it has no use for.
//!
//! The host refuses an import that it does not offer; here stands, besides, that what it offers is no more than Spin's,
//! and that a component without a store or without Redis does not even ask for one.

use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::process::Command;
use tests::Workplace;
use toml::{Table, Value};

type Outcome = anyhow::Result<()>;

/// The interfaces of Spin that a component may use, each with the grant in the manifest that makes sense of it.
const OF_SPIN: [(&str, Grant); 3] = [
    ("spin:key-value/key-value@3.0.0", Grant::Store),
    ("spin:redis/redis@3.0.0", Grant::Redis),
    ("spin:variables/variables@3.0.0", Grant::Variables),
];

/// What the manifest grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    Store,
    Redis,
    Variables,
}

/// The components of the manifest, by id.
fn components() -> anyhow::Result<BTreeMap<String, Value>> {
    let manifest: Table = std::fs::read_to_string(Workplace::root().join("spin.toml"))?.parse()?;
    let components = manifest.get("component").and_then(Value::as_table).context("no components")?;
    Ok(components.clone().into_iter().collect())
}

fn is_granted(component: &Value, grant: Grant) -> bool {
    let list = |name: &str| component.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    match grant {
        Grant::Store => !list("key_value_stores").is_empty(),
        Grant::Redis => list("allowed_outbound_hosts").iter().any(|host| host.as_str() == Some("{{ redis_address }}")),
        Grant::Variables => component.get("variables").is_some(),
    }
}

/// The imports of one built component.
fn imports(id: &str) -> anyhow::Result<Vec<String>> {
    let file = Workplace::components()?.join(format!("{}.wasm", id.replace('-', "_")));
    ensure!(file.exists(), "{} is not built: run `cargo xtask build`", file.display());
    let output = Command::new(Workplace::host()?).arg("imports").arg(&file).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// WASI 0.2 (what the standard library of the target still asks for) and WASI 0.3.0.
fn is_wasi(import: &str) -> bool {
    let version = import.strip_prefix("wasi:").and_then(|import| import.split_once('@')).map(|(_, version)| version);
    version.is_some_and(|version| version == "0.3.0" || version.starts_with("0.2."))
}

/// Why a component may not have this import; `None` where it may.
fn objection(component: &Value, import: &str) -> Option<String> {
    if is_wasi(import) {
        // Stock Spin has it, and it stalls all requests of an instance: this project has it nowhere.
        let stalls = ["wasi:keyvalue/", "wasi:config/"].iter().any(|name| import.starts_with(name));
        return stalls.then(|| format!("{import} is synchronous"));
    }
    match OF_SPIN.iter().find(|(name, _)| *name == import) {
        None => Some(format!("{import} is not among what stock Spin 4.1 offers to it")),
        Some((_, grant)) if !is_granted(component, *grant) => Some(format!("{import}, but it is granted no {grant:?}")),
        Some(_) => None,
    }
}

#[test]
fn every_component_imports_what_stock_spin_offers_and_it_is_granted() -> Outcome {
    let components = components()?;
    ensure!(components.len() >= 10, "only {} components", components.len());
    for (id, component) in &components {
        let imports = imports(id)?;
        ensure!(!imports.is_empty(), "{id} imports nothing at all");
        let objections: Vec<String> = imports.iter().filter_map(|import| objection(component, import)).collect();
        ensure!(objections.is_empty(), "{id} imports {}", objections.join("; "));
    }
    Ok(())
}

#[test]
fn finds_an_import_too_many() {
    let component: Table = "allowed_outbound_hosts = [\"{{ redis_address }}\"]".parse().unwrap();
    let component = Value::Table(component);
    let fine = ["wasi:http/client@0.3.0", "wasi:io/poll@0.2.6", "spin:redis/redis@3.0.0"];
    assert!(fine.iter().all(|import| objection(&component, import).is_none()));
    for bad in [
        "wasi:http/client@0.3.0-rc-2026-03-15",
        "wasi:http/client@0.4.0",
        "wasi:keyvalue/store@0.2.0-draft2",
        "fermyon:spin/redis@2.0.0",
        "spin:key-value/key-value@3.0.0",
        "spin:variables/variables@3.0.0",
        "spin:sqlite/sqlite@3.0.0",
        "elsewhere:unknown/power@1.0.0",
    ] {
        assert!(objection(&component, bad).is_some(), "{bad}");
    }
}
