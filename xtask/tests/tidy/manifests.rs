//! Every Cargo.toml: a reason above each dependency, each version once, the workspace's lints in every package.
use std::fs;

use toml::{Table, Value};

use crate::{assert_none, root};

/// Complains about lines that name a version without a comment right above them.
fn without_reason(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let (mut in_dependencies, mut above) = (false, "");
    for line in text.lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies {
            let names_a_version = line.contains("version = ") || line.contains(" = \"");
            if names_a_version && !line.starts_with('#') && !line.contains("path = ") && !above.starts_with("# ") {
                let name = line.split(['=', ' ']).next().unwrap_or(line);
                complaints.push(format!("{path}: there is no reason above `{name}`"));
            }
        }
        above = line;
    }
    complaints
}

/// Complains about a member that states a version, an edition or lints of its own.
fn of_its_own(path: &str, manifest: &Table) -> Vec<String> {
    let mut complaints = Vec::new();
    let inherits = |table: &str, key: &str| {
        manifest.get(table).and_then(|table| table.get(key)).and_then(|value| value.get("workspace")).is_some()
    };
    // The embedded host is a workspace of its own: it repeats the keys and the lints.
    let own_workspace = manifest.contains_key("workspace");
    let states = |table: &str, key: &str| manifest.get(table).and_then(|table| table.get(key)).is_some();
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        if !(inherits("package", key) || own_workspace && states("package", key)) {
            complaints.push(format!("{path}: `{key}` is not the workspace's"));
        }
    }
    if manifest.get("package").and_then(|package| package.get("description")).is_none() {
        complaints.push(format!("{path}: there is no description"));
    }
    let inherits_lints = manifest.get("lints").and_then(|lints| lints.get("workspace")) == Some(&Value::Boolean(true));
    if !(inherits_lints || own_workspace && states("lints", "clippy")) {
        complaints.push(format!("{path}: the workspace's lints are not switched on"));
    }
    complaints
}

/// The manifests of all members, with their paths.
fn members() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = ["xtask", "tests", "infra/host", "infra/host/guests"].map(str::to_owned).to_vec();
    for parent in ["components", "functions", "tests"] {
        for entry in fs::read_dir(root().join(parent)).unwrap() {
            folders.push(format!("{parent}/{}", entry.unwrap().file_name().to_string_lossy()));
        }
    }
    for folder in folders {
        let path = format!("{folder}/Cargo.toml");
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            found.push((path, text));
        }
    }
    found
}

#[test]
fn every_dependency_has_its_reason_and_every_member_the_workspaces_rules() {
    let mut complaints = without_reason("Cargo.toml", &fs::read_to_string(root().join("Cargo.toml")).unwrap());
    for (path, text) in members() {
        complaints.extend(without_reason(&path, &text));
        complaints.extend(of_its_own(&path, &text.parse().unwrap()));
    }
    assert_none(&complaints);
}

#[test]
fn finds_each_fault() {
    let text = "[workspace.dependencies]\n# Why.\nserde = \"1\"\ntoml = { version = \"1\" }\n\n# --- ours ---\nids = { path = \"components/ids\" }\n";
    assert_eq!(without_reason("Cargo.toml", text), ["Cargo.toml: there is no reason above `toml`"]);
    let package: Table = "[package]\nname = \"money\"\nversion = \"1.0.0\"\n".parse().unwrap();
    assert_eq!(of_its_own("money", &package).len(), 7);
}
