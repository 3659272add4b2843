//! The records suite inside the host: the adapter over Spin's own Redis connection and key-value store, with bodies in
//! a file and with bodies in Redis.

use anyhow::{Context as _, ensure};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{RedisServer, free_port};
use tests::{Workplace, now};

/// How long a start may take: the first compiles the component.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How long one case may take.
const CASE_LIMIT: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(20);

/// The suite's component: built here, or by `cargo xtask test` before.
fn component() -> anyhow::Result<PathBuf> {
    const NAME: &str = "records_contract.wasm";
    if let Some(folder) = std::env::var_os("SPINDRIFT_GUESTS_DIR") {
        let built = PathBuf::from(folder).join(NAME);
        if built.exists() {
            return Ok(built);
        }
    }
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "contract-guest", "--examples", "--profile", "guest"])
        .args(["--target", "wasm32-wasip2"])
        .current_dir(Workplace::root())
        .status()?;
    ensure!(status.success(), "the suite's component does not build");
    Ok(Workplace::root().join("target/wasm32-wasip2/guest/examples").join(NAME).canonicalize()?)
}

/// The host with the suite and a Redis of its own; all end when it is dropped.
struct Suite {
    host: Child,
    port: u16,
    folder: tempfile::TempDir,
    redis: RedisServer,
}

impl Drop for Suite {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}

impl Suite {
    /// Starts the suite; `store` makes the runtime configuration of its store from the server's address.
    fn start(store: impl FnOnce(&str) -> String) -> anyhow::Result<Self> {
        let redis = RedisServer::start()?;
        let folder = tempfile::tempdir()?;
        let (manifest, runtime) = (folder.path().join("spin.toml"), folder.path().join("runtime.toml"));
        let address = redis.url();
        let lines = format!(
            "spin_manifest_version = 2\n[application]\nname = \"contract\"\nversion = \"1.0.0\"\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"suite\"\n\
             [component.suite]\nsource = {:?}\nkey_value_stores = [\"contract\"]\n\
             allowed_outbound_hosts = [\"{address}\"]\n[component.suite.variables]\nredis_url = \"{address}\"\n",
            component()?
        );
        std::fs::write(&manifest, lines)?;
        std::fs::write(&runtime, format!("[key_value_store.contract]\n{}", store(&address)))?;
        let port = free_port()?;
        let mut command = Command::new(Workplace::host()?);
        command.arg("up").arg("--from").arg(&manifest).arg("--runtime-config-file").arg(&runtime);
        command.arg("--listen").arg(format!("127.0.0.1:{port}"));
        let log = std::fs::File::create(folder.path().join("host.log"))?;
        let host = command.stdout(Stdio::null()).stderr(log).current_dir(folder.path()).spawn()?;
        let mut suite = Self { host, port, folder, redis };
        let started = now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let log = || std::fs::read_to_string(suite.folder.path().join("host.log")).unwrap_or_default();
            ensure!(suite.host.try_wait()?.is_none(), "the host ended:\n{}", log());
            ensure!(started.elapsed() < START_LIMIT, "the host does not listen:\n{}", log());
            std::thread::sleep(GLANCE);
        }
        Ok(suite)
    }

    /// Status and body of one request.
    fn get(&self, path: &str) -> anyhow::Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(CASE_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
        let mut rest = String::new();
        answer.read_to_string(&mut rest)?;
        let (_, body) = rest.split_once("\r\n\r\n").context("no end of the headers")?;
        Ok((status, body.to_owned()))
    }

    /// Runs every case and tells which do not hold.
    fn run(&self) -> anyhow::Result<()> {
        let (_, cases) = self.get("/cases")?;
        let cases: Vec<_> = cases.lines().collect();
        ensure!(cases.len() > 50, "the suite has {} cases only", cases.len());
        let mut broken = Vec::new();
        for case in cases {
            match self.get(&format!("/run/{case}")) {
                Ok((200, _)) => {}
                Ok((status, found)) => broken.push(format!("{case}: {status} {found}")),
                Err(error) => broken.push(format!("{case}: {error:#}")),
            }
        }
        let log = std::fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default();
        ensure!(broken.is_empty(), "{}\n{log}", broken.join("\n"));
        Ok(())
    }
}

#[test]
fn every_sentence_holds_with_bodies_in_a_file() -> anyhow::Result<()> {
    Suite::start(|_| "type = \"spin\"\npath = \"bodies.db\"\n".to_owned())?.run()
}

#[test]
fn every_sentence_holds_with_bodies_in_redis() -> anyhow::Result<()> {
    Suite::start(|address| format!("type = \"redis\"\nurl = \"{address}/1\"\n"))?.run()
}

#[test]
fn a_connection_that_broke_is_opened_again() -> anyhow::Result<()> {
    let mut suite = Suite::start(|_| "type = \"spin\"\npath = \"bodies.db\"\n".to_owned())?;
    let case = "/run/events_tell_version_cause_and_place";
    ensure!(suite.get(case)? == (200, "holds".to_owned()), "the case does not hold before the restart");
    // The instance lives on for a second and keeps its connection, which is dead now; the scripts are gone too.
    suite.redis.restart()?;
    let (status, found) = suite.get(case)?;
    ensure!(status == 200, "after the restart: {status} {found}");
    suite.redis.kill()?;
    let (status, found) = suite.get(case)?;
    ensure!(status == 500 && found.contains("did not answer"), "without Redis: {status} {found}");
    suite.redis.restart()?;
    let (status, found) = suite.get(case)?;
    ensure!(status == 200, "after the second restart: {status} {found}");
    Ok(())
}
