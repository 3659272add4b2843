//! The events suite inside the host: the adapter over Spin's own Redis connection, each call as the user that makes it in
//! production.

#[path = "../../components/events-redis/tests/contract/listener.rs"]
mod listener;

use anyhow::{Context, Result, ensure};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use support::{RedisServer, free_port};
use tests::Workplace;

/// How long a case may take; ten thousand events are among them.
const CASE_LIMIT: Duration = Duration::from_secs(120);

/// The suite's component: built by `cargo xtask test` before, or here.
fn component() -> Result<PathBuf> {
    const NAME: &str = "events_contract.wasm";
    let folder = std::env::var_os("SPINDRIFT_GUESTS_DIR").map(PathBuf::from);
    if let Some(built) = folder.map(|folder| folder.join(NAME)).filter(|built| built.exists()) {
        return Ok(built);
    }
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "contract-guest", "--example", "events_contract"])
        .args(["--profile", "guest", "--target", "wasm32-wasip2"])
        .current_dir(Workplace::root())
        .status()?;
    ensure!(status.success(), "the suite's component does not build");
    Ok(Workplace::root().join("target/wasm32-wasip2/guest/examples").join(NAME).canonicalize()?)
}

/// The host with the suite; ends when it is dropped.
struct Host {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Host {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    fn start(redis: &RedisServer) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let manifest = folder.path().join("spin.toml");
        let url = |user: &str| format!("redis://{user}:{user}-development@127.0.0.1:{}", redis.port());
        let lines = format!(
            "spin_manifest_version = 2\n[application]\nname = \"contract\"\nversion = \"1.0.0\"\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"suite\"\n\
             [component.suite]\nsource = {:?}\nallowed_outbound_hosts = [\"{}\"]\n[component.suite.variables]\n\
             operator_redis_url = \"{}\"\nworker_redis_url = \"{}\"\ngateway_redis_url = \"{}\"\n",
            component()?,
            redis.url(),
            url("operator"),
            url("notifications"),
            url("gateway"),
        );
        std::fs::write(&manifest, lines)?;
        let port = free_port()?;
        let log = std::fs::File::create(folder.path().join("host.log"))?;
        let child = Command::new(Workplace::host()?)
            .args(["up", "--listen", &format!("127.0.0.1:{port}"), "--from"])
            .arg(&manifest)
            .stdout(Stdio::null())
            .stderr(log)
            .current_dir(folder.path())
            .spawn()?;
        let mut host = Self { child, port, folder };
        // The first start compiles the component.
        for _ in 0..6_000 {
            ensure!(host.child.try_wait()?.is_none(), "the host ended:\n{}", host.log());
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(host);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("the host does not listen:\n{}", host.log())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default()
    }

    /// Status and body of one request.
    fn get(&self, path: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(CASE_LIMIT))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no end of the headers")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status line")?;
        Ok((status, body.to_owned()))
    }
}

#[test]
fn every_sentence_about_events_holds_inside_the_host() -> Result<()> {
    let users = Workplace::root().join("infra/redis/users.acl").canonicalize()?;
    let redis = RedisServer::start_with(&["--aclfile", users.to_str().context("a path that is no text")?])?;
    listener::listen(&format!("redis://operator:operator-development@127.0.0.1:{}", redis.port()))?;
    let host = Host::start(&redis)?;
    let (_, cases) = host.get("/cases")?;
    let wanted: Vec<_> = events_contract::cases().iter().map(|case| case.name).collect();
    assert_eq!(cases.lines().collect::<Vec<_>>(), wanted, "the component was built from another suite");
    let mut broken = Vec::new();
    for case in wanted {
        match host.get(&format!("/run/{case}")) {
            Ok((200, _)) => {}
            Ok((status, found)) => broken.push(format!("{case}: {status} {found}")),
            Err(error) => broken.push(format!("{case}: {error:#}")),
        }
    }
    ensure!(broken.is_empty(), "{}\n{}", broken.join("\n"), host.log());
    Ok(())
}
