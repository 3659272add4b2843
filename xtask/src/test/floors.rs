//! Which test belongs to which floor. The one table: everything that cargo can test falls into exactly one row.
//!
//! Tests beside the code are the unit floor; files under `tests/` go by their name or their package. Every call of
//! cargo selects the whole workspace and then the targets: dependencies are built with one set of features that way.
//! The embedded host is a workspace of its own, and all of it is one floor.
use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::process;
use crate::workspace::Workspace;

/// A floor of the tests, from the fastest to the slowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Floor {
    /// Domains, use cases, seams and tools, native, without a network.
    Unit,
    /// One suite a port, on every implementation; the access rules of Redis.
    Contract,
    /// The embedded host with small guests.
    Host,
    /// Built components in the host.
    Component,
    /// Journeys over real sockets.
    EndToEnd,
    /// Kill, restart, cut, duplicate, reorder.
    Fault,
}

/// Files under `tests/` are put on their floor by the beginning of their name.
const BY_NAME: [(&str, Floor); 4] = [
    ("contract", Floor::Contract),
    ("component", Floor::Component),
    ("end_to_end", Floor::EndToEnd),
    ("fault", Floor::Fault),
];

impl Floor {
    /// All floors in the order in which they run.
    pub fn all() -> [Self; 6] {
        [Self::Unit, Self::Contract, Self::Host, Self::Component, Self::EndToEnd, Self::Fault]
    }

    /// The name on the command line and in the counts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Contract => "contract",
            Self::Host => "host",
            Self::Component => "component",
            Self::EndToEnd => "end-to-end",
            Self::Fault => "fault",
        }
    }

    /// Whether its tests load the guests of `infra/host/guests` or of `tests/contract-guest`.
    pub fn needs_guests(self) -> bool {
        matches!(self, Self::Contract | Self::Host | Self::Component)
    }

    /// Whether its tests start the embedded host.
    pub fn needs_host(self) -> bool {
        self == Self::Host || self.needs_components()
    }

    /// Whether its tests run the functions' components.
    pub fn needs_components(self) -> bool {
        matches!(self, Self::Component | Self::EndToEnd | Self::Fault)
    }

    /// Beside which floors it runs.
    pub fn lane(self) -> Lane {
        match self {
            Self::Unit | Self::Contract | Self::Host => Lane::Computing,
            Self::EndToEnd => Lane::Walking,
            Self::Component | Self::Fault => Lane::Breaking,
        }
    }

    /// Whether its tests wait more than they compute, so that more of them than there are cores may run at once.
    pub fn mostly_waits(self) -> bool {
        self != Self::Unit
    }

    /// Whether whatever passes on the embedded host must pass on stock Spin too.
    pub fn runs_on_stock(self) -> bool {
        matches!(self, Self::Component | Self::EndToEnd)
    }
}

/// Floors that run one after the other, beside those of the other lanes.
///
/// Unit and contract tests keep the processors busy; all the others mostly wait (for a start, for Redis, for a
/// pulse), so that on two cores the whole takes little longer than its longest lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// What computes.
    Computing,
    /// What walks through the whole system.
    Walking,
    /// What runs parts of it, and what breaks it.
    Breaking,
}

impl Lane {
    /// All lanes.
    pub fn all() -> [Self; 3] {
        [Self::Computing, Self::Walking, Self::Breaking]
    }
}

/// Something that cargo can test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its package.
    pub package: String,
    /// `lib`, `bin`, or the name of a file under `tests/`.
    pub kind: Kind,
    /// Where it belongs.
    pub floor: Floor,
}

/// The kinds of targets that hold tests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tests beside the code of a library.
    Lib,
    /// Tests beside the code of a program.
    Bin,
    /// A file under `tests/`.
    File(String),
}

/// Every target of the workspace that holds tests.
///
/// # Errors
/// When cargo does not describe the workspace.
pub fn targets(workspace: &Workspace) -> anyhow::Result<Vec<Target>> {
    let text = process::answer(workspace.command("cargo").args(["metadata", "--no-deps", "--format-version", "1"]))
        .context("asking cargo for the workspace's packages: `cargo metadata` fails")?;
    let metadata: Metadata = serde_json::from_str(&text).context("reading cargo's description")?;
    let root = workspace.root.to_str().context("the project's path is not UTF-8")?;
    targets_in(&metadata, root)
}

/// Arguments of `cargo test` that select one floor. `None` when the floor has no test.
pub fn selection(targets: &[Target], floor: Floor) -> Option<Vec<String>> {
    if floor == Floor::Host {
        // A workspace of its own: all that it has is this floor.
        return Some(Vec::new());
    }
    let kinds: BTreeSet<&Kind> =
        targets.iter().filter(|target| target.floor == floor).map(|target| &target.kind).collect();
    if kinds.is_empty() {
        return None;
    }
    let mut arguments = vec!["--workspace".to_owned()];
    for kind in kinds {
        match kind {
            Kind::Lib => arguments.push("--lib".to_owned()),
            Kind::Bin => arguments.push("--bins".to_owned()),
            Kind::File(name) => arguments.extend(["--test".to_owned(), name.clone()]),
        }
    }
    Some(arguments)
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    targets: Vec<PackageTarget>,
}

#[derive(Debug, Deserialize)]
struct PackageTarget {
    name: String,
    kind: Vec<String>,
    test: bool,
}

fn targets_in(metadata: &Metadata, root: &str) -> anyhow::Result<Vec<Target>> {
    let mut targets = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.trim_start_matches(root).trim_start_matches('/');
        for target in package.targets.iter().filter(|target| target.test) {
            let kind = match target.kind.first().map(String::as_str) {
                Some("lib" | "rlib" | "proc-macro") => Kind::Lib,
                Some("bin") => Kind::Bin,
                Some("test") => Kind::File(target.name.clone()),
                // Functions are cdylibs, and empty outside wasm; guests are examples.
                Some("cdylib" | "example" | "custom-build" | "bench") => continue,
                other => bail!("package {} has a target of the unknown kind {other:?}", package.name),
            };
            let floor = floor_of(folder, &kind)?;
            targets.push(Target { package: package.name.clone(), kind, floor });
        }
    }
    refuse_namesakes(&targets)?;
    Ok(targets)
}

fn floor_of(folder: &str, kind: &Kind) -> anyhow::Result<Floor> {
    let Kind::File(name) = kind else {
        return Ok(Floor::Unit);
    };
    if let Some((_, floor)) = BY_NAME.iter().find(|(beginning, _)| name.starts_with(beginning)) {
        return Ok(*floor);
    }
    if folder.starts_with("tests/") {
        let names: Vec<&str> = BY_NAME.iter().map(|(name, _)| *name).collect();
        bail!("tests/{name} is on no floor: its name begins with one of {names:?}");
    }
    Ok(Floor::Unit)
}

/// Two files of one name on two floors would both run on both: cargo selects files by name.
fn refuse_namesakes(targets: &[Target]) -> anyhow::Result<()> {
    for (place, target) in targets.iter().enumerate() {
        let namesake = targets.iter().skip(place + 1).find(|other| {
            matches!(other.kind, Kind::File(_)) && other.kind == target.kind && other.floor != target.floor
        });
        if let Some(other) = namesake {
            bail!("{} and {} have tests of one name on two floors: {:?}", target.package, other.package, target.kind);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_test_has_its_floor() {
        let file = |name: &str| Kind::File(name.to_owned());
        for (folder, kind, expected) in [
            ("components/money", Kind::Lib, Floor::Unit),
            ("components/money", file("properties"), Floor::Unit),
            ("components/records-redis", file("contract"), Floor::Contract),
            ("xtask", file("contract_redis_users"), Floor::Contract),
            ("xtask", file("tidy"), Floor::Unit),
            ("tests", file("component_imports"), Floor::Component),
            ("tests", file("end_to_end_journey"), Floor::EndToEnd),
            ("tests", file("fault_kill"), Floor::Fault),
        ] {
            assert_eq!(floor_of(&format!("{folder}/Cargo.toml"), &kind).unwrap(), expected, "{folder} {kind:?}");
        }
    }

    #[test]
    fn every_floor_has_its_lane() {
        let run = Floor::all().into_iter().filter(|floor| Lane::all().contains(&floor.lane())).count();
        assert_eq!(run, Floor::all().len());
    }

    #[test]
    fn a_file_of_the_tests_package_with_another_name_is_refused() {
        let refusal = floor_of("tests/Cargo.toml", &Kind::File("misc".to_owned())).unwrap_err();
        assert!(refusal.to_string().contains("tests/misc is on no floor"), "{refusal}");
    }

    #[test]
    fn two_files_of_one_name_on_two_floors_are_refused() {
        let target =
            |package: &str, floor| Target { package: package.to_owned(), kind: Kind::File("routes".to_owned()), floor };
        assert!(refuse_namesakes(&[target("money", Floor::Contract), target("edge", Floor::Unit)]).is_err());
        assert!(refuse_namesakes(&[target("money", Floor::Unit), target("edge", Floor::Unit)]).is_ok());
    }

    #[test]
    fn every_target_of_this_workspace_has_a_floor() {
        let targets = targets(&Workspace::here().unwrap()).unwrap();
        assert!(targets.iter().any(|target| target.package == "xtask" && target.kind == Kind::Lib));
    }

    #[test]
    fn a_floor_is_selected_by_kinds_and_names() {
        let target = |package: &str, kind, floor| Target { package: package.to_owned(), kind, floor };
        let targets = [
            target("money", Kind::Lib, Floor::Unit),
            target("tests", Kind::File("fault_kill".to_owned()), Floor::Fault),
            target("ids", Kind::Lib, Floor::Unit),
        ];
        assert_eq!(selection(&targets, Floor::Unit).unwrap(), ["--workspace", "--lib"]);
        assert_eq!(selection(&targets, Floor::Fault).unwrap(), ["--workspace", "--test", "fault_kill"]);
        assert_eq!(selection(&targets, Floor::EndToEnd), None);
    }
}
