//! `cargo xtask up`: the whole system on this machine, from set-up to the last process stopped.
//!
//! Everything that it writes lies in the state folder. Every process that it starts holds a lock there, so that a
//! second `up` is refused while the first runs, and cleans up after one that was killed.

pub mod application;
pub mod pulse;
pub mod redis;
pub mod secrets;
pub mod state;
pub mod wiring;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use self::application::Application;
use self::pulse::Pulse;
use self::redis::Redis;
use self::secrets::Secrets;
use self::state::{SECRETS, StateFolder};
use self::wiring::Wiring;
use crate::narration::{self, Stopwatch, Task};
use crate::setup::SetUp;
use crate::signals::StopFlag;
use crate::workspace::Workspace;
use crate::{components, redis_server};

/// How often the children are looked after.
const GLANCE: Duration = Duration::from_millis(50);

/// How long the first start may take until the system is ready; compiling the components is part of it.
const READY_LIMIT: Duration = Duration::from_secs(180);

/// Flags of `up`.
#[derive(Debug, Args)]
pub struct UpFlags {
    /// Where the public entry listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Insist on a stock `spin` of version 4.1 or later.
    #[arg(long, conflicts_with = "embedded")]
    pub stock: bool,
    /// Use the embedded host even where a stock `spin` is on the PATH.
    #[arg(long)]
    pub embedded: bool,
    /// Use this Redis (`redis://user:password@host:port`) and start none. Its access rules are yours to keep.
    #[arg(long)]
    pub redis_url: Option<String>,
    /// What holds the bodies of records: a database of the Redis for each service, or a SQLite file for each.
    #[arg(long, value_enum, default_value_t = KeyValueBackend::Redis)]
    pub kv: KeyValueBackend,
    /// Where all state is kept: data, passwords, keys, logs.
    #[arg(long, default_value = ".spindrift")]
    pub state: PathBuf,
    /// Start the components that are built already.
    #[arg(long)]
    pub no_build: bool,
    /// Leave out the pulse and whatever Redis wakes, as on a platform without a Redis trigger: `cargo xtask drain` does
    /// what the workers do.
    #[arg(long)]
    pub no_workers: bool,
}

/// Backends of the key-value stores that need nothing else on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyValueBackend {
    /// A database number of its own for each label.
    Redis,
    /// A file for each label.
    Sqlite,
}

impl KeyValueBackend {
    /// The word of the flag.
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Starts everything, waits for the signal to stop, stops everything.
///
/// # Errors
/// When something cannot be started or ended by itself; everything is stopped then too.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &UpFlags) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let state = StateFolder::open(&workspace.root.join(&flags.state))?;
    state.stop_leftovers()?;
    state.keep_backend(flags.kv.name())?;

    let runner = application::choose(workspace, flags)?;
    if flags.redis_url.is_none() {
        setup.redis(workspace)?;
    }
    if !flags.no_build {
        let environment = setup.wasm(workspace)?;
        // The engine's crates wait for one another, so its build alone leaves a core idle.
        let (built, host) = std::thread::scope(|scope| {
            let host = scope.spawn(|| runner.build(workspace));
            (components::build_quietly(workspace, &environment), host.join())
        });
        components::check(&built?)?;
        host.unwrap_or_else(|_| bail!("building the embedded host ended in a panic of this program"))?;
    }
    // Until here a signal simply ends this program: nothing is running that somebody would have to stop.
    let stop = StopFlag::watch()?;

    let listen = free_address(flags.listen)?;
    let secrets = Secrets::load_or_make(&state.secrets(), workspace)?;
    let mut redis = match &flags.redis_url {
        Some(url) => Redis::foreign(url)?,
        None => Redis::start(workspace, &state, &secrets, &stop)?,
    };
    let wiring = Wiring::new(workspace, &redis, &secrets, listen)?;
    let runtime_config = state.runtime_config();
    state::write_private(&runtime_config, &wiring.runtime_config(workspace, flags.kv, &state)?)?;

    let task = Task::start(&format!("starting the functions with {}", runner.words()));
    let variables = wiring.variables(workspace, &secrets)?;
    let only = wiring::started(workspace, flags.no_workers)?;
    let mut application = runner.start(workspace, &state, listen, &runtime_config, &variables, &only)?;
    let mut pulse = (!flags.no_workers).then(|| Pulse::new(&redis));
    let ready = watch(&stop, &mut redis, &mut application, &mut pulse, Some(listen));
    match ready {
        Ok(Ended::Ready) => task.done(),
        Ok(Ended::Asked) | Err(_) => task.failed(),
    };
    let outcome = match ready {
        Ok(Ended::Ready) => {
            print_addresses(listen, &redis, &state, &stopwatch);
            watch(&stop, &mut redis, &mut application, &mut pulse, None).map(|_| ())
        }
        Ok(Ended::Asked) => Ok(()),
        Err(error) => Err(error),
    };

    narration::say("stopping the functions, then Redis");
    application.stop();
    redis.stop();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Why a watch ended without an error.
enum Ended {
    /// The readiness route answered 200.
    Ready,
    /// Somebody asked to stop.
    Asked,
}

/// Rings the pulse and looks after the children, until asked to stop, or until `listen` is ready where one is given.
fn watch(
    stop: &StopFlag,
    redis: &mut Redis,
    application: &mut Application,
    pulse: &mut Option<Pulse>,
    listen: Option<SocketAddr>,
) -> anyhow::Result<Ended> {
    let stopwatch = Stopwatch::start();
    loop {
        if stop.is_set() {
            return Ok(Ended::Asked);
        }
        if let Some(words) = application.ended()? {
            bail!("the functions' host ended by itself:\n{words}");
        }
        if let Some(words) = redis.ended() {
            bail!("Redis ended by itself:\n{words}");
        }
        if let Some(pulse) = pulse {
            pulse.ring_when_due();
        }
        if let Some(address) = listen {
            if application::is_ready(address) {
                return Ok(Ended::Ready);
            }
            if stopwatch.elapsed() > READY_LIMIT {
                bail!(
                    "http://{address}/readyz did not answer 200 within {}:\n{}",
                    narration::words(READY_LIMIT),
                    application.last_words()
                );
            }
        }
        std::thread::sleep(GLANCE);
    }
}

/// The address to listen on: checked to be free, so that the error names the reason and comes early.
fn free_address(wanted: SocketAddr) -> anyhow::Result<SocketAddr> {
    if wanted.port() == 0 {
        return Ok(SocketAddr::new(wanted.ip(), redis_server::free_port()?));
    }
    TcpListener::bind(wanted).with_context(|| format!("{wanted} is taken; choose another with --listen"))?;
    Ok(wanted)
}

fn print_addresses(listen: SocketAddr, redis: &Redis, state: &StateFolder, stopwatch: &Stopwatch) {
    println!("Spindrift is up after {}:", stopwatch.words());
    println!("  http://{listen}/         index");
    println!("  http://{listen}/readyz   readiness of every dependency");
    println!("  http://{listen}/metrics  numbers of all instances; the token is `metrics_token` in {SECRETS}");
    println!("  Redis: {}", redis.address_words());
    println!("  logs, data, keys: {}", state.path().display());
    println!("Ctrl-C stops it.");
}
