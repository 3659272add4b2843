//! Outbound Redis: every operation, the grant and its absence, blocked networks.

use std::process::Command;

use anyhow::ensure;
use support::RedisServer;

use crate::harness::App;

/// Runs a command on the server and gives its answer, one line an element.
pub fn command(redis: &RedisServer, purpose: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("redis-cli").args(["-p", &redis.port().to_string()]).args(arguments).output()?;
    ensure!(output.status.success(), "{purpose}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn grant(redis: &RedisServer) -> String {
    format!("allowed_outbound_hosts = [\"{}\"]", redis.url())
}

#[test]
fn every_operation_works_and_nested_replies_are_flattened() {
    let redis = RedisServer::start().unwrap();
    let app = App::new().http("/...", "redis", "redis", &grant(&redis)).unwrap().start().unwrap();
    let answer = app.get_with("/all", &[("x-address", &redis.url())]).unwrap();
    assert_eq!(answer.body, "\"None value 2 2 1 a 3 int:1 binary:two int:3 nil status:four\"");
}

#[test]
fn a_reply_of_a_wrong_type_is_an_error_of_its_own_text_and_a_map_is_refused() {
    let redis = RedisServer::start().unwrap();
    let app = App::new().http("/...", "redis", "redis", &grant(&redis)).unwrap().start().unwrap();
    let wrong = app.get_with("/wrong-type", &[("x-address", &redis.url())]).unwrap();
    assert!(wrong.body.contains("WRONGTYPE"), "{}", wrong.body);
    let map = app.get_with("/map", &[("x-address", &redis.url())]).unwrap();
    assert!(map.body.contains("Redis Map type is not supported"), "{}", map.body);
}

#[test]
fn a_host_that_is_not_allowed_is_an_invalid_address() {
    let redis = RedisServer::start().unwrap();
    let other = RedisServer::start().unwrap();
    let app = App::new()
        .http("/granted/...", "granted", "redis", &grant(&redis))
        .unwrap()
        .http("/...", "denied", "redis", "")
        .unwrap()
        .start()
        .unwrap();
    for (path, address) in
        [("/all", redis.url()), ("/granted/all", other.url()), ("/granted/all", "redis://localhost".into())]
    {
        let answer = app.get_with(path, &[("x-address", &address)]).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (403, "Error::InvalidAddress"), "{path} {address}");
    }
    let database = format!("{}/5", redis.url());
    // The router gives the guest the whole path, which it does not know: that it says so proves the connection.
    assert_eq!(app.get_with("/granted/open", &[("x-address", &database)]).unwrap().status, 404);
}

#[test]
fn a_blocked_network_is_out_of_reach_whatever_the_manifest_allows() {
    let redis = RedisServer::start().unwrap();
    let app = App::new()
        .http("/...", "redis", "redis", &grant(&redis))
        .unwrap()
        .runtime_config("[outbound_networking]\nblock_networks = [\"private\"]")
        .start()
        .unwrap();
    let answer = app.get_with("/all", &[("x-address", &redis.url())]).unwrap();
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert!(app.errors().unwrap().contains("prohibited by runtime config"));
}
