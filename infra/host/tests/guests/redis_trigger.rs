//! Components woken by Redis: one message after the other, a new instance each, and what happens when something
//! fails.

use anyhow::ensure;
use support::RedisServer;

use crate::{
    harness::{App, Running, eventually},
    redis::command,
};

const GUEST: &str = "redis_recorder";

fn grants(redis: &RedisServer) -> String {
    let url = redis.url();
    format!(
        "allowed_outbound_hosts = [\"{url}\", \"http://hello.spin.internal\"]\nvariables = {{ redis_url = \"{url}\" }}"
    )
}

fn publish(redis: &RedisServer, channel: &str, payload: &str) -> anyhow::Result<()> {
    let listeners = command(redis, "publish", &["PUBLISH", channel, payload])?;
    ensure!(listeners == "1", "{listeners} listen to {channel}");
    Ok(())
}

/// The record once its last entry is `last`.
fn record(redis: &RedisServer, last: &str) -> anyhow::Result<Vec<String>> {
    eventually(|| {
        let record: Vec<String> =
            command(redis, "record", &["LRANGE", "record", "0", "-1"])?.lines().map(str::to_owned).collect();
        Ok(record.last().is_some_and(|entry| entry == last).then_some(record))
    })
}

fn recorder(redis: &RedisServer) -> anyhow::Result<Running> {
    App::new().redis(&redis.url(), "bell", "recorder", GUEST, &grants(redis))?.start()
}

#[test]
fn messages_are_handled_one_after_the_other_each_by_a_new_instance() {
    let redis = RedisServer::start().unwrap();
    let _app = recorder(&redis).unwrap();
    for payload in ["one", "two", "three"] {
        publish(&redis, "bell", payload).unwrap();
    }
    assert_eq!(
        record(&redis, "end:three").unwrap(),
        ["start:one:1", "end:one", "start:two:1", "end:two", "start:three:1", "end:three"]
    );
}

#[test]
fn a_failed_or_panicked_handler_is_logged_and_the_next_message_comes() {
    let redis = RedisServer::start().unwrap();
    let app = recorder(&redis).unwrap();
    for payload in ["fail", "panic", "last"] {
        publish(&redis, "bell", payload).unwrap();
    }
    assert_eq!(record(&redis, "end:last").unwrap(), ["start:fail:1", "start:panic:1", "start:last:1", "end:last"]);
    let errors = app.errors().unwrap();
    assert!(errors.contains("asked to fail") && errors.contains("on purpose"), "{errors}");
    assert_eq!(errors.matches("Component recorder handler failed").count(), 2, "{errors}");
}

#[test]
fn a_component_woken_by_redis_cannot_chain() {
    let redis = RedisServer::start().unwrap();
    let _app = App::new()
        .redis(&redis.url(), "bell", "recorder", GUEST, &grants(&redis))
        .unwrap()
        .http("/...", "hello", "hello", "")
        .unwrap()
        .start()
        .unwrap();
    publish(&redis, "bell", "chain").unwrap();
    assert_eq!(record(&redis, "end:chain").unwrap(), ["start:chain:1", "chained:false", "end:chain"]);
}

#[test]
fn addresses_that_differ_as_strings_are_served_side_by_side() {
    let redis = RedisServer::start().unwrap();
    let _app = App::new()
        .redis(&format!("{}/1", redis.url()), "bell-a", "a", GUEST, &grants(&redis))
        .unwrap()
        .redis(&format!("{}/2", redis.url()), "bell-b", "b", GUEST, &grants(&redis))
        .unwrap()
        .start()
        .unwrap();
    // Channels know no databases, so both subscriptions hear the server; each message still has one listener.
    for round in 0..8 {
        publish(&redis, "bell-a", &format!("a{round}")).unwrap();
        publish(&redis, "bell-b", &format!("b{round}")).unwrap();
    }
    let entries = eventually(|| {
        let record = command(&redis, "record", &["LRANGE", "record", "0", "-1"])?;
        Ok((record.lines().count() == 32).then_some(record))
    })
    .unwrap();
    let lines: Vec<&str> = entries.lines().collect();
    let overlaps =
        lines.windows(2).filter(|pair| pair[0].starts_with("start:") && pair[1].starts_with("start:")).count();
    assert!(overlaps > 0, "{entries}");
    for address in ["a", "b"] {
        let own: Vec<_> = lines
            .iter()
            .filter(|line| line.split(':').nth(1).is_some_and(|payload| payload.starts_with(address)))
            .collect();
        assert!(own.chunks(2).all(|pair| pair[0].starts_with("start:") && pair[1].starts_with("end:")), "{own:?}");
    }
}

#[test]
fn a_lost_connection_ends_the_host_with_a_failure() {
    let mut redis = RedisServer::start().unwrap();
    let mut app = recorder(&redis).unwrap();
    redis.kill().unwrap();
    assert_eq!(app.ended().unwrap().code(), Some(1));
    assert!(app.errors().unwrap().contains("disconnected from 127.0.0.1"));
}

#[test]
fn a_server_that_does_not_answer_is_refused_at_start() {
    let mut redis = RedisServer::start().unwrap();
    redis.kill().unwrap();
    let refusal =
        App::new().redis(&redis.url(), "bell", "recorder", GUEST, &grants(&redis)).unwrap().refused().unwrap();
    assert!(refusal.contains("Redis trigger failed to connect"), "{refusal}");
}

#[test]
fn a_component_without_the_handler_is_refused_at_start() {
    let redis = RedisServer::start().unwrap();
    let refusal = App::new().redis(&redis.url(), "bell", "hello", "hello", "").unwrap().refused().unwrap();
    assert!(refusal.contains("does not export spin:redis/inbound-redis@3.0.0"), "{refusal}");
}
