//! Which package may know which: the design's arrows over cargo's own description of the workspace.
use std::process::Command;

use serde::Deserialize;

use crate::{assert_none, root};

/// The rooms of the house. A package's room follows from its folder and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// What Spin runs: wiring only.
    Function,
    /// Domain, use cases, routes of one service.
    Context,
    /// Events and shapes of a context that others may know.
    Wire,
    /// Ports and small ideas.
    Seam,
    /// A port's implementation over other ports.
    Protocol,
    /// A port's double for tests.
    Double,
    /// A suite that every implementation of a port passes.
    ContractSuite,
    /// The layers that every public function wears.
    Edge,
    /// The only libraries that know the SDK.
    SpinAdapter,
    /// What every function is put together from.
    Wiring,
    /// The embedded host.
    Host,
    /// Small components of tests and benchmarks.
    Guests,
    /// Tests of the whole, their support, the journey that they play.
    Tests,
    /// xtask.
    Tool,
}

fn room(folder: &str, name: &str) -> Option<Room> {
    let (place, _) = folder.rsplit_once('/').unwrap_or(("", folder));
    match (place, folder) {
        ("functions", _) => Some(Room::Function),
        (_, "infra/host") => Some(Room::Host),
        (_, "infra/host/guests" | "tests/contract-guest") | ("bench", _) => Some(Room::Guests),
        (_, "tests") | ("tests", _) => Some(Room::Tests),
        (_, "xtask") => Some(Room::Tool),
        ("components", "components/wiring-spin") => Some(Room::Wiring),
        ("components", _) => Some(match name.rsplit_once('-').map_or(name, |(_, end)| end) {
            "context" => Room::Context,
            "wire" => Room::Wire,
            "spin" => Room::SpinAdapter,
            "edge" => Room::Edge,
            "contract" => Room::ContractSuite,
            "memory" => Room::Double,
            "redis" => Room::Protocol,
            _ => Room::Seam,
        }),
        _ => None,
    }
}

/// The rooms that a room may know. What is not listed is forbidden.
fn may_know(from: Room) -> &'static [Room] {
    use Room::{Context, ContractSuite, Double, Edge, Protocol, Seam, SpinAdapter, Tests, Wire, Wiring};
    match from {
        Room::Function => &[Context, Edge, SpinAdapter, Wiring, Protocol, Seam, Wire],
        Room::Context => &[Seam, Wire],
        Room::Wire => &[Seam, Wire],
        Room::Seam | Room::Protocol | Room::Double | Room::Edge => &[Seam],
        Room::ContractSuite => &[Seam, Protocol, Double],
        Room::SpinAdapter => &[Seam, Protocol, Edge],
        Room::Wiring => &[Seam, Protocol, Edge, SpinAdapter],
        Room::Guests => &[Seam, Protocol, ContractSuite, SpinAdapter, Wiring, Edge],
        Room::Tests => &[Seam, Protocol, Double, ContractSuite, Wire, Tests],
        // The demo plays the journey that the tests play; `drain` shows a token as services do.
        Room::Tool => &[Tests, Seam],
        Room::Host => &[],
    }
}

/// Third-party crates that only some rooms may name, and why.
fn kept_for(dependency: &str) -> Option<(&'static [Room], &'static str)> {
    if dependency == "spin-sdk" || dependency.starts_with("wit-bindgen") || dependency == "wasip3" {
        return Some((
            &[Room::Function, Room::SpinAdapter, Room::Guests],
            "only functions, guests and *-spin crates know Spin",
        ));
    }
    if dependency.starts_with("wasmtime") {
        return Some((&[Room::Host], "only the host runs components"));
    }
    if dependency == "anyhow" {
        return Some((
            &[Room::Host, Room::Tool, Room::Tests, Room::Guests],
            "libraries have errors of their own; anyhow is for programs and tests",
        ));
    }
    None
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

fn complaints(metadata: &Metadata, root: &str) -> Vec<String> {
    let folder_of =
        |path: &str| path.trim_start_matches(root).trim_start_matches('/').trim_end_matches("/Cargo.toml").to_owned();
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        let folder = folder_of(&package.manifest_path);
        let Some(from) = room(&folder, &package.name) else {
            complaints.push(format!("{folder} is in no room of the house"));
            continue;
        };
        complaints.extend(name_complaint(&folder, &package.name));
        for dependency in &package.dependencies {
            let development = dependency.kind.as_deref() == Some("dev");
            if let Some((rooms, why)) = kept_for(&dependency.name)
                && !rooms.contains(&from)
                && !(development && dependency.name == "anyhow")
            {
                complaints.push(format!("{} names {}: {why}", package.name, dependency.name));
            }
            let Some(path) = &dependency.path else {
                continue;
            };
            let Some(to) = room(&folder_of(path), &dependency.name) else {
                continue;
            };
            let for_tests = match to {
                Room::Double | Room::ContractSuite | Room::Protocol | Room::Tests => true,
                // The catalogue of problems is compared with what every context can answer.
                Room::Context => from == Room::Tests,
                _ => false,
            };
            let allowed = may_know(from).contains(&to) || (development && for_tests);
            if !allowed {
                complaints.push(format!("{} ({from:?}) may not know {} ({to:?})", package.name, dependency.name));
            }
            if from == Room::Function && to == Room::Context {
                // `users-worker` and `users-sessions` are functions of `users`.
                let own = package.name.split('-').next().unwrap_or(&package.name);
                if dependency.name != format!("{own}-context") {
                    complaints.push(format!("function {} wires {}, another's context", package.name, dependency.name));
                }
            }
        }
    }
    complaints
}

/// Folder = package; no word that says nothing.
fn name_complaint(folder: &str, name: &str) -> Option<String> {
    if name.split('-').any(|word| ["common", "utils", "util", "core", "shared", "manager", "helpers"].contains(&word)) {
        return Some(format!("the name {name} says nothing about what is inside"));
    }
    let last = folder.rsplit('/').next().unwrap_or(folder);
    (last != name).then(|| format!("package {name} lies in a folder named {last}"))
}

/// Cargo's description of a workspace.
fn described(manifest: &str) -> Metadata {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifest])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn packages_know_only_what_the_design_lets_them_know() {
    let mut metadata = described("Cargo.toml");
    assert!(metadata.packages.len() > 10);
    // A workspace of its own, with the same arrows.
    metadata.packages.append(&mut described("infra/host/Cargo.toml").packages);
    assert_none(&complaints(&metadata, root().to_str().unwrap()));
}

/// A package with one dependency, as cargo describes it.
fn planted(folder: &str, name: &str, to_folder: Option<&str>, to: &str, kind: Option<&str>) -> Vec<String> {
    let metadata = Metadata {
        packages: vec![Package {
            name: name.to_owned(),
            manifest_path: format!("/root/{folder}/Cargo.toml"),
            dependencies: vec![Dependency {
                name: to.to_owned(),
                kind: kind.map(str::to_owned),
                path: to_folder.map(|folder| format!("/root/{folder}")),
            }],
        }],
    };
    complaints(&metadata, "/root")
}

#[test]
fn finds_each_forbidden_arrow() {
    for (folder, name, to_folder, to, kind) in [
        // One context links another.
        ("components/queries-context", "queries-context", Some("components/users-context"), "users-context", None),
        // A context links an adapter, the edge, a function.
        ("components/users-context", "users-context", Some("components/platform-spin"), "platform-spin", None),
        ("components/users-context", "users-context", Some("components/edge"), "edge", None),
        ("components/users-context", "users-context", Some("functions/users"), "users", None),
        // A port links its implementation, a context, the edge.
        ("components/records", "records", Some("components/records-redis"), "records-redis", None),
        ("components/records", "records", Some("components/users-context"), "users-context", None),
        ("components/ids", "ids", Some("components/edge"), "edge", None),
        // A double outside tests.
        ("components/users-context", "users-context", Some("components/records-memory"), "records-memory", None),
        // Spin, the engine and anyhow where they do not belong, also in tests.
        ("components/users-context", "users-context", None, "spin-sdk", None),
        ("components/users-context", "users-context", None, "spin-sdk", Some("dev")),
        ("xtask", "xtask", None, "wasmtime", None),
        ("components/money", "money", None, "anyhow", None),
        // Another's context in a function.
        ("functions/users", "users", Some("components/payments-context"), "payments-context", None),
        // Names.
        ("components/common", "common", None, "serde", None),
        ("components/money", "cash", None, "serde", None),
        ("scripts/money", "money", None, "serde", None),
    ] {
        let complaints = planted(folder, name, to_folder, to, kind);
        assert_eq!(complaints.len(), 1, "{name} → {to}: {complaints:?}");
    }
}

#[test]
fn lets_each_allowed_arrow_pass() {
    for (folder, name, to_folder, to, kind) in [
        ("functions/payments-worker", "payments-worker", Some("components/payments-context"), "payments-context", None),
        ("functions/users", "users", None, "spin-sdk", None),
        ("components/queries-context", "queries-context", Some("components/users-wire"), "users-wire", None),
        ("components/users-context", "users-context", Some("components/records-memory"), "records-memory", Some("dev")),
        ("components/platform-spin", "platform-spin", Some("components/records-redis"), "records-redis", None),
        ("infra/host", "host", None, "wasmtime-wasi-http", None),
    ] {
        assert_none(&planted(folder, name, to_folder, to, kind));
    }
}
