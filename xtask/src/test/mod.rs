//! `cargo xtask test`: everything that a contributor runs, counted by floor.

pub mod floors;
pub mod report;
pub mod steps;
pub mod tally;

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use self::floors::{Floor, Lane, Target};
use self::report::Report;
use crate::setup::SetUp;
use crate::up::application;
use crate::workspace::{Environment, Workspace};

/// Flags of `test` and `ci`.
#[derive(Debug, Clone, Args)]
pub struct TestFlags {
    /// Run only this floor, and only what it needs; may be given more than once.
    #[arg(long, value_enum)]
    pub floor: Vec<Floor>,
    /// Run the component and end-to-end floors once more, on the stock `spin` of the PATH.
    #[arg(long)]
    pub stock: bool,
    /// Print one JSON document instead of the last lines.
    #[arg(long)]
    pub json: bool,
}

/// Runs all steps, also after one has failed, and prints the count of each floor.
///
/// # Errors
/// When the set-up cannot be completed.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &TestFlags) -> anyhow::Result<ExitCode> {
    let report = report_of(workspace, setup, flags)?;
    report.print(flags.json)?;
    Ok(report.exit_code())
}

/// The same without the last lines, for `ci`, which adds steps of its own.
///
/// # Errors
/// When the set-up cannot be completed.
pub fn report_of(workspace: &Workspace, setup: &SetUp, flags: &TestFlags) -> anyhow::Result<Report> {
    if flags.stock && application::stock_spin(workspace).is_none_or(|version| version < application::OLDEST_SPIN) {
        bail!(
            "--stock needs a spin of version {} or later on the PATH: https://spinframework.dev/install",
            application::OLDEST_SPIN
        );
    }
    let environment = setup.wasm(workspace)?;
    setup.redis(workspace)?;
    let everything = flags.floor.is_empty();
    let floors: Vec<Floor> =
        Floor::all().into_iter().filter(|floor| everything || flags.floor.contains(floor)).collect();

    let needs = |what: fn(Floor) -> bool| floors.iter().copied().any(what);
    // The engine's crates wait for one another, so its build alone leaves a core idle: all else is built beside it.
    let (rest, host) = std::thread::scope(|scope| {
        let host = scope.spawn(|| {
            let mut report = Report::default();
            if needs(Floor::needs_host) {
                steps::host(workspace, &mut report)?;
            }
            anyhow::Ok(report)
        });
        let rest = || {
            let mut report = Report::default();
            if everything {
                steps::looks(workspace, &environment, &mut report)?;
            }
            if needs(Floor::needs_guests) {
                steps::guests(workspace, &environment, &mut report)?;
            }
            if needs(Floor::needs_components) {
                steps::components(workspace, &environment, &mut report)?;
            }
            if everything {
                steps::tests(workspace, &environment, &mut report)?;
            }
            anyhow::Ok(report)
        };
        (rest(), host.join())
    });
    let mut report = rest?;
    match host {
        Ok(host) => report.add(host?),
        Err(_) => bail!("building the embedded host ended in a panic of this program"),
    }
    if needs(Floor::needs_host) && needs(Floor::needs_components) && workspace.host_program().exists() {
        steps::compiled(workspace, &mut report)?;
    }
    let targets = floors::targets(workspace)?;
    report.add(side_by_side(workspace, &environment, &floors, &targets)?);
    if flags.stock {
        for floor in floors.iter().filter(|floor| floor.runs_on_stock()) {
            steps::floor(workspace, &environment, *floor, &targets, true, &mut report)?;
        }
    }
    Ok(report)
}

/// Runs the floors in lanes beside one another (`Lane`), and reports them in their own order.
fn side_by_side(
    workspace: &Workspace,
    environment: &Environment,
    floors: &[Floor],
    targets: &[Target],
) -> anyhow::Result<Report> {
    let run = |lane: Lane| {
        let mut report = Report::default();
        for floor in floors.iter().filter(|floor| floor.lane() == lane) {
            steps::floor(workspace, environment, *floor, targets, false, &mut report)?;
        }
        anyhow::Ok(report)
    };
    let lanes = std::thread::scope(|scope| {
        let running: Vec<_> = Lane::all().into_iter().map(|lane| scope.spawn(move || run(lane))).collect();
        running.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let mut report = Report::default();
    for lane in lanes {
        match lane {
            Ok(lane) => report.add(lane?),
            Err(_) => bail!("running the tests ended in a panic of this program"),
        }
    }
    report.sort_floors(&floors.iter().map(|floor| floor.name()).collect::<Vec<_>>());
    Ok(report)
}
