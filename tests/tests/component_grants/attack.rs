//! What a component tries when it has been taken over, and what must come of it.
//!
//! Nothing here asks the manifest whether another's things may be touched: a grant too many must not become the
//! expectation. What is a component's own follows from its name; the files say only which of its own it was given.

use crate::attempt::{Attempt, Outcome};
use crate::house::{Granted, House, PUBLIC};
use crate::rules::{Access, User};
use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Kinds of keys that a context lends to nobody.
pub const PRIVATE: [&str; 12] = [
    "h:sentinel",
    "o:sentinel",
    "b:sentinel",
    "i:sentinel",
    "s:sentinel",
    "timers",
    "garbage",
    "ledger",
    "commits",
    "epoch",
    "frozen",
    "leases:sentinel",
];

/// What the senders of webhooks are granted: every host, encrypted.
const ANY_HOST: &str = "https://*:*";

/// What only Redis' operator does.
const RESERVED: [&[&str]; 18] = [
    &["KEYS", "*"],
    &["SCAN", "0"],
    &["RANDOMKEY"],
    &["DBSIZE"],
    &["FLUSHDB"],
    &["SWAPDB", "0", "1"],
    &["CONFIG", "GET", "requirepass"],
    &["CONFIG", "SET", "maxmemory", "0"],
    &["ACL", "LIST"],
    &["ACL", "SETUSER", "mallory", "on", "nopass", "~*", "+@all"],
    &["CLIENT", "LIST"],
    &["CLIENT", "KILL", "TYPE", "pubsub"],
    &["INFO"],
    &["SCRIPT", "FLUSH"],
    &["FUNCTION", "LIST"],
    &["PUBSUB", "CHANNELS"],
    &["MIGRATE", "127.0.0.1", "1", "key", "0", "1"],
    &["REPLICAOF", "127.0.0.1", "1"],
];

/// One attempt, and what must come of it.
pub struct Trial {
    pub attempt: Attempt,
    expected: Expected,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// It is done: this comes back, or whatever where nothing is said.
    Works(Option<String>),
    /// The host refuses, and no connection is made.
    DeniedByHost,
    /// The other side refuses for want of a permission.
    RefusedByServer,
    /// Whether it is done or not, nothing comes of it.
    FindsNothing,
}

impl Trial {
    /// What is wrong with an outcome, if anything.
    pub fn complaint(&self, outcome: &Outcome) -> Option<String> {
        let holds = match (&self.expected, outcome) {
            (Expected::Works(None), Outcome::Done(_))
            | (Expected::DeniedByHost, Outcome::Denied)
            | (Expected::FindsNothing, Outcome::Denied | Outcome::Failed(_)) => true,
            (Expected::Works(Some(wanted)), Outcome::Done(found)) => wanted == found,
            (Expected::FindsNothing, Outcome::Done(found)) => found.is_empty(),
            (Expected::RefusedByServer, Outcome::Failed(reason)) => is_want_of_permission(reason),
            _ => false,
        };
        (!holds).then(|| format!("{:?} must be {:?}, but is {outcome:?}", self.attempt, self.expected))
    }
}

/// The words of Redis and of its client for a command, a key, a channel or a person that is not let in.
fn is_want_of_permission(reason: &str) -> bool {
    ["NOPERM", "No permissions", "can't access", "NOAUTH", "WRONGPASS", "AuthenticationFailed"]
        .iter()
        .any(|words| reason.contains(words))
}

/// One component in the hands of an attacker.
pub struct Attacker<'a> {
    pub house: &'a House,
    pub rules: &'a [User],
    pub id: &'a str,
    /// A listener that nobody is granted.
    pub canary: SocketAddr,
    /// Where the host itself listens.
    pub entry: SocketAddr,
}

/// What a context keeps under a name of its own; nobody else may see it.
pub fn secret_of(context: &str) -> String {
    format!("secret of {context}")
}

/// A context's key of one kind.
pub fn key_of(context: &str, kind: &str) -> String {
    format!("{{{context}/0}}:{kind}")
}

/// A context's key in a key-value store.
pub fn body_of(context: &str) -> String {
    format!("{context}:sentinel")
}

fn redis(url: &str, command: &[&str], expected: Expected) -> Trial {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    Trial { attempt: Attempt::Redis { url: url.to_owned(), command }, expected }
}

impl<'a> Attacker<'a> {
    /// Whose component this is: `users-worker` and `users-sessions` are of `users`.
    fn context(&self) -> &'a str {
        self.id.split('-').next().unwrap_or(self.id)
    }

    fn granted(&self) -> Result<&'a Granted> {
        self.house.components.get(self.id).with_context(|| format!("no component {}", self.id))
    }

    fn contexts(&self) -> impl Iterator<Item = &'a str> {
        self.rules.iter().filter(|user| user.is_of_a_context()).map(|user| user.name.as_str())
    }

    /// Every name that a variable has anywhere: its own have their values, the others do not exist.
    pub fn on_variables(&self) -> Result<Vec<Trial>> {
        let granted = self.granted()?;
        let trial = |name: &String| Trial {
            attempt: Attempt::Variable(name.clone()),
            expected: granted
                .variables
                .get(name)
                .map_or(Expected::DeniedByHost, |value| Expected::Works(Some(value.clone()))),
        };
        Ok(self.house.variables.iter().map(trial).collect())
    }

    /// Every label that has a backend or a name anywhere: its own opens if it was given it, the others do not; and in
    /// its own it finds nobody else's bodies.
    pub fn on_stores(&self) -> Result<Vec<Trial>> {
        let granted = self.granted()?;
        let labels: BTreeSet<&str> = self.house.labels.keys().map(String::as_str).chain(self.contexts()).collect();
        let mut trials = Vec::new();
        for label in labels.into_iter().chain(["default"]) {
            let is_own = label == self.context() && granted.stores.contains(label);
            for owner in self.house.labels.keys() {
                let (read, write) = match (is_own, owner == self.context()) {
                    (true, true) => (Expected::Works(Some(secret_of(owner))), Expected::Works(None)),
                    (true, false) => (Expected::RefusedByServer, Expected::RefusedByServer),
                    (false, _) => (Expected::DeniedByHost, Expected::DeniedByHost),
                };
                let (label, key) = (label.to_owned(), body_of(owner));
                // Last the write: it puts another value in the place of the one that is looked for.
                trials
                    .push(Trial { attempt: Attempt::Read { label: label.clone(), key: key.clone() }, expected: read });
                trials.push(Trial { attempt: Attempt::Write { label, key }, expected: write });
            }
        }
        Ok(trials)
    }

    /// Every address anywhere, and some that are nowhere: those work that are granted and that a variable of its own
    /// names, the others are refused before a connection is made.
    pub fn on_hosts(&self, found: &BTreeMap<String, String>) -> Result<Vec<Trial>> {
        let granted = self.granted()?;
        let is_own = |address: &String| granted.hosts.contains(address) && found.values().any(|value| value == address);
        let peers = self.house.components.keys().map(|id| format!("http://{id}.spin.internal"));
        let known = self.house.addresses.iter().filter(|address| address.starts_with("http")).cloned();
        let granted_somewhere = self.house.components.values().flat_map(|granted| granted.hosts.iter().cloned());
        let mut addresses: BTreeSet<String> = peers.clone().chain(known).chain(granted_somewhere).collect();
        addresses.retain(|address| address.starts_with("http") && !address.contains('*'));
        addresses.extend(peers.clone().map(|peer| format!("{peer}:8080")));
        addresses.extend(peers.map(|peer| peer.replace("http://", "https://")));
        let (canary, redis) = (self.canary.port(), self.house.redis()?.trim_start_matches("redis://"));
        addresses.extend(
            ["nobody.spin.internal", "example.invalid", "169.254.169.254", "self.alt", redis]
                .map(|host| format!("http://{host}")),
        );
        let listener = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"].map(|host| format!("http://{host}:{canary}"));
        addresses.extend(listener);
        // The senders of webhooks may reach any host over https, and with it the application itself: what they must not reach
        // there is blocked after the resolution, by the runtime configuration. Woken by Redis, one has no neighbours in
        // process, as the prober in its place has; the other's are kept from it by the guard alone (docs/webhooks.md).
        if granted.hosts.contains(ANY_HOST) {
            addresses.retain(|address| !address.starts_with("https://") && address != "http://self.alt");
        }
        let mut trials = Vec::new();
        for address in addresses {
            let expected = if is_own(&address) { Expected::Works(None) } else { Expected::DeniedByHost };
            trials.push(Trial { attempt: Attempt::Http(format!("{address}/")), expected });
        }
        // Sockets would go past everything above. The embedded host has none, stock Spin asks the same grants.
        for address in [self.canary.to_string(), self.entry.to_string(), redis.to_owned()] {
            trials.push(Trial { attempt: Attempt::Tcp(address.clone()), expected: Expected::DeniedByHost });
            trials.push(Trial { attempt: Attempt::Udp(address), expected: Expected::DeniedByHost });
        }
        Ok(trials)
    }

    /// What every program of an operating system could look into.
    pub fn on_the_system(&self) -> Vec<Trial> {
        let folders = ["/", ".", "/etc", "/proc/self"].map(|folder| Attempt::Folder(folder.to_owned()));
        let looks = folders.into_iter().chain([Attempt::Environment]);
        looks.map(|attempt| Trial { attempt, expected: Expected::FindsNothing }).collect()
    }

    /// Everything in Redis, with every address that its variables name; with none, as everybody.
    pub fn on_redis(&self, found: &BTreeMap<String, String>) -> Result<Vec<Trial>> {
        let address = self.house.redis()?;
        let place = address.trim_start_matches("redis://");
        let logins: Vec<&String> = found.values().filter(|value| value.starts_with("redis://")).collect();
        let mut trials = Vec::new();
        if logins.is_empty() {
            for user in self.rules {
                let password = user.password.as_deref().unwrap_or_default();
                let url = format!("redis://{}:{password}@{place}", user.name);
                trials.push(redis(&url, &["PING"], Expected::DeniedByHost));
            }
            trials.push(redis(address, &["PING"], Expected::DeniedByHost));
        }
        for login in logins {
            self.within_its_own(login, &mut trials);
            self.on_others(login, &mut trials)?;
            self.on_bodies(login, &mut trials);
            self.on_channels(login, &mut trials);
            trials.extend(RESERVED.map(|command| redis(login, command, Expected::RefusedByServer)));
            self.on_logins(login, place, &mut trials);
            // The same server by another name, and another server.
            let port = place.rsplit(':').next().unwrap_or_default();
            for elsewhere in [format!("localhost:{port}"), format!("[::1]:{port}"), self.canary.to_string()] {
                trials.push(redis(&login.replace(place, &elsewhere), &["PING"], Expected::DeniedByHost));
            }
        }
        Ok(trials)
    }

    /// What it is there for works: else refusals would prove nothing.
    fn within_its_own(&self, login: &str, trials: &mut Vec<Trial>) {
        let own = key_of(self.context(), "h:prober");
        let script = "return redis.call('GET', KEYS[1])";
        for (command, answer) in [
            (&["SET", &own, "mine"][..], "OK"),
            (&["GET", &own], "mine"),
            (&["EVAL", script, "1", &own], "mine"),
            (&["DEL", &own], "1"),
            (&["GET", &key_of(self.context(), "h:sentinel")], &secret_of(self.context())),
        ] {
            trials.push(redis(login, command, Expected::Works(Some(answer.to_owned()))));
        }
    }

    fn on_others(&self, login: &str, trials: &mut Vec<Trial>) -> Result<()> {
        let user = self.rules.iter().find(|user| user.name == self.context());
        let user = user.with_context(|| format!("Redis has no user {}", self.context()))?;
        let own = key_of(self.context(), "h:loot");
        for other in self.contexts().filter(|other| *other != self.context()) {
            let key = |kind: &str| key_of(other, kind);
            let mut never = |command: &[&str]| trials.push(redis(login, command, Expected::RefusedByServer));
            for kind in PRIVATE {
                let key = &key(kind);
                never(&["GET", key]);
                never(&["SET", key, "stolen"]);
                never(&["DEL", key]);
                never(&["COPY", key, &own]);
                never(&["EVAL", "return redis.call('GET', KEYS[1])", "1", key]);
                never(&["EVAL_RO", "return redis.call('GET', KEYS[1])", "1", key]);
                never(&["EVAL", &format!("return redis.call('GET', '{key}')"), "0"]);
                never(&["EVAL", &format!("return redis.call('SET', KEYS[1], redis.call('GET', '{key}'))"), "1", &own]);
            }
            let (events, dead, trial) = (&key("events"), &key("dead"), &key("trial"));
            let metrics = &format!("{{{other}/metrics}}:http");
            for stream in [events, dead] {
                never(&["XADD", stream, "*", "e", "forged"]);
                never(&["EVAL", "return redis.call('XADD', KEYS[1], '*', 'e', 'forged')", "1", stream]);
                never(&["XTRIM", stream, "MAXLEN", "0"]);
                never(&["XGROUP", "DESTROY", stream, "somebody"]);
                never(&["DEL", stream]);
                never(&["SET", stream, "stolen"]);
            }
            for shown in [trial, metrics] {
                never(&["HSET", shown, "EUR", "1"]);
                never(&["DEL", shown]);
            }
            // What a rule in brackets lends, and to nobody else.
            let (groups, rung) = (&key("groups"), &key(&format!("rung:{}", self.id)));
            let (replay, replays) = (&key("replay:somebody"), &key("replays:somebody"));
            let (waits, totals) = (&key("retry:somebody"), &key("totals:somebody"));
            for (name, access, command) in [
                ("xlen", Access::Read, &["XLEN", events][..]),
                ("xrange", Access::Read, &["XRANGE", events, "-", "+", "COUNT", "1"]),
                ("xgroup|create", Access::Write, &["XGROUP", "CREATE", events, self.id, "0"]),
                ("smembers", Access::Read, &["SMEMBERS", groups]),
                ("sadd", Access::Write, &["SADD", groups, self.id]),
                ("set", Access::Write, &["SET", rung, "1", "PX", "1000"]),
                ("xlen", Access::Read, &["XLEN", dead]),
                ("xrange", Access::Read, &["XRANGE", dead, "-", "+", "COUNT", "1"]),
                // A letter that is not there: what is there is looked for afterwards.
                ("xdel", Access::Write, &["XDEL", dead, "9-9"]),
                ("zadd", Access::Write, &["ZADD", replay, "1", "9-9"]),
                ("hset", Access::Write, &["HSET", replays, "9-9:event", "{}"]),
                ("zcard", Access::Read, &["ZCARD", waits]),
                ("zadd", Access::Write, &["ZADD", waits, "1", "payments/0|9-9"]),
                ("hmget", Access::Read, &["HMGET", totals, "retries"]),
                ("hset", Access::Write, &["HSET", totals, "retries", "0"]),
                ("memory|usage", Access::Read, &["MEMORY", "USAGE", events]),
                ("xack", Access::Write, &["XACK", events, "somebody", "9-9"]),
                ("hgetall", Access::Read, &["HGETALL", trial]),
                ("hgetall", Access::Read, &["HGETALL", metrics]),
            ] {
                let is_lent = command.get(1).is_some_and(|&key| user.is_lent(name, access, key))
                    || command.get(2).is_some_and(|&key| user.is_lent(name, access, key));
                let expected = if is_lent { Expected::Works(None) } else { Expected::RefusedByServer };
                trials.push(redis(login, command, expected));
            }
        }
        Ok(())
    }

    /// The bodies of key-value stores lie in the same server under other numbers, and keys of others everywhere.
    fn on_bodies(&self, login: &str, trials: &mut Vec<Trial>) {
        for number in self.house.labels.values() {
            let url = format!("{login}/{number}");
            for owner in self.house.labels.keys() {
                trials.push(redis(&url, &["GET", &body_of(owner)], Expected::RefusedByServer));
                trials.push(redis(&url, &["SET", &body_of(owner), "stolen"], Expected::RefusedByServer));
            }
            for other in self.contexts().filter(|other| *other != self.context()) {
                trials.push(redis(&url, &["GET", &key_of(other, "h:sentinel")], Expected::RefusedByServer));
            }
        }
    }

    /// Bells are everybody's, channels that no worker hears are nobody's.
    fn on_channels(&self, login: &str, trials: &mut Vec<Trial>) {
        let user = self.rules.iter().find(|user| user.name == self.context());
        let workers = self.house.components.keys().filter(|id| id.ends_with("-worker"));
        for bell in workers.map(|id| format!("bell:{id}")).chain(["pulse".to_owned()]) {
            let may = user.is_some_and(|user| user.may_publish(&bell));
            let expected = if may { Expected::Works(None) } else { Expected::RefusedByServer };
            trials.push(redis(login, &["PUBLISH", &bell, "1"], expected));
        }
        for channel in ["other", "__keyevent@0__:del", "bells"] {
            trials.push(redis(login, &["PUBLISH", channel, "1"], Expected::RefusedByServer));
        }
    }

    /// The host lets every user's name pass, the rules go by password: whoever is not given one has to guess it.
    fn on_logins(&self, login: &str, place: &str, trials: &mut Vec<Trial>) {
        let own = login.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map_or("", |(own, _)| own);
        let own_password = own.split_once(':').map_or("", |(_, password)| password);
        trials.push(redis(&format!("redis://{place}"), &["PING"], Expected::RefusedByServer));
        for user in self.rules.iter().filter(|user| user.name != self.context()) {
            let name = user.name.as_str();
            for guess in ["", "wrong", name, &format!("{name}{PUBLIC}"), own_password] {
                let url = format!("redis://{name}:{guess}@{place}");
                trials.push(redis(&url, &["GET", &key_of(name, "h:sentinel")], Expected::RefusedByServer));
                // On a connection of its own, which a guess that succeeds would spoil for the others.
                let apart = format!("{login}/7");
                trials.push(redis(&apart, &["AUTH", name, guess], Expected::RefusedByServer));
            }
        }
    }
}
