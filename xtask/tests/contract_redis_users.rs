//! Attacks on a real Redis that runs with the committed access rules: no service reaches another's keys.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a helper of tests fails by panicking"
)]
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use xtask::acl::Rules;
use xtask::redis_server::{RedisServer, free_port};
use xtask::resp::{Connection, Reply};
use xtask::up::redis::{CONFIGURATION, RULES};

/// Users that log in for a context's functions.
const SERVICES: [&str; 7] = ["users", "payments", "notifications", "queries", "webhooks", "sandbox", "operations"];

/// The one that looks after the events of all.
const OPERATIONS: &str = "operations";

/// Whose events each service consumes.
const CONSUMES: [(&str, &[&str]); 4] = [
    ("payments", &["users"]),
    ("notifications", &["users", "payments", "webhooks"]),
    ("queries", &["users", "payments", "notifications"]),
    ("webhooks", &["users", "payments"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// A server of this test's own; stopped when it is dropped.
struct Server {
    redis: RedisServer,
    passwords: BTreeMap<String, String>,
    folder: tempfile::TempDir,
}

static RULES_FILE: LazyLock<Rules> = LazyLock::new(|| Rules::read(&root().join(RULES)).unwrap());

impl Server {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// Stops the server and starts another on what it left on disk.
    fn restart(self) -> Self {
        let Self { redis, folder, .. } = self;
        drop(redis);
        Self::start_in(folder)
    }

    fn start_in(folder: tempfile::TempDir) -> Self {
        let passwords = RULES_FILE.passwords();
        let port = free_port().unwrap();
        let log = folder.path().join("log");
        let out = File::create(&log).unwrap();
        let child = RedisServer::command(&root().join(CONFIGURATION), folder.path(), &root().join(RULES), port)
            .stdout(out)
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("redis-server is missing: apt-get install redis-server");
        let redis = RedisServer::wait_until_ready(child, port, log, "pulse", &passwords["pulse"], || false).unwrap();
        Self { redis, passwords, folder }
    }

    fn login(&self, user: &str) -> Connection {
        Connection::open_as(self.redis.address(), user, &self.passwords[user]).unwrap()
    }
}

#[track_caller]
fn refused(connection: &mut Connection, words: &[&str]) {
    let reply = connection.call(words).unwrap();
    let denied = matches!(&reply, Reply::Refusal(text) if text.starts_with("NOPERM") || text.contains("can't access"));
    assert!(denied, "{words:?} was not refused: {reply:?}");
}

#[track_caller]
fn allowed(connection: &mut Connection, words: &[&str]) -> Reply {
    let reply = connection.call(words).unwrap();
    assert!(!matches!(reply, Reply::Refusal(_)), "{words:?}: {reply:?}");
    reply
}

#[test]
fn nobody_enters_without_a_password() {
    let server = Server::start();
    let mut stranger = Connection::open(server.redis.address()).unwrap();
    for words in [&["PING"][..], &["GET", "{payments/0}:h:x"], &["AUTH", "payments", "wrong"]] {
        assert!(matches!(stranger.call(words).unwrap(), Reply::Refusal(_)), "{words:?}");
    }
}

#[test]
fn what_a_script_wrote_is_there_after_a_restart() {
    let server = Server::start();
    // The log of a script with two writes is a transaction, which Redis loads with the rights of the user `default`.
    let script = "redis.call('SET', KEYS[1], 'one') redis.call('SET', KEYS[2], 'two') return 1";
    for service in SERVICES {
        let key = |kind: &str| format!("{{{service}/0}}:{kind}");
        allowed(&mut server.login(service), &["EVAL", script, "2", &key("h:a"), &key("h:b")]);
    }
    let server = server.restart();
    for service in SERVICES {
        let kept = allowed(&mut server.login(service), &["GET", &format!("{{{service}/0}}:h:b")]);
        assert_eq!(kept, Reply::Text("two".to_owned()), "{service} lost an acknowledged write");
    }
    let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap();
    assert!(!log.contains("CRITICAL"), "{log}");
}

#[test]
fn a_service_works_within_its_own_keys() {
    let server = Server::start();
    for service in SERVICES {
        let mut own = server.login(service);
        let key = |kind: &str| format!("{{{service}/0}}:{kind}");
        allowed(&mut own, &["SET", &key("h:pay_1"), "1"]);
        allowed(&mut own, &["HSET", &key("b:acc_1"), "posted", "1"]);
        allowed(&mut own, &["ZADD", &key("timers"), "1", "t"]);
        allowed(&mut own, &["XADD", &key("events"), "*", "e", "1"]);
        allowed(&mut own, &["XADD", &key("dead"), "*", "e", "1"]);
        allowed(&mut own, &["HSET", &format!("{{{service}/metrics}}:requests"), "n", "1"]);
        allowed(&mut own, &["SET", &format!("{{{service}/ready}}"), "1"]);
        allowed(&mut own, &["PUBLISH", "bell:queries-worker", "1"]);
        allowed(&mut own, &["TIME"]);
        let script =
            "redis.call('SET', KEYS[1], ARGV[1]) redis.call('PUBLISH', 'bell:x', '1') return redis.call('TIME')[1]";
        allowed(&mut own, &["EVAL", script, "1", &key("h:pay_2"), "v"]);
        let digest = allowed(&mut own, &["SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])"]);
        let Reply::Text(digest) = digest else {
            panic!("no digest: {digest:?}");
        };
        assert_eq!(allowed(&mut own, &["EVALSHA", &digest, "1", &key("h:pay_2")]), Reply::Text("v".to_owned()));
    }
}

#[test]
fn a_service_neither_reads_nor_writes_anothers_keys() {
    let server = Server::start();
    for attacker in SERVICES {
        for victim in SERVICES.into_iter().chain(["gateway"]).filter(|victim| *victim != attacker) {
            let mut own = server.login(attacker);
            for kind in ["h:x", "o:x", "b:x", "i:x", "ledger", "trial", "commits", "epoch", "frozen", "dead"] {
                let key = format!("{{{victim}/0}}:{kind}");
                refused(&mut own, &["GET", &key]);
                refused(&mut own, &["SET", &key, "1"]);
                refused(&mut own, &["DEL", &key]);
                refused(&mut own, &["COPY", &key, &format!("{{{attacker}/0}}:h:copy")]);
                if (attacker, kind) != (OPERATIONS, "dead") {
                    refused(&mut own, &["EVAL", "return 1", "1", &key]);
                }
                let hidden = format!("return redis.call('GET', '{key}')");
                refused(&mut own, &["EVAL", &hidden, "0"]);
            }
            let events = format!("{{{victim}/0}}:events");
            refused(&mut own, &["XADD", &events, "*", "e", "forged"]);
            refused(&mut own, &["XTRIM", &events, "MAXLEN", "0"]);
            refused(&mut own, &["DEL", &events]);
            refused(&mut own, &["XGROUP", "DESTROY", &events, "g"]);
            refused(&mut own, &["SET", &format!("{{{victim}/metrics}}:requests"), "0"]);
            refused(&mut own, &["GET", &format!("{victim}:head:1.x")]);
        }
    }
}

#[test]
fn only_consumers_read_a_foreign_stream() {
    let server = Server::start();
    for service in SERVICES.into_iter().filter(|service| *service != OPERATIONS) {
        let consumes = CONSUMES.iter().find(|(name, _)| *name == service).map_or(&[][..], |(_, streams)| streams);
        for owner in SERVICES.into_iter().filter(|owner| *owner != service) {
            let stream = format!("{{{owner}/0}}:events");
            allowed(&mut server.login(owner), &["XADD", &stream, "*", "e", "1"]);
            let mut reader = server.login(service);
            let group = format!("{service}-worker");
            if !consumes.contains(&owner) {
                refused(&mut reader, &["XRANGE", &stream, "-", "+"]);
                refused(&mut reader, &["XGROUP", "CREATE", &stream, &group, "0"]);
                continue;
            }
            allowed(&mut reader, &["XGROUP", "CREATE", &stream, &group, "0", "MKSTREAM"]);
            allowed(&mut reader, &["XREADGROUP", "GROUP", &group, "c", "COUNT", "1", "STREAMS", &stream, ">"]);
            allowed(&mut reader, &["XPENDING", &stream, &group]);
            allowed(&mut reader, &["XAUTOCLAIM", &stream, &group, "c", "0", "0"]);
            allowed(&mut reader, &["XACK", &stream, &group, "1-1"]);
            allowed(&mut reader, &["HSET", &format!("{{{owner}/0}}:groups"), &group, "1"]);
            let rung = format!("{{{owner}/0}}:rung:{group}");
            allowed(&mut reader, &["SET", &rung, "1", "PX", "1000"]);
            let script = "redis.call('DEL', KEYS[2]) return redis.call('XLEN', KEYS[1])";
            allowed(&mut reader, &["EVAL", script, "2", &stream, &rung]);
            let lag = "return redis.call('XINFO', 'STREAM', KEYS[1], 'FULL', 'COUNT', 1)[2]";
            allowed(&mut reader, &["EVAL_RO", lag, "1", &stream]);
            let forgery = "return redis.call('XADD', KEYS[1], '*', 'e', 'forged')";
            refused(&mut reader, &["EVAL", forgery, "1", &stream]);
        }
    }
}

#[test]
fn operations_looks_after_the_events_of_all_and_forges_none() {
    let server = Server::start();
    for owner in SERVICES.into_iter().filter(|owner| *owner != OPERATIONS) {
        let key = |kind: &str| format!("{{{owner}/0}}:{kind}");
        let (events, dead) = (key("events"), key("dead"));
        let mut own = server.login(owner);
        allowed(&mut own, &["XADD", &events, "1-1", "e", "1"]);
        allowed(&mut own, &["XADD", &dead, "1-1", "group", "g"]);
        let mut operations = server.login(OPERATIONS);
        for words in [
            &["XRANGE", &events, "-", "+"][..],
            &["XINFO", "STREAM", &events, "FULL"],
            &["MEMORY", "USAGE", &events],
            &["SMEMBERS", &key("groups")],
            &["ZCARD", &key("retry:g")],
            &["HMGET", &key("totals:g"), "retries"],
            &["XREVRANGE", &dead, "+", "-"],
            &["ZADD", &key("replay:g"), "1", "1-1"],
            &["HSET", &key("replays:g"), "1-1:event", "{}"],
            &["XDEL", &dead, "1-1"],
        ] {
            allowed(&mut operations, words);
        }
        let purge = "redis.call('ZREM', KEYS[2], '1-1') redis.call('HDEL', KEYS[3], 'x') return redis.call('XDEL', KEYS[1], '1-1')";
        allowed(&mut operations, &["EVAL", purge, "3", &dead, &key("replay:g"), &key("replays:g")]);
        for words in [
            &["XADD", &events, "*", "e", "forged"][..],
            &["XADD", &dead, "*", "e", "forged"],
            &["XDEL", &events, "1-1"],
            &["XTRIM", &events, "MAXLEN", "0"],
            &["XTRIM", &dead, "MAXLEN", "0"],
            &["XGROUP", "CREATE", &events, "g", "0"],
            &["XREADGROUP", "GROUP", "g", "c", "STREAMS", &events, ">"],
            &["XACK", &events, "g", "1-1"],
            &["SADD", &key("groups"), "g"],
            &["ZADD", &key("retry:g"), "1", "x"],
            &["HSET", &key("totals:g"), "retries", "0"],
            &["GET", &key("rung:g")],
            &["GET", &key("parked:g:x")],
            &["SET", &key("replay:g"), "1"],
            &["DEL", &key("replay:g")],
            &["EVAL", "return 1", "1", &key("h:x")],
        ] {
            refused(&mut operations, words);
        }
        refused(&mut operations, &["HGETALL", &format!("{{{owner}/metrics}}:http")]);
        refused(&mut operations, &["PUBLISH", "pulse", "1"]);
        allowed(&mut operations, &["PUBLISH", &format!("bell:{owner}-worker"), "bell"]);
        allowed(&mut operations, &["SUBSCRIBE", "pulse"]);
    }
}

#[test]
fn nobody_lists_flushes_configures_or_blocks() {
    let server = Server::start();
    for user in SERVICES.into_iter().chain(["gateway", "pulse", "users-bodies"]) {
        let mut own = server.login(user);
        for words in [
            &["KEYS", "*"][..],
            &["RANDOMKEY"],
            &["DBSIZE"],
            &["FLUSHALL"],
            &["FLUSHDB"],
            &["SWAPDB", "0", "1"],
            &["CONFIG", "GET", "*"],
            &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
            &["ACL", "LIST"],
            &["ACL", "SETUSER", "mallory", "on"],
            &["CLIENT", "LIST"],
            &["CLIENT", "KILL", "TYPE", "normal"],
            &["CLIENT", "PAUSE", "1000"],
            &["MONITOR"],
            &["INFO"],
            &["SAVE"],
            &["SHUTDOWN"],
            &["REPLICAOF", "NO", "ONE"],
            &["MIGRATE", "127.0.0.1", "1", "k", "0", "1"],
            &["SCRIPT", "FLUSH"],
            &["SCRIPT", "KILL"],
            &["FUNCTION", "LIST"],
            &["BLPOP", "{users/0}:h:x", "0"],
            &["PUBSUB", "CHANNELS"],
            &["PUBLISH", "other", "1"],
        ] {
            refused(&mut own, words);
        }
        if user != "users-bodies" {
            refused(&mut own, &["SCAN", "0"]);
        }
    }
}

#[test]
fn the_gateway_reads_what_it_shows_and_changes_nothing() {
    let server = Server::start();
    for service in SERVICES {
        let mut own = server.login(service);
        allowed(&mut own, &["XADD", &format!("{{{service}/0}}:events"), "*", "e", "1"]);
        allowed(&mut own, &["HSET", &format!("{{{service}/metrics}}:requests"), "n", "1"]);
        let mut gateway = server.login("gateway");
        allowed(&mut gateway, &["HGETALL", &format!("{{{service}/metrics}}:requests")]);
        allowed(&mut gateway, &["XINFO", "GROUPS", &format!("{{{service}/0}}:events")]);
        allowed(&mut gateway, &["XLEN", &format!("{{{service}/0}}:dead")]);
        allowed(&mut gateway, &["HGETALL", &format!("{{{service}/0}}:trial")]);
        refused(&mut gateway, &["GET", &format!("{{{service}/0}}:h:x")]);
        refused(&mut gateway, &["DEL", &format!("{{{service}/metrics}}:requests")]);
        refused(&mut gateway, &["XADD", &format!("{{{service}/0}}:events"), "*", "e", "forged"]);
        refused(&mut gateway, &["SET", &format!("{{{service}/0}}:trial"), "0"]);
    }
    allowed(&mut server.login("gateway"), &["HSET", "{gateway/metrics}:requests", "n", "1"]);
}

#[test]
fn the_host_keeps_each_contexts_bodies_apart() {
    let server = Server::start();
    for service in SERVICES {
        let mut bodies = server.login(&format!("{service}-bodies"));
        allowed(&mut bodies, &["SELECT", "3"]);
        allowed(&mut bodies, &["SET", &format!("{service}:rec_1:1.uuid"), "body"]);
        allowed(&mut bodies, &["EXISTS", &format!("{service}:mark.0")]);
        allowed(&mut bodies, &["SCAN", "0"]);
        refused(&mut bodies, &["SET", &format!("{{{service}/0}}:h:x"), "1"]);
        let other = if service == "users" { "payments" } else { "users" };
        refused(&mut bodies, &["GET", &format!("{other}:rec_1:1.uuid")]);
        refused(&mut bodies, &["EVAL", "return 1", "0"]);
    }
}

#[test]
fn the_pulse_rings_and_does_nothing_else() {
    let server = Server::start();
    let mut pulse = server.login("pulse");
    allowed(&mut pulse, &["PUBLISH", "pulse", "1"]);
    refused(&mut pulse, &["PUBLISH", "bell:payments-worker", "1"]);
    refused(&mut pulse, &["GET", "pulse"]);
    refused(&mut pulse, &["SUBSCRIBE", "pulse"]);
}
