//! The events suite inside the host: the adapter over Spin's own Redis connection, each call as the user that makes it in
//! production.

#[path = "../../components/events-redis/tests/contract/listener.rs"]
mod listener;

use anyhow::{Context, Result};
use std::path::Path;
use support::{RedisServer, free_port};
use tests::{Application, Plan, Workplace, guest};

/// The suite, granted a Redis and the users whose parts it plays.
fn start(redis: &RedisServer) -> Result<Application> {
    let url = |user: &str| format!("redis://{user}:{user}-development@127.0.0.1:{}", redis.port());
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"contract\"\nversion = \"1.0.0\"\n\
         [[trigger.http]]\nroute = \"/...\"\ncomponent = \"suite\"\n\
         [component.suite]\nsource = {:?}\nallowed_outbound_hosts = [\"{}\"]\n[component.suite.variables]\n\
         operator_redis_url = \"{}\"\nworker_redis_url = \"{}\"\ngateway_redis_url = \"{}\"\n\
         operations_redis_url = \"{}\"\n",
        guest("events_contract")?,
        redis.url(),
        url("operator"),
        url("notifications"),
        url("gateway"),
        url("operations"),
    );
    Application::start(&Plan {
        port: free_port()?,
        manifest: &manifest,
        runtime_config: "",
        variables: &[],
        compiled: Path::new(env!("CARGO_TARGET_TMPDIR")),
    })
}

#[test]
fn every_sentence_about_events_holds_inside_the_host() -> Result<()> {
    let users = Workplace::root().join("infra/redis/users.acl").canonicalize()?;
    let redis = RedisServer::start_with(&["--aclfile", users.to_str().context("a path that is no text")?])?;
    listener::listen(&format!("redis://operator:operator-development@127.0.0.1:{}", redis.port()))?;
    let host = start(&redis)?;
    let (_, cases) = host.get("/cases")?;
    let wanted: Vec<_> = events_contract::cases().iter().map(|case| case.name).collect();
    assert_eq!(cases.lines().collect::<Vec<_>>(), wanted, "the component was built from another suite");
    host.run_cases(wanted)
}
