//! The records suite inside the host: the adapter over Spin's own Redis connection and key-value store, with bodies in
//! a file and with bodies in Redis.

use anyhow::ensure;
use std::path::Path;
use support::{RedisServer, free_port};
use tests::{Application, Plan, guest};

/// The host with the suite and a Redis of its own; all end when it is dropped.
struct Suite {
    host: Application,
    redis: RedisServer,
    _bodies: tempfile::TempDir,
}

impl Suite {
    /// Starts the suite; `store` makes the runtime configuration of its store from the server's address and a folder.
    fn start(store: impl FnOnce(&str, &Path) -> String) -> anyhow::Result<Self> {
        let redis = RedisServer::start()?;
        let bodies = tempfile::tempdir()?;
        let address = redis.url();
        let manifest = format!(
            "spin_manifest_version = 2\n[application]\nname = \"contract\"\nversion = \"1.0.0\"\n\
             [[trigger.http]]\nroute = \"/...\"\ncomponent = \"suite\"\n\
             [component.suite]\nsource = {:?}\nkey_value_stores = [\"contract\"]\n\
             allowed_outbound_hosts = [\"{address}\"]\n[component.suite.variables]\nredis_url = \"{address}\"\n",
            guest("records_contract")?
        );
        let host = Application::start(&Plan {
            port: free_port()?,
            manifest: &manifest,
            runtime_config: &format!("[key_value_store.contract]\n{}", store(&address, bodies.path())),
            variables: &[],
            compiled: Path::new(env!("CARGO_TARGET_TMPDIR")),
        })?;
        Ok(Self { host, redis, _bodies: bodies })
    }

    /// With bodies in a file.
    fn start_with_a_file() -> anyhow::Result<Self> {
        Self::start(|_, folder| format!("type = \"spin\"\npath = {:?}\n", folder.join("bodies.db")))
    }

    /// Runs every case and tells which do not hold.
    fn run(&self) -> anyhow::Result<()> {
        let (_, cases) = self.host.get("/cases")?;
        let cases: Vec<_> = cases.lines().collect();
        ensure!(cases.len() > 50, "the suite has {} cases only", cases.len());
        self.host.run_cases(cases)
    }
}

#[test]
fn every_sentence_holds_with_bodies_in_a_file() -> anyhow::Result<()> {
    Suite::start_with_a_file()?.run()
}

#[test]
fn every_sentence_holds_with_bodies_in_redis() -> anyhow::Result<()> {
    Suite::start(|address, _| format!("type = \"redis\"\nurl = \"{address}/1\"\n"))?.run()
}

#[test]
fn a_connection_that_broke_is_opened_again() -> anyhow::Result<()> {
    let mut suite = Suite::start_with_a_file()?;
    let case = "/run/events_tell_version_cause_and_place";
    ensure!(suite.host.get(case)? == (200, "holds".to_owned()), "the case does not hold before the restart");
    // The instance lives on for a second and keeps its connection, which is dead now; the scripts are gone too.
    suite.redis.restart()?;
    let (status, found) = suite.host.get(case)?;
    ensure!(status == 200, "after the restart: {status} {found}");
    suite.redis.kill()?;
    let (status, found) = suite.host.get(case)?;
    ensure!(status == 500 && found.contains("did not answer"), "without Redis: {status} {found}");
    suite.redis.restart()?;
    let (status, found) = suite.host.get(case)?;
    ensure!(status == 200, "after the second restart: {status} {found}");
    Ok(())
}
