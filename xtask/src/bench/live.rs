//! `cargo xtask bench live`: many open streams of the inbox in one host, what each costs, and how long one message takes
//! until all of them have it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use journey::Stream;
use serde::Serialize;

use super::house::House;
use crate::demo::somebody;
use crate::narration::{Stopwatch, Task};
use crate::setup::SetUp;
use crate::up::application::{self, Runner};
use crate::workspace::Workspace;

/// How long all streams together may take to open, and a message to reach all of them.
const OPEN_LIMIT: Duration = Duration::from_secs(120);
const MESSAGE_LIMIT: Duration = Duration::from_secs(60);
/// How long nothing happens while the cost of that is measured.
const IDLE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(1);
/// How many are opened side by side.
const AT_ONCE: usize = 50;
/// When a client that was told to come back does.
const COME_BACK: Duration = Duration::from_secs(1);

/// Flags of `bench live`.
#[derive(Debug, Args)]
pub struct LiveFlags {
    /// How many streams are open at once. Each takes a file of this program and one of the host.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub streams: u32,
    /// How many messages come, one after the other.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub messages: u32,
    /// Measure in the stock `spin` on the PATH instead of the embedded host.
    #[arg(long)]
    pub stock: bool,
    /// Use what is built already.
    #[arg(long)]
    pub no_build: bool,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Found {
    host: String,
    streams: usize,
    opened_in_ms: u128,
    /// The host's memory with one stream and with all of them, and the difference a stream.
    memory_before_kib: u64,
    memory_after_kib: u64,
    memory_a_stream_kib: f64,
    /// What Redis has of connections more.
    redis_connections: u64,
    /// Processor time of the host while nothing came, in thousandths of one core.
    idle_core_permille: f64,
    messages: u32,
    /// From the acknowledged payment until a stream has its message, over all streams and messages.
    first_p50_ms: f64,
    all_p50_ms: f64,
    all_p99_ms: f64,
    /// Until the last stream has it: in the middle, and at most.
    last_p50_ms: f64,
    last_most_ms: f64,
}

/// Starts, opens, measures, stops.
///
/// # Errors
/// When something cannot be built or started, or a message does not reach every stream.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &LiveFlags) -> anyhow::Result<ExitCode> {
    let runner = runner(workspace, flags.stock)?;
    build(workspace, setup, &runner, flags.no_build)?;
    let streams = flags.streams.to_string();
    let folder = workspace.scratch().join(format!("bench-live-{}", std::process::id()));
    let house =
        House::start(workspace, &folder, &runner, &[("streams_a_person", &streams), ("stream_seconds", "3600")])?;
    let found = measure(&house, flags, runner.words());
    drop(house);
    let found = found.with_context(|| format!("the logs are in {}", folder.display()))?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    if flags.json {
        println!("{}", serde_json::to_string_pretty(&found).context("writing JSON")?);
    } else {
        found.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// The embedded host, or the stock Spin that is insisted on.
pub(super) fn runner(workspace: &Workspace, stock: bool) -> anyhow::Result<Runner> {
    match (stock, application::stock_spin(workspace)) {
        (false, _) => Ok(Runner::Embedded),
        (true, Some(version)) if version >= application::OLDEST_SPIN => Ok(Runner::Stock(version)),
        (true, _) => bail!("--stock needs a spin of version {} or later on the PATH", application::OLDEST_SPIN),
    }
}

/// Components, and the host where it is ours.
pub(super) fn build(workspace: &Workspace, setup: &SetUp, runner: &Runner, no_build: bool) -> anyhow::Result<()> {
    setup.redis(workspace)?;
    if !no_build {
        let environment = setup.wasm(workspace)?;
        crate::components::check(&crate::components::build_quietly(workspace, &environment)?)?;
        runner.build(workspace)?;
    }
    Ok(())
}

fn measure(house: &House, flags: &LiveFlags, host: String) -> anyhow::Result<Found> {
    let mut person = house.somebody(&somebody()?)?;
    let token = person.access_token().to_owned();
    // One stream first: what an instance costs however many it has is no cost of a stream.
    let mut streams = vec![Client::open(house.listen(), &token)?];
    await_opened(&mut streams)?;
    let (before, connections_before) = (house.memory_bytes()?, house.redis_connections()?);
    let task = Task::start(&format!("opening {} streams", flags.streams));
    let stopwatch = Stopwatch::start();
    while streams.len() < flags.streams as usize {
        let more = (flags.streams as usize - streams.len()).min(AT_ONCE);
        let mut opened = (0..more).map(|_| Client::open(house.listen(), &token)).collect::<anyhow::Result<Vec<_>>>()?;
        await_opened(&mut opened)?;
        streams.append(&mut opened);
    }
    let opened_in = stopwatch.elapsed();
    task.done();

    let used = house.processor_time()?;
    let idle = Stopwatch::start();
    std::thread::sleep(IDLE);
    let used = house.processor_time()?.saturating_sub(used);
    let idle_core_permille = used.as_secs_f64() / idle.elapsed().as_secs_f64() * 1000.0;
    let (mut first, mut all, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for message in 1..=flags.messages as usize {
        person.create_payment(100, "tok_visa")?;
        person.confirm()?;
        let times = await_message(&mut streams, message)?;
        first.extend(times.first());
        last.extend(times.last());
        all.extend(times);
    }
    // What a burst leaves behind belongs to the cost.
    let (after, connections) = (house.memory_bytes()?, house.redis_connections()?);
    let more = after.saturating_sub(before) as f64 / 1024.0;
    Ok(Found {
        host,
        streams: streams.len(),
        opened_in_ms: opened_in.as_millis(),
        memory_before_kib: before / 1024,
        memory_after_kib: after / 1024,
        memory_a_stream_kib: (more / (streams.len().max(2) - 1) as f64 * 10.0).round() / 10.0,
        redis_connections: connections.saturating_sub(connections_before),
        idle_core_permille: idle_core_permille.round(),
        messages: flags.messages,
        first_p50_ms: rank(&mut first, 50),
        all_p50_ms: rank(&mut all, 50),
        all_p99_ms: rank(&mut all, 99),
        last_p50_ms: rank(&mut last, 50),
        last_most_ms: rank(&mut last, 100),
    })
}

/// The nearest rank, in milliseconds.
fn rank(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(place).map_or(f64::NAN, |time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
}

/// One client, which takes what is there and waits for nothing.
struct Client {
    address: SocketAddr,
    token: String,
    stream: Stream,
    opened: bool,
    messages: usize,
}

impl Client {
    fn open(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut stream = Stream::ask(address, token, "", MESSAGE_LIMIT)?;
        stream.do_not_wait()?;
        Ok(Self { address, token: token.to_owned(), stream, opened: false, messages: 0 })
    }

    /// Takes what has come.
    fn look(&mut self) -> anyhow::Result<()> {
        while let Some(line) = self.stream.line()? {
            self.opened |= line.starts_with("retry: ");
            self.messages += usize::from(line == "event: notification");
        }
        if self.stream.is_over() {
            let head = self.stream.head.clone().unwrap_or_default();
            // As a careful client: a 503 says when to come back.
            ensure!(!self.opened && head.starts_with("http/1.1 503"), "a stream ended: {head}");
            std::thread::sleep(COME_BACK);
            *self = Self::open(self.address, &self.token)?;
        }
        Ok(())
    }
}

fn await_opened(streams: &mut [Client]) -> anyhow::Result<()> {
    let stopwatch = Stopwatch::start();
    while let Some(stream) = streams.iter_mut().find(|stream| !stream.opened) {
        stream.look()?;
        ensure!(stopwatch.elapsed() < OPEN_LIMIT, "not every stream was opened");
        if !stream.opened {
            std::thread::sleep(GLANCE);
        }
    }
    Ok(())
}

/// The time until each stream had its message, sorted.
fn await_message(streams: &mut [Client], number: usize) -> anyhow::Result<Vec<Duration>> {
    let stopwatch = Stopwatch::start();
    let mut times = Vec::with_capacity(streams.len());
    let mut waiting: Vec<&mut Client> = streams.iter_mut().collect();
    while !waiting.is_empty() {
        let mut still = Vec::with_capacity(waiting.len());
        for stream in waiting {
            stream.look()?;
            ensure!(stream.messages <= number, "a stream was told of a message twice");
            if stream.messages == number {
                times.push(stopwatch.elapsed());
            } else {
                still.push(stream);
            }
        }
        waiting = still;
        let missing = waiting.len();
        ensure!(stopwatch.elapsed() < MESSAGE_LIMIT, "the message has not reached {missing} streams");
        std::thread::sleep(GLANCE);
    }
    Ok(times)
}

impl Found {
    fn print(&self) {
        println!(
            "{} streams in {}, opened in {} ms: {:.1} KiB of memory each ({} KiB with one stream, {} KiB with all), {} \
             connections to Redis, {} ‰ of a core while nothing comes",
            self.streams,
            self.host,
            self.opened_in_ms,
            self.memory_a_stream_kib,
            self.memory_before_kib,
            self.memory_after_kib,
            self.redis_connections,
            self.idle_core_permille
        );
        println!(
            "{} messages reached all of them: the first stream had it after {:.1} ms in the middle, any of them p50 {:.1} \
             ms and p99 {:.1} ms, the last one after {:.1} ms in the middle and {:.1} ms at most",
            self.messages, self.first_p50_ms, self.all_p50_ms, self.all_p99_ms, self.last_p50_ms, self.last_most_ms
        );
    }
}
