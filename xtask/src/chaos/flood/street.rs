//! The system: one Redis, two hosts that serve the same application from it and compete for its events, and a third one
//! with the component that commits. All of it is looked after by somebody who kills the first three on purpose.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chaos::Tally;
use chaos::flood::{Found, Plan};
use chaos::reading::Waiting;
use journey::{Api, Person};
use serde_json::Value;

use super::reading;
use crate::narration::{Stopwatch, Task};
use crate::process;
use crate::redis_server::{self, stop_child};
use crate::signals::{self, StopFlag};
use crate::up::KeyValueBackend;
use crate::up::application::{self, Application, Runner};
use crate::up::pulse::Pulse;
use crate::up::redis::Redis;
use crate::up::secrets::Secrets;
use crate::up::state::{self, StateFolder};
use crate::up::wiring::Wiring;
use crate::workspace::{WASM_TARGET, Workspace};

/// How many hosts compete.
pub const HOSTS: usize = 2;
/// How often the children are looked after.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a start may take; the first one may compile the components.
const READY_LIMIT: Duration = Duration::from_secs(180);
/// How long something may take that nobody disturbs.
const CALM_LIMIT: Duration = Duration::from_secs(120);
/// How long the committer may take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How long Redis may take until a host that means to end without it has ended.
const GRACE: Duration = Duration::from_millis(600);
/// Where `infra/redis/redis.conf` puts the append-only file.
const AOF_FOLDER: &str = ".spindrift-redis";
/// Half a command.
const TORN: &[u8] = b"*3\r\n$3\r\nSET\r\n$9\r\nhalf-a-ke";

/// One of the competing hosts.
struct Host {
    state: StateFolder,
    listen: SocketAddr,
    runtime_config: PathBuf,
    variables: BTreeMap<String, String>,
    application: Application,
}

impl Host {
    fn start_again(&mut self, workspace: &Workspace) -> anyhow::Result<()> {
        self.application =
            Runner::Embedded.start(workspace, &self.state, self.listen, &self.runtime_config, &self.variables, &[])?;
        Ok(())
    }
}

/// The running system.
pub struct Street {
    workspace: Workspace,
    state: StateFolder,
    secrets: Secrets,
    stop: StopFlag,
    redis: Redis,
    hosts: Vec<Host>,
    pulse: Pulse,
    committer: Child,
    committer_listens: SocketAddr,
    tally: Arc<Tally>,
    redelivered: BTreeMap<String, u64>,
}

impl Street {
    /// Starts everything.
    ///
    /// # Errors
    /// When something cannot be started.
    pub fn start(workspace: &Workspace, folder: &Path, tally: Arc<Tally>) -> anyhow::Result<Self> {
        let state = StateFolder::open(folder)?;
        state.stop_leftovers()?;
        let stop = StopFlag::watch()?;
        let secrets = Secrets::load_or_make(&state.secrets(), workspace)?;
        let redis = Redis::start(workspace, &state, &secrets, &stop)?;
        let hosts: Vec<Host> = (1..=HOSTS)
            .map(|number| {
                let state = StateFolder::open(&folder.join(format!("host-{number}")))?;
                state.stop_leftovers()?;
                let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, redis_server::free_port()?));
                let wiring = Wiring::new(workspace, &redis, &secrets, listen)?;
                let runtime_config = state.runtime_config();
                let text = wiring.runtime_config(workspace, KeyValueBackend::Redis, &state)?;
                state::write_private(&runtime_config, &text)?;
                let mut variables = wiring.variables(workspace, &secrets)?;
                variables.insert("SPIN_VARIABLE_RATE_LIMITS".to_owned(), "off".to_owned());
                let application =
                    Runner::Embedded.start(workspace, &state, listen, &runtime_config, &variables, &[])?;
                Ok(Host { state, listen, runtime_config, variables, application })
            })
            .collect::<anyhow::Result<_>>()?;
        let committer_listens = SocketAddr::from((Ipv4Addr::LOCALHOST, redis_server::free_port()?));
        let runtime_config = hosts.first().context("no host")?.runtime_config.clone();
        let committer = start_committer(workspace, &state, &redis, &secrets, committer_listens, &runtime_config)?;
        let pulse = Pulse::new(&redis);
        let workspace = workspace.clone();
        let mut street = Self {
            workspace,
            state,
            secrets,
            stop,
            redis,
            hosts,
            pulse,
            committer,
            committer_listens,
            tally,
            redelivered: BTreeMap::new(),
        };
        let task = Task::start("starting two hosts of the application");
        for host in 0..HOSTS {
            street.await_ready(host)?;
        }
        task.done();
        Ok(street)
    }

    /// Where events are committed.
    pub fn committer(&self) -> SocketAddr {
        self.committer_listens
    }

    /// Rings the pulse and waits a moment; a host that ended because it lost its Redis is started again.
    ///
    /// # Errors
    /// When somebody asked to stop, or a process ended that nobody killed.
    pub fn look_after(&mut self) -> anyhow::Result<()> {
        if self.stop.is_set() {
            bail!("asked to stop");
        }
        if let Some(words) = self.redis.ended() {
            bail!("Redis ended by itself:\n{words}");
        }
        if let Some(status) = self.committer.try_wait().context("looking after the committer")? {
            let log = self.state.path().join("logs").join("committer.log");
            bail!("the committer ended ({status}):\n{}", process::tail(&log));
        }
        self.pulse.ring_when_due();
        std::thread::sleep(GLANCE);
        Ok(())
    }

    /// The same for a while.
    ///
    /// # Errors
    /// As [`Street::look_after`].
    pub fn look_after_for(&mut self, how_long: Duration) -> anyhow::Result<()> {
        let stopwatch = Stopwatch::start();
        while stopwatch.elapsed() < how_long {
            self.look_after()?;
        }
        Ok(())
    }

    /// Lets people in and waits until each was welcomed; their names.
    ///
    /// # Errors
    /// When the system does not.
    pub fn let_in(&mut self, seed: u64, how_many: usize) -> anyhow::Result<Vec<String>> {
        let task = Task::start("letting people in");
        let listen = self.hosts.first().context("no host")?.listen;
        let people = self.beside(move || {
            let api = Api::new(&format!("http://{listen}"));
            let mut names = Vec::new();
            for number in 0..how_many {
                let mut person = Person::new(api.clone(), &format!("flood-{seed}-{number}"));
                person.register()?;
                person.log_in()?;
                person.await_welcome_mail()?;
                let profile = api.get("/v1/users/me", Some(person.access_token()))?.expect(200)?;
                names.push(
                    profile.json.get("id").and_then(Value::as_str).context("a profile without a name")?.to_owned(),
                );
            }
            Ok(names)
        })?;
        let calm = Stopwatch::start();
        while !self.waiting()?.0.is_empty() {
            self.look_after()?;
            if calm.elapsed() > CALM_LIMIT {
                bail!("what follows from registering does not end: {:?}", self.waiting()?.0);
            }
        }
        task.done();
        Ok(people)
    }

    /// Kills one host and starts it again; how long it was away.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn kill(&mut self, host: usize) -> anyhow::Result<Duration> {
        self.tally.add(Tally::FAULTS, "a host killed");
        let stopwatch = Stopwatch::start();
        self.kill_at_once(host)?;
        self.await_ready(host)?;
        Ok(stopwatch.elapsed())
    }

    /// Kills both hosts at once and starts them again.
    ///
    /// # Errors
    /// When one of them does not come back.
    pub fn kill_both(&mut self) -> anyhow::Result<Vec<Duration>> {
        self.tally.add(Tally::FAULTS, "both hosts killed at once");
        let stopwatch = Stopwatch::start();
        for host in 0..HOSTS {
            self.host(host)?.application.kill();
        }
        for host in 0..HOSTS {
            self.kill_at_once(host)?;
        }
        let mut times = Vec::new();
        for host in 0..HOSTS {
            self.await_ready(host)?;
            times.push(stopwatch.elapsed());
        }
        Ok(times)
    }

    /// Stops a host for a while (SIGSTOP), then lets it go on with whatever it had in hand.
    ///
    /// # Errors
    /// When it is not there.
    pub fn stop_for(&mut self, host: usize, how_long: Duration) -> anyhow::Result<()> {
        let long = how_long > Duration::from_secs(30);
        self.tally.add(Tally::FAULTS, if long { "a host asleep for longer than its claims" } else { "a host asleep" });
        let process_id = self.host(host)?.application.process_id();
        signals::stop_group(process_id);
        let looked_after = self.look_after_for(how_long);
        signals::continue_group(process_id);
        looked_after
    }

    /// Kills Redis and starts it again on its append-only file, whose last command may be torn.
    ///
    /// # Errors
    /// When it or a host does not come back.
    pub fn kill_redis(&mut self, torn: bool) -> anyhow::Result<()> {
        self.tally.add(Tally::FAULTS, "Redis killed");
        let port = self.redis.address().port();
        self.redis.kill();
        self.state.await_end("redis")?;
        if torn {
            self.tally.add(Tally::FAULTS, "Redis killed: of these, with a torn command at the end of its file");
            self.tear_the_file()?;
        }
        self.redis = Redis::start_at(&self.workspace, &self.state, &self.secrets, &self.stop, port)?;
        self.pulse = Pulse::new(&self.redis);
        self.look_after_for(GRACE)?;
        for host in 0..HOSTS {
            // A host whose trigger lost its connection ends by itself, as stock Spin does.
            if self.host(host)?.application.ended()?.is_some() {
                let workspace = self.workspace.clone();
                self.host(host)?.start_again(&workspace)?;
            }
        }
        for host in 0..HOSTS {
            self.await_ready(host)?;
        }
        Ok(())
    }

    /// Lets Redis answer nobody for a while.
    ///
    /// # Errors
    /// When it is not there.
    pub fn pause_redis(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.tally.add(Tally::FAULTS, "Redis silent for a while");
        self.reader()?.pause(how_long)?;
        self.look_after_for(how_long)
    }

    /// What still waits that should not.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn waiting(&self) -> anyhow::Result<Waiting> {
        self.reader()?.waiting()
    }

    /// Makes letters that wait for their next try due now, where they are all that waits.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub fn hurry(&self, waiting: &Waiting) -> anyhow::Result<()> {
        let only_letters = waiting.0.len() == 1 && waiting.0.contains_key(reading::LETTERS);
        if only_letters { self.reader()?.bring_letters_forward() } else { Ok(()) }
    }

    /// What was there before the flood.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn remember(&mut self, plan: &Plan, found: &mut Found) -> anyhow::Result<()> {
        self.reader()?.remember(plan, found)
    }

    /// What is there after it.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn read(&mut self, plan: &Plan, found: &mut Found) -> anyhow::Result<()> {
        self.count_redelivered();
        let mut reader = self.reader()?;
        reader.read(plan, found)
    }

    /// Deliveries that the logs show as not the first.
    pub fn redelivered(&self) -> BTreeMap<String, u64> {
        self.redelivered.clone()
    }

    /// Stops everything in order.
    pub fn stop(&mut self) {
        for host in &mut self.hosts {
            host.application.stop();
        }
        stop_child(&mut self.committer, STOP_LIMIT);
        self.redis.stop();
    }

    fn host(&mut self, number: usize) -> anyhow::Result<&mut Host> {
        self.hosts.get_mut(number).context("there is no such host")
    }

    fn kill_at_once(&mut self, host: usize) -> anyhow::Result<()> {
        self.host(host)?.application.kill();
        // The log begins anew with each start.
        self.count_redelivered_of(host);
        let workspace = self.workspace.clone();
        self.host(host)?.start_again(&workspace)
    }

    fn await_ready(&mut self, host: usize) -> anyhow::Result<()> {
        let stopwatch = Stopwatch::start();
        let listen = self.host(host)?.listen;
        while !application::is_ready(listen) {
            self.look_after()?;
            if self.host(host)?.application.ended()?.is_some() {
                // Redis was away while it started.
                let workspace = self.workspace.clone();
                self.host(host)?.start_again(&workspace)?;
            }
            if stopwatch.elapsed() > READY_LIMIT {
                bail!("a host does not get ready:\n{}", self.host(host)?.application.last_words());
            }
        }
        Ok(())
    }

    fn count_redelivered(&mut self) {
        for host in 0..HOSTS {
            self.count_redelivered_of(host);
        }
    }

    /// **Shape** of a line: `{…,"service":"queries-worker","message":"event handled",…,"deliveries":2,…}`.
    fn count_redelivered_of(&mut self, host: usize) {
        let Some(log) = self.hosts.get(host).map(|host| host.state.path().join("logs").join("application.log")) else {
            return;
        };
        let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        for line in text.lines().filter(|line| line.contains("event handled") && !line.contains("\"deliveries\":1,")) {
            let service = line.split("\"service\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("?");
            *self.redelivered.entry(service.to_owned()).or_default() += 1;
        }
        for _ in 0..text.matches("wasm trap").count() {
            self.tally.add(Tally::FAULTS, "traps in the hosts' logs");
        }
    }

    fn reader(&self) -> anyhow::Result<reading::Reader> {
        let password = self.secrets.redis.get("operator").context("the access rules have no user `operator`")?;
        reading::Reader::open(self.redis.address(), password)
    }

    /// Does something that needs the system, while somebody rings its pulse.
    fn beside<T: Send>(&mut self, act: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        std::thread::scope(|scope| {
            let acting = scope.spawn(act);
            while !acting.is_finished() {
                self.look_after()?;
            }
            acting.join().map_err(|_| anyhow::anyhow!("whoever acted beside panicked"))?
        })
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
}

impl Drop for Street {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A host with the one component that commits: granted what `payments` is granted, its Redis user and its store.
fn start_committer(
    workspace: &Workspace,
    state: &StateFolder,
    redis: &Redis,
    secrets: &Secrets,
    listen: SocketAddr,
    runtime_config: &Path,
) -> anyhow::Result<Child> {
    let guest = workspace.target.join(WASM_TARGET).join("guest/examples/committer.wasm");
    let password = secrets.redis.get("payments").context("the access rules have no user `payments`")?;
    let address = redis.address();
    let manifest = state.path().join("committer.toml");
    let text = format!(
        "spin_manifest_version = 2\n[application]\nname = \"committer\"\n[variables]\n\
         committer_redis_url = {{ required = true, secret = true }}\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"committer\"\n\
         [component.committer]\nsource = {:?}\nkey_value_stores = [\"payments\"]\n\
         allowed_outbound_hosts = [\"redis://{address}\"]\n\
         [component.committer.variables]\nredis_url = \"{{{{ committer_redis_url }}}}\"\n",
        guest
    );
    state::write_private(&manifest, &text)?;
    let program = workspace.host_program();
    let mut command = workspace.command(program.to_str().context("the target folder's path is not UTF-8")?);
    command.arg("up").arg("--from").arg(&manifest).args(["--listen", &listen.to_string()]);
    command.arg("--runtime-config-file").arg(runtime_config);
    command.arg("--state-dir").arg(state.folder("committer")?).arg("--log-dir").arg(state.folder("logs")?);
    command.arg("--cache-dir").arg(workspace.scratch().join("compiled"));
    command.env("SPIN_VARIABLE_COMMITTER_REDIS_URL", format!("redis://payments:{password}@{address}"));
    let (child, _) = state.start("committer", &command)?;
    Ok(child)
}
