//! One manifest in a host, with nothing around it: for tests that bring components, grants and a Redis of their own.

use crate::{Workplace, now};
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a start may take: the first compiles the components.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long one request may take: a suite's longest case handles ten thousand events.
const REQUEST_LIMIT: Duration = Duration::from_secs(120);
/// How long stock Spin may take to end its triggers.
const STOP_LIMIT: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(20);

/// What a host is given.
pub struct Plan<'a> {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    /// The manifest.
    pub manifest: &'a str,
    /// The runtime configuration; paths in it are absolute.
    pub runtime_config: &'a str,
    /// Variables of the application, by name; they show on its command line, so none is worth keeping.
    pub variables: &'a [(&'a str, &'a str)],
    /// Where the embedded host keeps what it compiled, for the tests after this one.
    pub compiled: &'a Path,
}

/// A host with one manifest: the embedded one, or stock Spin where `SPINDRIFT_STOCK` is set. Ends when it is dropped.
pub struct Application {
    host: Child,
    is_stock: bool,
    port: u16,
    folder: tempfile::TempDir,
}

impl Application {
    /// Starts a host and waits until it listens.
    ///
    /// # Errors
    /// When the host is not built, or refuses the manifest; then with its own words.
    pub fn start(plan: &Plan<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (manifest, runtime_config) = (folder.path().join("spin.toml"), folder.path().join("runtime-config.toml"));
        std::fs::write(&manifest, plan.manifest)?;
        std::fs::write(&runtime_config, plan.runtime_config)?;
        let is_stock = std::env::var_os("SPINDRIFT_STOCK").is_some();
        let mut command = Command::new(if is_stock { PathBuf::from("spin") } else { Workplace::host()? });
        command.args(["up", "--listen", &format!("127.0.0.1:{}", plan.port), "--from"]).arg(&manifest);
        command.arg("--runtime-config-file").arg(&runtime_config);
        for (name, value) in plan.variables {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        if !is_stock {
            command.arg("--cache-dir").arg(plan.compiled);
        }
        let log = std::fs::File::create(folder.path().join("host.log"))?;
        let host = command.stdout(Stdio::null()).stderr(log).current_dir(folder.path()).spawn().context("no host")?;
        let mut application = Self { host, is_stock, port: plan.port, folder };
        let started = now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, plan.port)).is_err() {
            ensure!(application.host.try_wait()?.is_none(), "the host ended:\n{}", application.log());
            ensure!(started.elapsed() < START_LIMIT, "the host does not listen:\n{}", application.log());
            std::thread::sleep(GLANCE);
        }
        Ok(application)
    }

    /// What the host and its components printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default()
    }

    /// Status and body of a GET.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        self.send("GET", path, "")
    }

    /// Status and body of a POST.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn post(&self, path: &str, body: &str) -> Result<(u16, String)> {
        self.send("POST", path, body)
    }

    /// Runs cases of a contract suite's guest and tells which do not hold.
    ///
    /// # Errors
    /// When one does not hold, or is not answered.
    pub fn run_cases<'a>(&self, cases: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut broken = Vec::new();
        for case in cases {
            match self.get(&format!("/run/{case}")) {
                Ok((200, _)) => {}
                Ok((status, found)) => broken.push(format!("{case}: {status} {found}")),
                Err(error) => broken.push(format!("{case}: {error:#}")),
            }
        }
        ensure!(broken.is_empty(), "{}\n{}", broken.join("\n"), self.log());
        Ok(())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(REQUEST_LIMIT))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no end of the headers")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
        Ok((status, body.to_owned()))
    }

    /// Asks for an end: a stock Spin that is killed leaves its triggers behind.
    fn stop_in_order(&mut self) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.host.id())?).context("not a process id")?;
        kill_process(id, Signal::TERM)?;
        let asked = now();
        while self.host.try_wait()?.is_none() && asked.elapsed() < STOP_LIMIT {
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // Whatever goes wrong here, killing is what is left; already gone is as good.
        if self.is_stock {
            let _ = self.stop_in_order();
        }
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}

/// A guest of `tests/contract-guest`: built by `cargo xtask test` before, or here.
///
/// # Errors
/// When it does not build.
pub fn guest(name: &str) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    let folder = std::env::var_os("SPINDRIFT_GUESTS_DIR").map(PathBuf::from);
    if let Some(built) = folder.map(|folder| folder.join(&file)).filter(|built| built.exists()) {
        return Ok(built);
    }
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "contract-guest", "--examples", "--profile", "guest"])
        .args(["--target", "wasm32-wasip2"])
        .current_dir(Workplace::root())
        .status()?;
    ensure!(status.success(), "the guest {name} does not build");
    Ok(Workplace::root().join("target/wasm32-wasip2/guest/examples").join(file).canonicalize()?)
}
