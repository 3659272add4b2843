//! A whole system to be measured: Redis, the application in one host, and a pulse, in a folder of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use journey::{Api, Person};

use crate::narration::{Stopwatch, Task};
use crate::redis_server;
use crate::resp::{Connection, Reply};
use crate::signals::StopFlag;
use crate::up::KeyValueBackend;
use crate::up::application::{self, Application, Runner};
use crate::up::pulse::Pulse;
use crate::up::redis::Redis;
use crate::up::secrets::Secrets;
use crate::up::state::{self, StateFolder};
use crate::up::wiring::{Wiring, started};
use crate::workspace::Workspace;

/// How long a start may take; the first one compiles the components.
const READY_LIMIT: Duration = Duration::from_secs(240);
const GLANCE: Duration = Duration::from_millis(20);

/// A running system. Dropping it stops everything.
pub struct House {
    application: Application,
    pulse: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
    redis: Redis,
    operator: String,
    listen: SocketAddr,
    _state: StateFolder,
}

impl House {
    /// Starts one without rate limits; `variables` are further values, by their names in the manifest.
    ///
    /// # Errors
    /// When something cannot be started.
    pub fn start(
        workspace: &Workspace,
        folder: &Path,
        runner: &Runner,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let state = StateFolder::open(folder)?;
        state.stop_leftovers()?;
        let stop = StopFlag::watch()?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, redis_server::free_port()?));
        let secrets = Secrets::load_or_make(&state.secrets(), workspace)?;
        let redis = Redis::start(workspace, &state, &secrets, &stop)?;
        let wiring = Wiring::new(workspace, &redis, &secrets, listen)?;
        let runtime_config = state.runtime_config();
        state::write_private(&runtime_config, &wiring.runtime_config(workspace, KeyValueBackend::Redis, &state)?)?;
        let mut environment = wiring.variables(workspace, &secrets)?;
        for (name, value) in [("rate_limits", "off")].iter().chain(variables) {
            environment.insert(format!("SPIN_VARIABLE_{}", name.to_uppercase()), (*value).to_owned());
        }
        let task = Task::start(&format!("starting the application in {}", runner.words()));
        let mut application =
            runner.start(workspace, &state, listen, &runtime_config, &environment, &started(workspace, false)?)?;
        let stopwatch = Stopwatch::start();
        while !application::is_ready(listen) {
            if let Some(words) = application.ended()? {
                task.failed();
                bail!("the host ended:\n{words}");
            }
            if stopwatch.elapsed() > READY_LIMIT || stop.is_set() {
                task.failed();
                bail!("the system does not get ready:\n{}", application.last_words());
            }
            std::thread::sleep(GLANCE);
        }
        task.done();
        let is_over = Arc::new(AtomicBool::new(false));
        let pulse = ring(Pulse::new(&redis), Arc::clone(&is_over));
        let operator = secrets.redis.get("operator").context("the access rules have no user `operator`")?.clone();
        Ok(Self { application, pulse: Some(pulse), is_over, redis, operator, listen, _state: state })
    }

    /// Where the public entry listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The public entry.
    pub fn api(&self) -> Api {
        Api::new(&format!("http://{}", self.listen))
    }

    /// Somebody with an account, whose welcome has arrived.
    ///
    /// # Errors
    /// When the system does not let them in.
    pub fn somebody(&self, seed: &str) -> anyhow::Result<Person> {
        let mut person = Person::new(self.api(), seed);
        person.register()?;
        person.log_in()?;
        person.await_welcome_mail()?;
        Ok(person)
    }

    /// The processes of the host: one of the embedded host, one a kind of trigger of stock Spin.
    ///
    /// # Errors
    /// When the system does not say.
    fn processes(&self) -> anyhow::Result<Vec<u32>> {
        let group = self.application.process_id();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").context("only Linux shows processes so")?.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            // `<id> (<name>) <state> <parent> <group> …`; the name may hold anything.
            let own = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)?.parse::<u32>().ok());
            if own == Some(group) {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// The memory that is the host's own: the proportional set of its processes. **Units** bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let mut kib = 0;
        for id in self.processes()? {
            let file = format!("/proc/{id}/smaps_rollup");
            let text = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no line `Pss`")?;
            kib += line.trim().trim_end_matches(" kB").parse::<u64>().context("a number of kB")?;
        }
        Ok(kib * 1024)
    }

    /// The processor time that the host used so far, also by threads that have ended: stock Spin's come and go.
    ///
    /// **Source** proc(5), `/proc/<pid>/stat`, `utime` and `stime` in hundredths of a second.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        let mut hundredths = 0;
        for id in self.processes()? {
            let file = format!("/proc/{id}/stat");
            let stat = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
            let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').skip(11).take(2));
            for field in fields.context("no state of the process")? {
                hundredths += field.parse::<u64>().context("a number of hundredths")?;
            }
        }
        Ok(Duration::from_millis(10 * hundredths))
    }

    /// How many connections Redis has.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn redis_connections(&self) -> anyhow::Result<u64> {
        let mut connection = Connection::open_as(self.redis.address(), "operator", &self.operator)?;
        match connection.call(&["INFO", "clients"])? {
            Reply::Text(text) => {
                let line = text.lines().find_map(|line| line.strip_prefix("connected_clients:"));
                line.context("no count of clients")?.trim().parse().context("a count of clients")
            }
            other => bail!("Redis says {other:?} of its clients"),
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.application.stop();
        if let Some(pulse) = self.pulse.take() {
            // It only rings; a panic there would have ended nothing else.
            let _ = pulse.join();
        }
        self.redis.stop();
    }
}

fn ring(mut pulse: Pulse, is_over: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !is_over.load(Ordering::SeqCst) {
            pulse.ring_when_due();
            std::thread::sleep(GLANCE);
        }
    })
}
