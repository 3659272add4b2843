//! `cargo xtask build`: every function's component, and whether it is small enough.
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::narration::{self, Stopwatch};
use crate::process;
use crate::setup::SetUp;
use crate::workspace::{Environment, Function, WASM_TARGET, Workspace};

/// The most that a component may weigh that somebody waits for.
const BUDGET_BYTES: u64 = 1_500_000;

/// The most for one that works behind the requests: nobody waits while it is read from the cache of compiled code.
const BUDGET_BEHIND_BYTES: u64 = 1_700_000;

/// How the names of those end: they carry all that a context does by itself.
const BEHIND: [&str; 2] = ["-worker", DRAIN];
const DRAIN: &str = "-drain";

/// What a drain may weigh beyond its worker: it is the same work, and the edge that requests come through. Nobody waits for it
/// but a clock, and no system that has a Redis trigger loads it.
const EDGE_OF_DRAIN_BYTES: u64 = 300_000;

/// The most for a component that carries templates.
const BUDGET_WITH_TEMPLATES_BYTES: u64 = 2_500_000;

/// The components that carry templates.
const WITH_TEMPLATES: [&str; 3] = ["notifications", "notifications-worker", "notifications-drain"];

/// The size of one built component.
///
/// **Shape** in JSON: `{"name":"users","bytes":812345,"budget_bytes":1500000}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Component id.
    pub name: String,
    /// What it weighs.
    pub bytes: u64,
    /// What it may weigh.
    pub budget_bytes: u64,
}

/// Completes the set-up, builds, prints the table.
///
/// # Errors
/// When the build fails or a component is above its budget.
pub fn run(workspace: &Workspace, setup: &SetUp, json: bool) -> anyhow::Result<ExitCode> {
    let environment = setup.wasm(workspace)?;
    let sizes = build(workspace, &environment)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&sizes).context("writing JSON")?);
    } else {
        print!("{}", table(&sizes));
    }
    check(&sizes)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds every function and weighs what came out, showing what cargo says.
///
/// # Errors
/// When there is no function, or the build fails.
pub fn build(workspace: &Workspace, environment: &Environment) -> anyhow::Result<Vec<Size>> {
    let stopwatch = Stopwatch::start();
    let mut cargo = command(workspace, environment)?;
    narration::say("… building the components");
    process::openly("building the components", &mut cargo)?;
    let sizes = sizes(workspace)?;
    narration::say(&format!("✓ {} components are built ({})", sizes.len(), stopwatch.words()));
    Ok(sizes)
}

/// The same with cargo's output in a file, shown where it fails: for builds beside another one.
///
/// # Errors
/// When there is no function, or the build fails.
pub fn build_quietly(workspace: &Workspace, environment: &Environment) -> anyhow::Result<Vec<Size>> {
    let log = workspace.scratch().join("components.log");
    process::quietly("components", &mut command(workspace, environment)?, &log)?;
    sizes(workspace)
}

/// The one call of cargo that builds every function.
///
/// # Errors
/// When there is no function.
pub fn command(workspace: &Workspace, environment: &Environment) -> anyhow::Result<Command> {
    let functions = workspace.functions()?;
    if functions.is_empty() {
        bail!("there is no function in {}", workspace.root.join("functions").display());
    }
    let mut cargo = workspace.cargo(environment);
    cargo.args(["build", "--profile", "component", "--target", WASM_TARGET]);
    for function in &functions {
        cargo.args(["--package", &function.name]);
    }
    Ok(cargo)
}

/// What every built component weighs.
///
/// # Errors
/// When one is not there.
pub fn sizes(workspace: &Workspace) -> anyhow::Result<Vec<Size>> {
    workspace.functions()?.iter().map(weigh).collect()
}

fn weigh(function: &Function) -> anyhow::Result<Size> {
    let bytes = std::fs::metadata(&function.wasm)
        .with_context(|| format!("{} was built, but {} is not there", function.name, function.wasm.display()))?
        .len();
    Ok(Size { name: function.name.clone(), bytes, budget_bytes: budget_bytes(&function.name) })
}

fn budget_bytes(name: &str) -> u64 {
    let work = if WITH_TEMPLATES.contains(&name) {
        BUDGET_WITH_TEMPLATES_BYTES
    } else if BEHIND.iter().any(|end| name.ends_with(end)) {
        BUDGET_BEHIND_BYTES
    } else {
        BUDGET_BYTES
    };
    work + if name.ends_with(DRAIN) { EDGE_OF_DRAIN_BYTES } else { 0 }
}

/// One line a component.
fn table(sizes: &[Size]) -> String {
    sizes
        .iter()
        .map(|size| {
            let share = size.bytes * 100 / size.budget_bytes;
            format!("{:<24} {:>7} kB  {share:>3} % of its budget\n", size.name, size.bytes / 1000)
        })
        .collect()
}

/// Refuses components above their budget.
///
/// # Errors
/// When one is; the text names all of them.
pub fn check(sizes: &[Size]) -> anyhow::Result<()> {
    let heavy: Vec<String> = sizes
        .iter()
        .filter(|size| size.bytes > size.budget_bytes)
        .map(|size| format!("{} weighs {} bytes, {} are allowed", size.name, size.bytes, size.budget_bytes))
        .collect();
    if heavy.is_empty() {
        return Ok(());
    }
    bail!("{}", heavy.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(name: &str, bytes: u64) -> Size {
        Size { name: name.to_owned(), bytes, budget_bytes: budget_bytes(name) }
    }

    #[test]
    fn refuses_a_component_one_byte_above_its_budget_and_names_it() {
        assert!(check(&[size("users", BUDGET_BYTES)]).is_ok());
        let error = check(&[size("users", BUDGET_BYTES), size("payments", BUDGET_BYTES + 1)]).unwrap_err();
        assert!(error.to_string().starts_with("payments weighs 1500001 bytes"), "{error}");
    }

    #[test]
    fn who_works_behind_the_requests_has_more_room() {
        assert!(
            check(&[size("payments-worker", BUDGET_BEHIND_BYTES), size("webhooks-drain", BUDGET_BYTES + 1)]).is_ok()
        );
        assert!(check(&[size("payments-worker", BUDGET_BEHIND_BYTES + 1)]).is_err());
    }

    #[test]
    fn a_drain_may_weigh_what_its_worker_may_and_the_edge() {
        for (context, budget) in [("payments", BUDGET_BEHIND_BYTES), ("notifications", BUDGET_WITH_TEMPLATES_BYTES)] {
            let most = budget + EDGE_OF_DRAIN_BYTES;
            assert!(check(&[size(&format!("{context}-drain"), most)]).is_ok());
            assert!(check(&[size(&format!("{context}-drain"), most + 1)]).is_err());
        }
    }

    #[test]
    fn templates_give_more_room() {
        assert!(check(&[size("notifications", BUDGET_BYTES + 1)]).is_ok());
    }
}
