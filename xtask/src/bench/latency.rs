//! `cargo xtask bench latency`: from an event to each of its effects, on a system where nothing else happens, in the
//! embedded host and in the stock `spin` on the PATH, if there is one.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use journey::{Effects, Stream};
use serde::Serialize;

use super::house::House;
use super::live;
use crate::demo::{Spread, somebody, spread};
use crate::narration::{self, Stopwatch};
use crate::setup::SetUp;
use crate::up::application::{OLDEST_SPIN, Runner, stock_spin};
use crate::workspace::Workspace;

/// How long one effect may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Flags of `bench latency`.
#[derive(Debug, Args)]
pub struct LatencyFlags {
    /// Payments, one after the other; the first ten are not counted.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    pub payments: u32,
    /// Use what is built already.
    #[arg(long)]
    pub no_build: bool,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// Payments that only warm up.
const WARM_UP: usize = 10;

/// What one host did.
#[derive(Debug, Serialize)]
struct Found {
    host: String,
    effects: Vec<Spread>,
}

/// Starts, measures, stops; one host after the other.
///
/// # Errors
/// When something cannot be built or started, or an effect does not come.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &LatencyFlags) -> anyhow::Result<ExitCode> {
    let mut runners = vec![Runner::Embedded];
    match stock_spin(workspace) {
        Some(version) if version >= OLDEST_SPIN => runners.push(Runner::Stock(version)),
        _ => narration::say(&format!("no spin of version {OLDEST_SPIN} or later on the PATH: the embedded host only")),
    }
    let mut found = Vec::new();
    for runner in runners {
        live::build(workspace, setup, &runner, flags.no_build)?;
        let folder = workspace.scratch().join(format!("bench-latency-{}", std::process::id()));
        let house = House::start(workspace, &folder, &runner, &[("stream_seconds", "3600")])?;
        let effects = measure(&house, flags.payments);
        drop(house);
        let effects = effects.with_context(|| format!("the logs are in {}", folder.display()))?;
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        found.push(Found { host: runner.words(), effects });
    }
    if flags.json {
        println!("{}", serde_json::to_string_pretty(&found).context("writing JSON")?);
        return Ok(ExitCode::SUCCESS);
    }
    for Found { host, effects } in &found {
        for Spread { effect, payments, p50_ms, p90_ms, p99_ms, max_ms } in effects {
            println!(
                "{host}: {effect:<9} of {payments} payments, from the acknowledged capture: \
                 p50 {p50_ms:.1} ms, p90 {p90_ms:.1} ms, p99 {p99_ms:.1} ms, most {max_ms:.1} ms"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(house: &House, payments: u32) -> anyhow::Result<Vec<Spread>> {
    let live = streamed(house, payments)?;
    let Effects { receipt, overview } = journey::measure(&house.api(), &somebody()?, payments)?;
    let counted = |times: Vec<Duration>| times.into_iter().skip(WARM_UP).collect();
    let spreads =
        [spread("stream", counted(live)), spread("receipt", counted(receipt)), spread("overview", counted(overview))];
    Ok(spreads.into_iter().flatten().collect())
}

/// Until the receipt is told on an open stream of the inbox. The others are asked for again and again, so they seem later
/// than they are, by half of the pause and the time of an answer.
fn streamed(house: &House, payments: u32) -> anyhow::Result<Vec<Duration>> {
    let mut person = house.somebody(&somebody()?)?;
    let mut stream = open(house.listen(), person.access_token())?;
    let mut times = Vec::new();
    for _ in 0..payments {
        person.create_payment(100, "tok_visa")?;
        person.confirm()?;
        let stopwatch = Stopwatch::start();
        loop {
            let line = stream.line().context("waiting for the stream")?.context("the stream ended")?;
            if line == "event: notification" {
                break;
            }
        }
        times.push(stopwatch.elapsed());
    }
    Ok(times)
}

fn open(address: SocketAddr, token: &str) -> anyhow::Result<Stream> {
    let mut stream = Stream::ask(address, token, "", LIMIT)?;
    while let Some(line) = stream.line()? {
        if line.starts_with("id: ") {
            return Ok(stream);
        }
    }
    bail!("the stream was not opened: {}", stream.head.unwrap_or_default())
}
