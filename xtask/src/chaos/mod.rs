//! `cargo xtask chaos payments` (for `chaos events` see `flood`): clients pay through the public API of a system that is started here, while its host and
//! its Redis are killed, its acquirer misbehaves and its notices come twice; then everything is checked.
//!
//! The clients, the record of what they were promised and the checks are the crate `chaos`; here is what starts, kills
//! and reads. Everything lies in a state folder of its own, listens on the loopback interface, and is stopped by its
//! process id.

mod figures;
mod flood;
mod house;
mod rounds;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chaos::between::Between;
use chaos::{Checked, Crowd, Reading, Record, Setting, Tally};
use clap::Args;

use self::figures::Figures;
use self::house::House;
use self::rounds::Rounds;
use crate::components;
use crate::narration::{self, Stopwatch, Task};
use crate::setup::SetUp;
use crate::up::application::Runner;
use crate::workspace::Workspace;

/// How long what is under way may take to end once nothing breaks any more.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long events, timers and notices may take to drain after that (I11 says 60 s on an idle machine).
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
/// The most calls of a client that are sent once more in the end.
const MOST_REPLAYS: usize = 600;

/// What can be put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Payments and the ledger.
    Payments,
    /// Events and their effects, through two competing hosts.
    Events,
}

/// Flags of a run.
#[derive(Debug, Args)]
pub struct ChaosFlags {
    /// What is put to the test.
    pub part: Part,
    /// How often the host is killed; Redis is killed beside it, once in eight times.
    #[arg(long, default_value_t = 40)]
    pub kills: u32,
    /// The run is over after so many minutes, also where fewer kills were done.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=240))]
    pub minutes: u64,
    /// How many clients pay side by side.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub clients: u16,
    /// How long a client thinks between two requests, in milliseconds.
    #[arg(long, default_value_t = 200)]
    pub think_ms: u64,
    /// How many events are told; a payment is told of by two.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(2..=1_000_000))]
    pub events: u64,
    /// Repeats the plan of a run.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the figures as one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Use the host and the components that are built already.
    #[arg(long)]
    pub no_build: bool,
    /// Where the system keeps its state; removed when nothing was found.
    #[arg(long)]
    pub state: Option<PathBuf>,
}

/// Runs, checks, prints.
///
/// # Errors
/// When the system cannot be started or read, or something does not hold; then with what is needed to look into it.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &ChaosFlags) -> anyhow::Result<ExitCode> {
    setup.redis(workspace)?;
    if !flags.no_build {
        let environment = setup.wasm(workspace)?;
        components::check(&components::build(workspace, &environment)?)?;
        if flags.part == Part::Events {
            flood::build(workspace, &environment)?;
        }
        Runner::Embedded.build(workspace)?;
    }
    let folder = flags
        .state
        .clone()
        .unwrap_or_else(|| workspace.scratch().join(format!("chaos-{}-{}", flags.seed, std::process::id())));
    if flags.part == Part::Events {
        return flood::run(workspace, flags, folder);
    }
    let stopwatch = Stopwatch::start();
    let tally = Arc::new(Tally::default());
    let mut house = House::start(workspace, &folder, &Crowd::operators_address(), flags.seed, Arc::clone(&tally))?;
    let (record, reading, rounds) = play(&mut house, flags, &tally)?;
    house.stop();
    let checked = chaos::check(&record, &reading);
    let figures = Figures::new(flags, &tally, &rounds, &record, &reading, &checked, stopwatch.elapsed());
    figures.print(flags.json)?;
    if checked.violations.is_empty() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = folder.join("violations.json");
    write_report(&report, flags, &record, &reading, &checked)?;
    let first = checked.violations.first().map(|first| format!("{}: {}", first.invariant, first.what));
    bail!(
        "seed {}: {} findings, the first: {}; all of them with their histories: {}",
        flags.seed,
        checked.violations.len(),
        first.unwrap_or_default(),
        report.display()
    );
}

/// The run itself: everybody in, rounds of faults, calm, looking.
fn play(house: &mut House, flags: &ChaosFlags, tally: &Arc<Tally>) -> anyhow::Result<(Record, Reading, Rounds)> {
    let setting = Arc::new(Setting {
        address: house.listen(),
        seed: flags.seed,
        clients: usize::from(flags.clients),
        think_ms: flags.think_ms,
        patience: PATIENCE,
        most_replays: MOST_REPLAYS,
        is_enough: false.into(),
        is_given_up: false.into(),
        tally: Arc::clone(tally),
    });
    let task = Task::start("letting everybody in");
    let crowd = beside(house, || Crowd::enter(Arc::clone(&setting)))?;
    task.done();
    let (record, mut rounds) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let playing = scope.spawn(|| crowd.play());
        let rounds = rounds::play(house, flags, tally);
        setting.is_enough.store(true, Ordering::SeqCst);
        house.between().set_calm(true);
        narration::say("no more faults; waiting until what is under way has ended");
        let ended = rounds.and_then(|rounds| {
            while !playing.is_finished() {
                house.look_after()?;
            }
            Ok(rounds)
        });
        // The clients must end before anybody can leave, whatever went wrong.
        setting.is_given_up.store(true, Ordering::SeqCst);
        let record = playing.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        Ok((record, ended?))
    })?;
    let mut reading = Reading::default();
    let calm = Stopwatch::start();
    loop {
        house.look_after()?;
        reading.waiting = house.waiting()?;
        if reading.waiting.0.is_empty() || calm.elapsed() > DRAIN_LIMIT {
            break;
        }
    }
    rounds.drained_after = calm.elapsed();
    let task = Task::start("reading what is there now");
    beside(house, || crowd.look(&record, &mut reading))?;
    house.read(&mut reading)?;
    task.done();
    Ok((record, reading, rounds))
}

/// Does something that needs the system, while somebody rings its pulse.
fn beside<T: Send>(house: &mut House, act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let acting = scope.spawn(act);
        while !acting.is_finished() {
            house.look_after()?;
        }
        acting.join().map_err(|_| anyhow::anyhow!("a reader panicked"))?
    })
}

/// What somebody needs who looks into a finding: the seed, the findings, and of each payment its whole history.
fn write_report(
    to: &std::path::Path,
    flags: &ChaosFlags,
    record: &Record,
    reading: &Reading,
    checked: &Checked,
) -> anyhow::Result<()> {
    let findings: Vec<_> = checked
        .violations
        .iter()
        .map(|violation| {
            let about = violation.about.as_deref().unwrap_or_default();
            let name = about.rsplit(':').next().unwrap_or_default();
            let is_about = |row: &&chaos::reading::Row| row.cause.split_once(':').is_some_and(|(_, id)| id == name);
            let rows: Vec<_> = reading.rows.iter().filter(is_about).collect();
            let events: Vec<_> = reading.events.iter().filter(|event| event.subject == name).collect();
            serde_json::json!({
                "violation": violation, "history": record.history(name), "found": reading.payments.get(name),
                "charges": reading.charges.get(name), "rows": rows, "events": events,
            })
        })
        .collect();
    let (kills, clients) = (flags.kills, flags.clients);
    let report = serde_json::json!({ "seed": flags.seed, "kills": kills, "clients": clients, "findings": findings });
    std::fs::write(to, serde_json::to_string_pretty(&report)?).with_context(|| format!("writing {}", to.display()))
}

/// The network between the system and its acquirer.
fn network(listen: std::net::SocketAddr, seed: u64, tally: Arc<Tally>) -> anyhow::Result<Between> {
    Between::start(listen, seed, tally).context("standing between the system and its acquirer")
}
