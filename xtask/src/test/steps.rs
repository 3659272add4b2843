//! The single steps: each is timed, each writes its output into `target/xtask/<step>.log`, none ends the run.
use std::process::Command;

use anyhow::Context as _;

use super::floors::{self, Floor, Target};
use super::report::Report;
use super::tally::{Tally, complaints};
use crate::narration::{self, Stopwatch, Task};
use crate::process;
use crate::workspace::{Environment, WASM_TARGET, Workspace};

/// Crates that are made of wasm bindings: linted for wasm besides the functions.
const WASM_LIBRARIES: [&str; 3] = ["edge-spin", "platform-spin", "wiring-spin"];

/// Format, lints on both targets, documentation.
///
/// # Errors
/// When a program cannot be started.
pub fn looks(workspace: &Workspace, environment: &Environment, report: &mut Report) -> anyhow::Result<()> {
    let cargo = |arguments: &[&str]| {
        let mut command = workspace.cargo(environment);
        command.args(arguments);
        command
    };
    step(workspace, report, "format", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(workspace, report, "format, host", workspace.host_cargo().args(["fmt", "--check"]))?;
    step(
        workspace,
        report,
        "lints, native",
        &mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    )?;
    let mut wasm = cargo(&["clippy", "--target", WASM_TARGET]);
    for function in workspace.functions()? {
        wasm.args(["--package", &function.name]);
    }
    for library in WASM_LIBRARIES {
        wasm.args(["--package", library]);
    }
    wasm.args(["--", "-D", "warnings"]);
    step(workspace, report, "lints, wasm32", &mut wasm)?;
    step(
        workspace,
        report,
        "documentation",
        cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// The guests of the host's own tests.
///
/// # Errors
/// When cargo cannot be started.
pub fn guests(workspace: &Workspace, environment: &Environment, report: &mut Report) -> anyhow::Result<()> {
    let mut cargo = workspace.cargo(environment);
    cargo.args(["build", "--package", "guests", "--package", "contract-guest", "--examples"]);
    cargo.args(["--profile", "guest", "--target", WASM_TARGET]);
    step(workspace, report, "guests of the host's and the suites' tests", &mut cargo)
}

/// Every function's component, within its budget.
///
/// # Errors
/// When cargo cannot be started.
pub fn components(workspace: &Workspace, environment: &Environment, report: &mut Report) -> anyhow::Result<()> {
    const NAME: &str = "components";
    step(workspace, report, NAME, &mut crate::components::command(workspace, environment)?)?;
    let stopwatch = Stopwatch::start();
    let weighed = crate::components::sizes(workspace).and_then(|sizes| crate::components::check(&sizes));
    if let Err(error) = &weighed {
        narration::say(&format!("✗ {error:#}"));
    }
    report.step("components, within their budgets", weighed.is_ok(), stopwatch.elapsed());
    Ok(())
}

/// The tests of the workspace, so that the floors only run them.
///
/// # Errors
/// When cargo cannot be started.
pub fn tests(workspace: &Workspace, environment: &Environment, report: &mut Report) -> anyhow::Result<()> {
    let mut cargo = workspace.cargo(environment);
    cargo.args(["test", "--workspace", "--no-run", "--lib", "--bins", "--tests"]);
    step(workspace, report, "tests, built", &mut cargo)
}

/// The embedded host and its tests, with its lints: its build is what looks at it (`linted_host_cargo`).
///
/// # Errors
/// When cargo cannot be started.
pub fn host(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    step(
        workspace,
        report,
        "embedded host, with its lints",
        linted_host_cargo(workspace).args(["build", "--all-targets"]),
    )
}

/// What the functions' components are compiled to, once: the systems that the tests start side by side would each compile
/// all of them, and all would wait for minutes.
///
/// # Errors
/// When the host cannot be started.
pub fn compiled(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let mut host = Command::new(workspace.host_program());
    host.arg("compile").args(workspace.functions()?.iter().map(|function| &function.wasm));
    host.arg("--cache-dir").arg(workspace.scratch().join("compiled"));
    step(workspace, report, "components, compiled by the embedded host", &mut host)
}

/// Cargo for the host with Clippy as the compiler of the host's own crate, refusing warnings.
///
/// `cargo clippy` checks what the crate depends on, and nothing of a check can be used by a build: for the engine that
/// is five minutes more. So the build itself is what looks.
fn linted_host_cargo(workspace: &Workspace) -> Command {
    let mut cargo = workspace.host_cargo();
    // What `cargo clippy -- -D warnings` sets; the driver splits its arguments at this word.
    let refusing = ["-D", "warnings", ""].join("__CLIPPY_HACKERY__");
    cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", refusing);
    cargo
}

/// One program that must end well.
///
/// # Errors
/// When it cannot be started.
pub fn step(workspace: &Workspace, report: &mut Report, name: &str, command: &mut Command) -> anyhow::Result<()> {
    let log = workspace.scratch().join(format!("{}.log", file_name(name)));
    let task = Task::start(name);
    let ended_well = process::into_file(command, &log)?;
    let took = if ended_well { task.done() } else { task.failed() };
    if !ended_well {
        narration::say(&format!("{}\n(all of it: {})", process::tail(&log), log.display()));
    }
    report.step(name, ended_well, took);
    Ok(())
}

/// All tests of one floor. A floor without a test is said to be empty and counts nothing.
///
/// # Errors
/// When cargo cannot be started or its output not be read.
pub fn floor(
    workspace: &Workspace,
    environment: &Environment,
    floor: Floor,
    targets: &[Target],
    stock: bool,
    report: &mut Report,
) -> anyhow::Result<()> {
    let name = if stock { format!("{} on stock", floor.name()) } else { floor.name().to_owned() };
    let Some(selection) = floors::selection(targets, floor) else {
        narration::say(&format!("– the {name} floor has no tests"));
        report.floor(name, Tally::default(), std::time::Duration::ZERO);
        return Ok(());
    };
    let mut calls = vec![selection];
    if floor == Floor::Unit {
        calls.push(["--workspace", "--doc"].map(str::to_owned).to_vec());
    }
    let task = Task::start(&format!("tests, {name}"));
    let mut tally = Tally::default();
    for (number, call) in calls.iter().enumerate() {
        let mut cargo = if floor == Floor::Host { linted_host_cargo(workspace) } else { workspace.cargo(environment) };
        cargo.args(["test", "--no-fail-fast"]).args(call);
        for (key, value) in surroundings(workspace, stock) {
            cargo.env(key, value);
        }
        if floor.mostly_waits() && std::env::var_os("RUST_TEST_THREADS").is_none() {
            cargo.env("RUST_TEST_THREADS", threads_that_wait().to_string());
        }
        let log = workspace.scratch().join(format!("{}-{number}.log", file_name(&name)));
        let ended_well = process::into_file(&mut cargo, &log)?;
        let output = std::fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
        let output = String::from_utf8_lossy(&output);
        tally.add(Tally::read(&output, ended_well));
        for complaint in complaints(&output) {
            narration::say(&format!("    {complaint}"));
        }
        if !ended_well {
            narration::say(&format!("    (all of it: {})", log.display()));
        }
    }
    let took = if tally.failed == 0 { task.done() } else { task.failed() };
    report.floor(name, tally, took);
    Ok(())
}

/// How many tests of a floor that mostly waits run at once: two a core, and never fewer than four.
fn threads_that_wait() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| (cores.get() * 2).max(4))
}

/// What tests may want to know: where the built things are, and which host to run them on.
fn surroundings(workspace: &Workspace, stock: bool) -> Vec<(&'static str, String)> {
    let wasm = workspace.target.join(WASM_TARGET);
    let mut variables = vec![
        ("SPINDRIFT_GUESTS_DIR", wasm.join("guest/examples").display().to_string()),
        ("SPINDRIFT_COMPONENTS_DIR", wasm.join("component").display().to_string()),
        ("SPINDRIFT_HOST", workspace.host_program().display().to_string()),
    ];
    if stock {
        variables.push(("SPINDRIFT_STOCK", "1".to_owned()));
    }
    variables
}

fn file_name(step: &str) -> String {
    step.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
