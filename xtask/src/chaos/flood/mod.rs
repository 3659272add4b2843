//! `cargo xtask chaos events`: a hundred thousand events through two competing hosts of one application, while the hosts
//! and their Redis are killed; then every effect is counted, and held against the name that its cause gives it.
//!
//! What is told and what must follow is the crate `chaos` (`flood`); here is what starts, kills and reads. Events are
//! committed by a component through the records' port, in a host of its own that nobody kills: what is put to the test is
//! everything behind the commit.

mod reading;
mod rounds;
mod street;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use chaos::flood::{Found, Plan};
use chaos::{Checked, Tally, Violation};
use serde::Serialize;

use self::street::Street;
use super::ChaosFlags;
use crate::narration::{self, Stopwatch, Task};
use crate::process;
use crate::workspace::{Environment, WASM_TARGET, Workspace};

/// How many people the events are about.
const PEOPLE: usize = 12;
/// One payment in so many is captured: that means a letter, which is five commits and a call more.
const CAPTURED_EVERY: u64 = 50;
/// Payments of one call to the committer, and how many such calls are under way at once.
const PAYMENTS_AT_ONCE: u64 = 100;
const CALLERS: usize = 2;
/// How long a call may take, and the pause before it is sent again.
const CALL_LIMIT: Duration = Duration::from_secs(60);
const CALL_PAUSE: Duration = Duration::from_millis(200);
/// How long what waits may take to drain after the last fault.
const DRAIN_LIMIT: Duration = Duration::from_secs(600);
/// Between two looks at what waits.
const LOOK: Duration = Duration::from_millis(500);

/// The figures of a run.
#[derive(Debug, Serialize)]
struct Figures {
    seed: u64,
    minutes: f64,
    events: u64,
    payments: u64,
    /// From the first commit to the moment when nothing waited, faults and all.
    events_per_second: f64,
    /// What befell the system.
    faults: BTreeMap<String, u64>,
    /// From each kill of a host to its first 200 of `/readyz`.
    back_after_p50_ms: u128,
    back_after_most_ms: u128,
    /// From the last fault until nothing waited.
    drained_after_s: f64,
    messages: u64,
    letters: u64,
    /// Deliveries of payments' events that were not the first, by group.
    redelivered: BTreeMap<String, u64>,
    invariants: BTreeMap<&'static str, u64>,
    violations: Vec<Violation>,
}

/// Builds the component that commits.
///
/// # Errors
/// When it does not build.
pub fn build(workspace: &Workspace, environment: &Environment) -> anyhow::Result<()> {
    let mut cargo = workspace.cargo(environment);
    cargo.args(["build", "--profile", "guest", "--target", WASM_TARGET]);
    cargo.args(["--package", "contract-guest", "--example", "committer"]);
    process::quietly("building the component that commits", &mut cargo, &workspace.scratch().join("committer.log"))
}

/// Runs, checks, prints. Everything is built.
///
/// # Errors
/// When the system cannot be started or read, or something does not hold.
pub fn run(workspace: &Workspace, flags: &ChaosFlags, folder: PathBuf) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let tally = Arc::new(Tally::default());
    let mut street = Street::start(workspace, &folder, Arc::clone(&tally))?;
    let people = street.let_in(flags.seed, PEOPLE)?;
    let payments = flags.events.div_ceil(2);
    let plan = Plan::new(flags.seed, payments, CAPTURED_EVERY, &people)?;
    let mut found = Found::default();
    street.remember(&plan, &mut found)?;

    let work = Stopwatch::start();
    let rounds = flood(&mut street, flags, &plan)?;
    let calm = Stopwatch::start();
    loop {
        street.look_after_for(LOOK)?;
        found.waiting = street.waiting()?;
        if found.waiting.0.is_empty() || calm.elapsed() > DRAIN_LIMIT {
            break;
        }
        street.hurry(&found.waiting)?;
    }
    let (drained, worked) = (calm.elapsed(), work.elapsed());
    let task = Task::start("reading what is there now");
    street.read(&plan, &mut found)?;
    let redelivered = street.redelivered();
    task.done();
    street.stop();
    let checked = chaos::flood::check(&plan, &found);
    let figures = Figures {
        seed: flags.seed,
        minutes: (stopwatch.elapsed().as_secs_f64() / 6.0).round() / 10.0,
        events: plan.events(),
        payments: plan.payments(),
        events_per_second: (plan.events() as f64 / worked.as_secs_f64()).round(),
        faults: tally.of(Tally::FAULTS),
        back_after_p50_ms: rounds.get(rounds.len() / 2).map_or(0, Duration::as_millis),
        back_after_most_ms: rounds.last().map_or(0, Duration::as_millis),
        drained_after_s: (drained.as_secs_f64() * 10.0).round() / 10.0,
        messages: found.people.values().map(|person| person.inbox.values().sum::<u64>()).sum(),
        letters: found.letters.values().sum(),
        redelivered,
        invariants: checked.invariants.clone(),
        violations: checked.violations.clone(),
    };
    figures.print(flags.json)?;
    finish(&checked, &found, &folder, flags.seed)
}

/// Commits everything while the system is broken again and again.
fn flood(street: &mut Street, flags: &ChaosFlags, plan: &Plan) -> anyhow::Result<Vec<Duration>> {
    let (next, committed) = (AtomicU64::new(0), AtomicU64::new(0));
    // Events come as faults do, so that faults befall all of them: no more payments than this are told of.
    let allowed = AtomicU64::new(PAYMENTS_AT_ONCE);
    let is_given_up = AtomicBool::new(false);
    let address = street.committer();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let calls = Calls { address, plan, allowed: &allowed, is_given_up: &is_given_up };
                    calls.make(&next, &committed)
                })
            })
            .collect();
        let rounds = rounds::play(street, flags, plan, (&allowed, &committed));
        allowed.store(plan.payments(), Ordering::SeqCst);
        let rounds = rounds.and_then(|rounds| {
            narration::say("no more faults; waiting until everything is committed and handled");
            while callers.iter().any(|caller| !caller.is_finished()) {
                street.look_after()?;
            }
            Ok(rounds)
        });
        // They must end before anybody can leave, whatever went wrong.
        is_given_up.store(true, Ordering::SeqCst);
        let ends: Vec<_> = callers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        // What broke the run is what counts; that callers gave up then follows from it.
        let mut rounds = rounds?;
        for end in ends {
            end.map_err(|_| anyhow::anyhow!("a caller panicked"))??;
        }
        rounds.sort_unstable();
        Ok(rounds)
    })
}

/// Whoever has events committed, as a careful client: a call without an answer is sent again.
struct Calls<'a> {
    address: std::net::SocketAddr,
    plan: &'a Plan,
    allowed: &'a AtomicU64,
    is_given_up: &'a AtomicBool,
}

impl Calls<'_> {
    fn make(&self, next: &AtomicU64, committed: &AtomicU64) -> anyhow::Result<()> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(CALL_LIMIT)).http_status_as_error(false).build().into();
        let url = format!("http://{}/commit", self.address);
        loop {
            let first = next.fetch_add(PAYMENTS_AT_ONCE, Ordering::Relaxed);
            let numbers: Range<u64> = first..(first + PAYMENTS_AT_ONCE).min(self.plan.payments());
            if numbers.is_empty() {
                return Ok(());
            }
            while self.allowed.load(Ordering::SeqCst) < numbers.end && !self.is_given_up.load(Ordering::SeqCst) {
                std::thread::sleep(CALL_PAUSE);
            }
            let payments = numbers.end - numbers.start;
            let body = serde_json::to_string(&self.plan.told(numbers)?).context("writing JSON")?;
            loop {
                if self.is_given_up.load(Ordering::SeqCst) {
                    bail!("the run was given up before everything was committed");
                }
                let answer = agent.post(&url).content_type("application/json").send(body.as_str());
                match answer.map(|answer| answer.status().as_u16()) {
                    Ok(200) => break,
                    Ok(503) | Err(_) => std::thread::sleep(CALL_PAUSE),
                    Ok(status) => bail!("the committer answers {status}"),
                }
            }
            committed.fetch_add(2 * payments, Ordering::Relaxed);
        }
    }
}

impl Figures {
    fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json {
            println!("{}", serde_json::to_string_pretty(self).context("writing JSON")?);
            return Ok(());
        }
        println!(
            "seed {}: {} events of {} payments in {} minutes, {} events/s from the first commit to the last effect",
            self.seed, self.events, self.payments, self.minutes, self.events_per_second
        );
        println!(
            "a killed host was ready again after {} ms in the middle, {} ms at most; everything had drained {} s after \
             the last fault",
            self.back_after_p50_ms, self.back_after_most_ms, self.drained_after_s
        );
        println!("{} messages in the inboxes, {} letters at the provider", self.messages, self.letters);
        for (title, counts) in [("faults", &self.faults), ("deliveries that were not the first", &self.redelivered)] {
            println!("{title}: {}", counts.values().sum::<u64>());
            for (word, count) in counts {
                println!("  {count:>8}  {word}");
            }
        }
        println!("invariants: {}", self.invariants.values().sum::<u64>());
        for (word, count) in &self.invariants {
            println!("  {count:>8}  {word}");
        }
        for Violation { invariant, what, about } in &self.violations {
            println!("VIOLATED {invariant}\n  {}: {what}", about.as_deref().unwrap_or("-"));
        }
        Ok(())
    }
}

/// Nothing was found: the folder goes. Else it stays, with what was found.
fn finish(checked: &Checked, found: &Found, folder: &std::path::Path, seed: u64) -> anyhow::Result<ExitCode> {
    let Some(first) = checked.violations.first() else {
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    };
    let report = folder.join("violations.json");
    let text = serde_json::to_string_pretty(&serde_json::json!({
        "seed": seed, "violations": checked.violations, "waiting": found.waiting,
        "people": found.people, "letters": found.letters,
    }))?;
    std::fs::write(&report, text).with_context(|| format!("writing {}", report.display()))?;
    bail!(
        "seed {seed}: {} findings, the first: {}: {}; all of them: {}",
        checked.violations.len(),
        first.invariant,
        first.what,
        report.display()
    );
}
