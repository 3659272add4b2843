//! The system under test: started from the parts of `up`, but looked after by somebody who kills them on purpose.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chaos::between::Between;
use chaos::reading::Waiting;
use chaos::{Reading, Tally};

use super::store::Store;
use crate::narration::Stopwatch;
use crate::redis_server;
use crate::signals::StopFlag;
use crate::up::KeyValueBackend;
use crate::up::application::{self, Application, Runner};
use crate::up::pulse::Pulse;
use crate::up::redis::Redis;
use crate::up::secrets::Secrets;
use crate::up::state::{self, StateFolder};
use crate::up::wiring::{Wiring, started};
use crate::workspace::Workspace;

/// How often the children are looked after.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a start may take until the system is ready; the first one may compile the components.
const READY_LIMIT: Duration = Duration::from_secs(180);
/// What a payer's password begins with, and their address ends with: neither belongs into a log.
const PERSONAL: [&str; 2] = ["correct horse", "@example.com"];

/// Where `infra/redis/redis.conf` puts the append-only file.
const AOF_FOLDER: &str = ".spindrift-redis";
/// Half a command.
const TORN: &[u8] = b"*3\r\n$3\r\nSET\r\n$9\r\nhalf-a-ke";

/// A running system.
pub struct House {
    workspace: Workspace,
    state: StateFolder,
    secrets: Secrets,
    stop: StopFlag,
    listen: SocketAddr,
    runtime_config: PathBuf,
    variables: BTreeMap<String, String>,
    between: Between,
    redis: Redis,
    application: Application,
    pulse: Pulse,
    tally: Arc<Tally>,
    leaked: Vec<String>,
}

impl House {
    /// Starts Redis and the host, with the network between the system and its acquirer in our hands.
    ///
    /// # Errors
    /// When something cannot be started.
    pub fn start(
        workspace: &Workspace,
        folder: &Path,
        first_admin: &str,
        seed: u64,
        tally: Arc<Tally>,
    ) -> anyhow::Result<Self> {
        let state = StateFolder::open(folder)?;
        state.stop_leftovers()?;
        state.keep_backend("redis")?;
        let stop = StopFlag::watch()?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, redis_server::free_port()?));
        let secrets = Secrets::load_or_make(&state.secrets(), workspace)?;
        let redis = Redis::start(workspace, &state, &secrets, &stop)?;
        let wiring = Wiring::new(workspace, &redis, &secrets, listen)?;
        let runtime_config = state.runtime_config();
        state::write_private(&runtime_config, &wiring.runtime_config(workspace, KeyValueBackend::Redis, &state)?)?;
        let between = super::network(listen, seed, Arc::clone(&tally))?;
        let mut variables = wiring.variables(workspace, &secrets)?;
        for (name, value) in [
            ("FIRST_ADMINS", first_admin.to_owned()),
            ("RATE_LIMITS", "off".to_owned()),
            ("STEP_UP_LIMITS", String::new()),
            ("ACQUIRER_URL", between.url()),
            ("ACQUIRER_WORKER_URL", between.url()),
            ("NOTICES_URL", between.url()),
        ] {
            variables.insert(format!("SPIN_VARIABLE_{name}"), value);
        }
        let application = Runner::Embedded.start(
            workspace,
            &state,
            listen,
            &runtime_config,
            &variables,
            &started(workspace, false)?,
        )?;
        let pulse = Pulse::new(&redis);
        let workspace = workspace.clone();
        let mut house = Self {
            workspace,
            state,
            secrets,
            stop,
            listen,
            runtime_config,
            variables,
            between,
            redis,
            application,
            pulse,
            tally,
            leaked: Vec::new(),
        };
        house.await_ready()?;
        Ok(house)
    }

    /// Where the public entry listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The network between the system and its acquirer.
    pub fn between(&self) -> &Between {
        &self.between
    }

    /// Rings the pulse and waits a moment.
    ///
    /// # Errors
    /// When somebody asked to stop, or a process ended that nobody killed.
    pub fn look_after(&mut self) -> anyhow::Result<()> {
        if self.stop.is_set() {
            bail!("asked to stop");
        }
        if let Some(words) = self.application.ended()? {
            bail!("the host ended by itself:\n{words}");
        }
        if let Some(words) = self.redis.ended() {
            bail!("Redis ended by itself:\n{words}");
        }
        self.pulse.ring_when_due();
        std::thread::sleep(GLANCE);
        Ok(())
    }

    /// Kills the host and starts it again; how long it was away.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn kill_host(&mut self) -> anyhow::Result<Duration> {
        self.tally.add(Tally::FAULTS, "host killed");
        self.application.kill();
        self.start_host()
    }

    /// Kills Redis and starts it again on its append-only file, whose last command may be `torn` as by a power failure in
    /// the middle of a write; how long the system was away. A host that loses its
    /// Redis may end by itself, as stock Spin does; then it is started again, too.
    ///
    /// # Errors
    /// When one of them does not come back.
    pub fn kill_redis(&mut self, torn: bool) -> anyhow::Result<Duration> {
        self.tally.add(Tally::FAULTS, "Redis killed");
        let stopwatch = Stopwatch::start();
        let port = self.redis.address().port();
        self.redis.kill();
        if torn {
            self.tear_the_file()?;
            self.tally.add(Tally::FAULTS, "Redis killed: of these, with a torn command at the end of its file");
        }
        self.redis = Redis::start_at(&self.workspace, &self.state, &self.secrets, &self.stop, port)?;
        self.pulse = Pulse::new(&self.redis);
        // Long enough for a host that means to end to do so.
        while stopwatch.elapsed() < Duration::from_millis(600) {
            std::thread::sleep(GLANCE);
        }
        if self.application.ended()?.is_some() {
            self.start_host()?;
        } else {
            self.await_ready()?;
        }
        Ok(stopwatch.elapsed())
    }

    /// Lets Redis answer nobody for a while.
    ///
    /// # Errors
    /// When it is not there.
    pub fn pause_redis(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.tally.add(Tally::FAULTS, "Redis silent for a while");
        self.store()?.pause(how_long)
    }

    /// What still waits that should not.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn waiting(&self) -> anyhow::Result<Waiting> {
        let mut waiting = self.store()?.waiting()?;
        waiting.note("notices on their way", self.between.notices_under_way());
        Ok(waiting)
    }

    /// Reads what lies in Redis and in the logs.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn read(&mut self, reading: &mut Reading) -> anyhow::Result<()> {
        self.store()?.read(reading)?;
        self.search_logs();
        reading.leaked.append(&mut self.leaked);
        Ok(())
    }

    /// Stops everything in order.
    pub fn stop(&mut self) {
        self.application.stop();
        self.redis.stop();
    }

    /// Half a command at the end of the append-only file: what was acknowledged stands before it.
    fn tear_the_file(&self) -> anyhow::Result<()> {
        let folder = self.state.path().join("redis").join(AOF_FOLDER);
        let entries = folder.read_dir().with_context(|| format!("reading {}", folder.display()))?;
        let parts = entries.flatten().map(|entry| entry.path());
        let newest = parts.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max();
        let newest = newest.with_context(|| format!("no append-only file in {}", folder.display()))?;
        let mut file = File::options().append(true).open(&newest).context("opening the append-only file")?;
        file.write_all(TORN).and_then(|()| file.sync_all()).context("tearing the append-only file")
    }

    fn start_host(&mut self) -> anyhow::Result<Duration> {
        let stopwatch = Stopwatch::start();
        // The log begins anew with each start.
        self.search_logs();
        self.application = Runner::Embedded.start(
            &self.workspace,
            &self.state,
            self.listen,
            &self.runtime_config,
            &self.variables,
            &started(&self.workspace, false)?,
        )?;
        self.await_ready()?;
        Ok(stopwatch.elapsed())
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        let stopwatch = Stopwatch::start();
        while !application::is_ready(self.listen) {
            self.look_after()?;
            if stopwatch.elapsed() > READY_LIMIT {
                bail!("the system does not get ready:\n{}", self.application.last_words());
            }
        }
        Ok(())
    }

    fn store(&self) -> anyhow::Result<Store> {
        let password = self.secrets.redis.get("operator").context("the access rules have no user `operator`")?;
        Store::open(self.redis.address(), password)
    }

    /// Looks for secrets in what the host and the functions have printed, and counts traps.
    fn search_logs(&mut self) {
        let Ok(folder) = self.state.path().join("logs").read_dir() else { return };
        let secrets = self.secrets.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let passwords = self.secrets.redis.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let wanted: Vec<_> = secrets.chain(passwords).chain(PERSONAL.map(|word| (word, word))).collect();
        for entry in folder.flatten() {
            let text = std::fs::read(entry.path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let text = text.unwrap_or_default();
            for (name, value) in &wanted {
                if value.len() > 8 && text.contains(value) && !self.leaked.iter().any(|known| known == name) {
                    self.leaked.push((*name).to_owned());
                }
            }
            if entry.file_name() == "application.log" {
                for _ in 0..text.matches("wasm trap").count() {
                    self.tally.add(Tally::AGAIN, "traps in the host's log");
                }
            }
        }
    }
}
