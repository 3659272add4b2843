//! One running system in a state folder of its own, started by `cargo xtask up`'s own program.

use anyhow::{Context as _, bail, ensure};
use journey::Api;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long a start or a stop may take: the first start compiles the components.
const LIMIT: Duration = Duration::from_secs(240);
const GLANCE: Duration = Duration::from_millis(20);

/// Where the project lies and what was built of it.
pub struct Workplace;

impl Workplace {
    /// The project's folder.
    pub fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// The folder of the built components.
    ///
    /// # Errors
    /// When they were not built: `cargo xtask build` does it.
    pub fn components() -> anyhow::Result<PathBuf> {
        let folder = std::env::var_os("SPINDRIFT_COMPONENTS_DIR")
            .map_or_else(|| Self::root().join("target/wasm32-wasip2/component"), PathBuf::from);
        ensure!(folder.join("gateway.wasm").exists(), "no components in {}: run `cargo xtask build`", folder.display());
        Ok(folder)
    }

    /// A program of the project's.
    ///
    /// # Errors
    /// When it was not built.
    pub fn program(name: &str) -> anyhow::Result<PathBuf> {
        let program = Self::root().join("target/debug").join(name);
        ensure!(program.exists(), "{} is not built: run `cargo build --package {name}`", program.display());
        Ok(program)
    }

    /// The embedded host.
    ///
    /// # Errors
    /// When it was not built.
    pub fn host() -> anyhow::Result<PathBuf> {
        let host = std::env::var_os("SPINDRIFT_HOST")
            .map_or_else(|| Self::root().join("target/host/debug/host"), PathBuf::from);
        ensure!(host.exists(), "{} is not built: run `cargo build` in infra/host", host.display());
        Ok(host)
    }
}

/// A running system. Dropping it stops everything that it started.
pub struct System {
    folder: TempDir,
    port: u16,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    up: Child,
}

impl System {
    /// Starts a system in a new state folder; `flags` are further ones of `cargo xtask up`.
    ///
    /// # Errors
    /// When something is not built, or the system does not get ready.
    pub fn start(flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(flags, &[])
    }

    /// The same with other values of the manifest's variables, by their names there.
    ///
    /// # Errors
    /// As [`System::start`].
    pub fn start_with(flags: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Workplace::components()?;
        let folder = tempfile::Builder::new().prefix("spindrift-system-").tempdir()?;
        let port = support::free_port()?;
        let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let variables = named(variables);
        let up = spawn(folder.path(), port, &flags, &variables)?;
        let mut system = Self { folder, port, flags, variables, up };
        system.await_ready()?;
        Ok(system)
    }

    /// Where the public entry listens.
    pub fn address(&self) -> std::net::SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The public entry.
    pub fn api(&self) -> Api {
        Api::new(&format!("http://127.0.0.1:{}", self.port))
    }

    /// A secret variable of this system, such as `metrics_token`.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn secret(&self, name: &str) -> anyhow::Result<String> {
        let text = fs::read_to_string(self.folder.path().join("secrets.json"))?;
        let secrets: serde_json::Value = serde_json::from_str(&text)?;
        let value = secrets.pointer(&format!("/variables/{name}")).and_then(serde_json::Value::as_str);
        Ok(value.with_context(|| format!("no secret {name}"))?.to_owned())
    }

    /// The URL of this system's Redis with the user who may do everything.
    ///
    /// # Errors
    /// When the folder of the state does not say it.
    pub fn redis_url(&self) -> anyhow::Result<String> {
        let secrets: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(self.folder.path().join("secrets.json"))?)?;
        let password = secrets.pointer("/redis/operator").and_then(serde_json::Value::as_str).context("no operator")?;
        let configuration = fs::read_to_string(self.folder.path().join("runtime-config.toml"))?;
        let address = configuration.split('@').nth(1).and_then(|rest| rest.split('/').next()).context("no Redis")?;
        Ok(format!("redis://operator:{password}@{address}"))
    }

    /// The folder of its state.
    pub fn state(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that the functions wrote to their logs.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn logs(&self) -> anyhow::Result<String> {
        let mut all = String::new();
        for entry in fs::read_dir(self.folder.path().join("logs"))? {
            all.push_str(&fs::read_to_string(entry?.path()).unwrap_or_default());
        }
        Ok(all)
    }

    /// Kills the host of the functions at once (SIGKILL), as a crash does.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_host(&mut self) -> anyhow::Result<()> {
        self.kill("application")
    }

    /// Kills Redis at once (SIGKILL), as a crash does.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_redis(&mut self) -> anyhow::Result<()> {
        self.kill("redis")
    }

    /// Starts again on the same state, once the interrupted `up` has noticed and ended.
    ///
    /// # Errors
    /// When the old one does not end or the new one does not get ready.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.await_end()?;
        self.up = spawn(self.folder.path(), self.port, &self.flags, &self.variables)?;
        self.await_ready()
    }

    /// Starts again on the same state with other values of variables, and does not wait for what may never come.
    ///
    /// # Errors
    /// When the old one does not end.
    pub fn start_unready(&mut self, variables: &[(&str, &str)]) -> anyhow::Result<()> {
        self.await_end()?;
        self.up = spawn(self.folder.path(), self.port, &self.flags, &named(variables))?;
        Ok(())
    }

    /// Asks the system to stop, as Ctrl-C does, and waits; what is left running is an error.
    ///
    /// # Errors
    /// When it ends with an error, or leaves a process behind.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let children = [self.process_of("application")?, self.process_of("redis")?];
        signal(i32::try_from(self.up.id())?, Signal::INT)?;
        let status = self.await_end()?;
        ensure!(status.success(), "up ended with {status}:\n{}", self.words());
        for child in children {
            ensure!(!Path::new(&format!("/proc/{child}")).exists(), "process {child} was left behind");
        }
        Ok(())
    }

    fn kill(&mut self, name: &str) -> anyhow::Result<()> {
        signal(self.process_of(name)?, Signal::KILL)
    }

    fn process_of(&self, name: &str) -> anyhow::Result<i32> {
        let lock = self.folder.path().join(format!("{name}.lock"));
        let text = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
        text.trim().parse().with_context(|| format!("{} holds no process id: {text}", lock.display()))
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        let api = self.api();
        let start = now();
        while api.ready().is_err() {
            if let Some(status) = self.up.try_wait()? {
                bail!("up ended with {status}:\n{}", self.words());
            }
            ensure!(start.elapsed() < LIMIT, "the system did not get ready:\n{}", self.words());
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }

    fn await_end(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        let start = now();
        loop {
            if let Some(status) = self.up.try_wait()? {
                return Ok(status);
            }
            ensure!(start.elapsed() < LIMIT, "up does not end:\n{}", self.words());
            std::thread::sleep(GLANCE);
        }
    }

    fn words(&self) -> String {
        let out = fs::read_to_string(self.folder.path().join("up.log")).unwrap_or_default();
        format!("{out}\n{}", self.logs().unwrap_or_default())
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if matches!(self.up.try_wait(), Ok(None)) {
            let asked = i32::try_from(self.up.id()).map(|id| signal(id, Signal::TERM));
            if !matches!(asked, Ok(Ok(()))) || self.await_end().is_err() {
                self.up.kill().ok();
                self.up.wait().ok();
            }
        }
    }
}

/// Variables of the manifest as the environment sets them.
fn named(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let named = |(name, value): &(&str, &str)| (format!("SPIN_VARIABLE_{}", name.to_uppercase()), (*value).to_owned());
    variables.iter().map(named).collect()
}

fn spawn(state: &Path, port: u16, flags: &[String], variables: &[(String, String)]) -> anyhow::Result<Child> {
    let log = fs::File::create(state.join("up.log"))?;
    let runner = if std::env::var_os("SPINDRIFT_STOCK").is_some() { "--stock" } else { "--embedded" };
    Command::new(Workplace::program("xtask")?)
        .args(["up", "--yes", "--no-build", runner, "--listen", &format!("127.0.0.1:{port}"), "--state"])
        .arg(state)
        .args(flags)
        .envs(variables.iter().cloned())
        .current_dir(Workplace::root())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("starting xtask up")
}

fn signal(process: i32, signal: Signal) -> anyhow::Result<()> {
    let process = Pid::from_raw(process).context("not a process id")?;
    kill_process(process, signal).context("the process is gone already")
}

/// The present, for tests that wait for the system and measure it from outside.
#[expect(clippy::disallowed_methods, reason = "a test outside the system waits by its own clock")]
pub fn now() -> std::time::Instant {
    std::time::Instant::now()
}
