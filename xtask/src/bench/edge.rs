//! `cargo xtask bench edge`: the same read bare and dressed, in turn, and the ratio of the processor time that the host
//! used for each.

use std::net::SocketAddr;
use std::process::{Child, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;

use super::load::Requests;
use super::processor_time;
use crate::narration::{self, Stopwatch, Task};
use crate::process;
use crate::redis_server::{self, RedisServer, stop_child};
use crate::setup::SetUp;
use crate::up::redis::CONFIGURATION;
use crate::up::state::{StateFolder, write_private};
use crate::workspace::{WASM_TARGET, Workspace};

/// How long the host may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// How long the host may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Tokens of one answer of the component that makes them.
const TOKENS_AT_ONCE: usize = 500;

/// Flags of `bench edge`.
#[derive(Debug, Args)]
pub struct EdgeFlags {
    /// Blocks; in each, every way is measured twice, in an order and in its reverse.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub blocks: u32,
    /// Requests of one measurement.
    #[arg(long, default_value_t = 1500, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub requests: u32,
    /// Callers at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub callers: u32,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// The ways, in the order in which a block measures them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Bare,
    /// Bare, with the calls to the host that an edge makes.
    HostCalls,
    CachedToken,
    NewToken,
}

const WAYS: [Way; 4] = [Way::Bare, Way::HostCalls, Way::CachedToken, Way::NewToken];

/// What was measured: processor time of the host a request, in microseconds; the ratios are medians over the blocks.
///
/// **Shape** in JSON: `{"blocks":[{"bare_us":81.0,"host_calls_us":90.0,"cached_token_us":98.0,"new_token_us":190.0}],
/// "bare_to_bare":1.01,"calls_to_bare":1.11,"cached_to_bare":1.21,"new_to_bare":2.3}`.
#[derive(Debug, Serialize)]
struct Found {
    blocks: Vec<Block>,
    /// The first half of each block's bare requests to the second: how much the machine's noise is.
    bare_to_bare: f64,
    /// What the platform asks for the calls that the layers make.
    calls_to_bare: f64,
    cached_to_bare: f64,
    new_to_bare: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Block {
    bare_us: f64,
    host_calls_us: f64,
    cached_token_us: f64,
    new_token_us: f64,
    #[serde(skip)]
    bare_to_bare: f64,
}

/// Builds, starts, measures, stops.
///
/// # Errors
/// When something cannot be built or started, or a request is not answered with 200.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &EdgeFlags) -> anyhow::Result<ExitCode> {
    let environment = setup.wasm(workspace)?;
    setup.redis(workspace)?;
    let mut cargo = workspace.cargo(&environment);
    cargo.args(["build", "--profile", "component", "--target", WASM_TARGET, "--package", "edge-bench", "--examples"]);
    process::quietly("building the components", &mut cargo, &workspace.scratch().join("bench-components.log"))?;
    let mut host = workspace.host_cargo();
    process::quietly(
        "building the embedded host",
        host.args(["build", "--bins"]),
        &workspace.scratch().join("bench-host.log"),
    )?;

    let mut system = System::start(workspace)?;
    let found = measure(&system, flags);
    system.stop();
    let found = found?;
    if flags.json {
        println!("{}", serde_json::to_string_pretty(&found).context("writing JSON")?);
    } else {
        print!("{}", table(&found));
    }
    Ok(ExitCode::SUCCESS)
}

/// Redis and the host with both components, in a folder of their own.
struct System {
    redis: RedisServer,
    host: Child,
    address: SocketAddr,
    _folder: StateFolder,
}

impl System {
    fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = StateFolder::open(&workspace.scratch().join("bench"))?;
        folder.stop_leftovers()?;
        let rules = folder.path().join("users.acl");
        write_private(&rules, "user default off\nuser bench on >bench ~* &* +@all\n")?;
        let port = redis_server::free_port()?;
        let command = RedisServer::command(&workspace.root.join(CONFIGURATION), &folder.folder("redis")?, &rules, port);
        let (child, log) = folder.start("redis", &command)?;
        let redis = RedisServer::wait_until_ready(child, port, log, "bench", "bench", || false)?;

        let manifest = folder.path().join("spin.toml");
        write_private(&manifest, &manifest_text(workspace, redis.address()))?;
        let runtime_config = folder.path().join("runtime-config.toml");
        let store =
            format!("[key_value_store.bench]\ntype = \"redis\"\nurl = \"redis://bench:bench@{}/1\"\n", redis.address());
        write_private(&runtime_config, &store)?;
        let address = SocketAddr::from(([127, 0, 0, 1], redis_server::free_port()?));
        let program = workspace.host_program();
        let mut command = workspace.command(program.to_str().context("the target folder's path is not UTF-8")?);
        command.arg("up").arg("--from").arg(&manifest).args(["--listen", &address.to_string()]);
        command.arg("--runtime-config-file").arg(&runtime_config);
        command.arg("--state-dir").arg(folder.folder("host")?).arg("--log-dir").arg(folder.folder("logs")?);
        command.arg("--cache-dir").arg(workspace.scratch().join("compiled"));
        let (host, log) = folder.start("application", &command)?;
        let mut system = Self { redis, host, address, _folder: folder };
        let task = Task::start("starting the components");
        let stopwatch = Stopwatch::start();
        loop {
            let answers = Requests { address, path: "/bare", tokens: &[], count: 1, callers: 1 }.send().is_ok();
            if answers {
                task.done();
                return Ok(system);
            }
            if stopwatch.elapsed() > READY_LIMIT || system.host.try_wait().context("looking after the host")?.is_some()
            {
                task.failed();
                system.stop();
                bail!("the host does not answer:\n{}", process::tail(&log));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn tokens(&self, first: usize, count: usize) -> anyhow::Result<Vec<String>> {
        let mut tokens = Vec::with_capacity(count);
        while tokens.len() < count {
            let url = format!("http://{}/tokens/{}", self.address, first + tokens.len());
            let answer = ureq::get(&url).call().with_context(|| format!("GET {url}"))?.body_mut().read_to_string();
            let answer = answer.with_context(|| format!("reading GET {url}"))?;
            tokens.extend(answer.lines().map(str::to_owned));
        }
        tokens.truncate(count);
        Ok(tokens)
    }

    fn stop(&mut self) {
        stop_child(&mut self.host, STOP_LIMIT);
        self.redis.stop();
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.stop();
    }
}

fn manifest_text(workspace: &Workspace, redis: SocketAddr) -> String {
    let folder = workspace.target.join(WASM_TARGET).join("component/examples");
    let mut text = "spin_manifest_version = 2\n[application]\nname = \"bench\"\n".to_owned();
    for (id, routes) in
        [("bare", ["/bare", "/tokens/..."].as_slice()), ("calls", &["/calls"]), ("dressed", &["/dressed"])]
    {
        for route in routes {
            text.push_str(&format!("[[trigger.http]]\nroute = \"{route}\"\ncomponent = \"{id}\"\n"));
        }
        text.push_str(&format!(
            "[component.{id}]\nsource = \"{}\"\nkey_value_stores = [\"bench\"]\n\
             allowed_outbound_hosts = [\"redis://{redis}\"]\n\
             [component.{id}.variables]\nredis_url = \"redis://bench:bench@{redis}\"\npartitions = \"1\"\n\
             service_token_key = \"a key that guards nothing but this benchmark\"\n\
             rate_limits = \"read.user=1000000/1\"\ntrusted_hops = \"0\"\ncors_origins = \"\"\n",
            folder.join(format!("{id}.wasm")).display()
        ));
    }
    text
}

fn measure(system: &System, flags: &EdgeFlags) -> anyhow::Result<Found> {
    let (requests, callers) = (usize::try_from(flags.requests)?, usize::try_from(flags.callers)?);
    let known = system.tokens(0, 1)?;
    let mut made = TOKENS_AT_ONCE;
    let mut once = |way: Way| -> anyhow::Result<f64> {
        let fresh;
        let (path, tokens) = match way {
            // The same bytes: what is measured is the layers, not the length of a request.
            Way::Bare => ("/bare", known.as_slice()),
            Way::HostCalls => ("/calls", known.as_slice()),
            Way::CachedToken => ("/dressed", known.as_slice()),
            Way::NewToken => {
                fresh = system.tokens(made, requests)?;
                made += requests.next_multiple_of(TOKENS_AT_ONCE);
                ("/dressed", fresh.as_slice())
            }
        };
        let before = processor_time::of_process(system.host.id())?;
        Requests { address: system.address, path, tokens, count: requests, callers }.send()?;
        let used = processor_time::of_process(system.host.id())?.saturating_sub(before);
        Ok(used.as_secs_f64() * 1e6 / f64::from(flags.requests))
    };
    // Every way once for nothing: instances, connections and compiled code are warm after it.
    for way in WAYS {
        once(way)?;
    }
    let mut blocks = Vec::new();
    for number in 1..=flags.blocks {
        let there = WAYS.map(&mut once);
        let mut back = WAYS;
        back.reverse();
        let back = back.map(&mut once);
        let [bare, calls, cached, new] = there;
        let [new_again, cached_again, calls_again, bare_again] = back;
        let (bare, bare_again) = (bare?, bare_again?);
        let block = Block {
            bare_us: (bare + bare_again) / 2.0,
            host_calls_us: (calls? + calls_again?) / 2.0,
            cached_token_us: (cached? + cached_again?) / 2.0,
            new_token_us: (new? + new_again?) / 2.0,
            bare_to_bare: bare / bare_again,
        };
        narration::say(&format!(
            "  block {number} of {}: bare {:.0} µs, with the layers' calls to the host {:.0} µs, cached token {:.0} µs, new \
             token {:.0} µs a request",
            flags.blocks, block.bare_us, block.host_calls_us, block.cached_token_us, block.new_token_us
        ));
        blocks.push(block);
    }
    Ok(Found {
        bare_to_bare: median(blocks.iter().map(|block| block.bare_to_bare)),
        calls_to_bare: median(blocks.iter().map(|block| block.host_calls_us / block.bare_us)),
        cached_to_bare: median(blocks.iter().map(|block| block.cached_token_us / block.bare_us)),
        new_to_bare: median(blocks.iter().map(|block| block.new_token_us / block.bare_us)),
        blocks,
    })
}

/// The middle value; of an even number the mean of the two in the middle.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => (below + above) / 2.0,
        (_, Some(value)) => *value,
        (_, None) => f64::NAN,
    }
}

fn table(found: &Found) -> String {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    format!(
        "The layers add {:.0} % to the processor time of a small read with a token that the instance knows, {:.0} % with \
         a new one;\nthe calls to the host alone that they make, without any code of theirs, add {:.0} %\n(medians over {} blocks; \
         bare against bare differs by {:.0} %).\n",
        percent(found.cached_to_bare),
        percent(found.new_to_bare),
        percent(found.calls_to_bare),
        found.blocks.len(),
        percent(found.bare_to_bare).abs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_what_was_measured() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn all_components_get_the_same_grants() {
        let text = manifest_text(&Workspace::here().unwrap(), ([127, 0, 0, 1], 7000).into());
        let manifest: toml::Table = text.parse().unwrap();
        let grants = |id: &str| {
            let component = manifest.get("component").and_then(|all| all.get(id)).unwrap().as_table().unwrap().clone();
            (component.get("allowed_outbound_hosts").cloned(), component.get("variables").cloned())
        };
        assert_eq!(grants("bare"), grants("dressed"));
        assert_eq!(grants("bare"), grants("calls"));
        assert!(grants("bare").0.unwrap().to_string().contains("redis://127.0.0.1:7000"));
    }
}
