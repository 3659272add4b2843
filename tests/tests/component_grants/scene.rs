//! One system full of probers: Redis with its rules and things worth stealing, the manifest's grants in a host.

use crate::attack::{Attacker, PRIVATE, Trial, body_of, key_of, secret_of};
use crate::attempt::{Attempt, Outcome};
use crate::house::{Files, House, with_probers};
use crate::rules::User;
use anyhow::{Context as _, Result, ensure};
use redis::Commands as _;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{RedisServer, free_port};
use tests::{Application, Plan, guest};

/// Everything stops when it is dropped.
pub struct Scene {
    host: Application,
    house: House,
    rules: Vec<User>,
    canary: Canary,
    entry: SocketAddr,
    redis: RedisServer,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Starts a system on the committed files, after `plant` has changed them.
    pub fn start(plant: impl FnOnce(&mut Files) -> Result<()>) -> Result<Self> {
        let mut files = Files::committed()?;
        plant(&mut files)?;
        let folder = tempfile::tempdir()?;
        let rules = folder.path().join("users.acl");
        std::fs::write(&rules, &files.rules)?;
        let redis = RedisServer::start_with(&["--aclfile", rules.to_str().context("a path that is no text")?])?;
        let port = free_port()?;
        files.fit(redis.port(), port);
        let host = Application::start(&Plan {
            port,
            manifest: &with_probers(&files.manifest, &guest("prober")?)?,
            runtime_config: &files.runtime_config,
            variables: &[],
            compiled: Path::new(env!("CARGO_TARGET_TMPDIR")),
        })?;
        let house = House::read(&files)?;
        let entry = (Ipv4Addr::LOCALHOST, port).into();
        let rules = User::read_all(&files.rules)?;
        Ok(Self { host, house, rules, canary: Canary::start()?, entry, redis, _folder: folder })
    }

    /// The manifest's components.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.house.components.keys().map(String::as_str)
    }

    /// Lets a component try everything, and tells what came of it that must not.
    pub fn complaints_about(&self, id: &str) -> Result<Vec<String>> {
        self.plant_secrets()?;
        let attacker =
            Attacker { house: &self.house, rules: &self.rules, id, canary: self.canary.address, entry: self.entry };
        let variables = attacker.on_variables()?;
        let outcomes = self.try_all(id, &variables)?;
        let mut complaints = complaints(&variables, &outcomes);
        let found = found(&variables, outcomes);
        for trials in
            [attacker.on_stores()?, attacker.on_redis(&found)?, attacker.on_hosts(&found)?, attacker.on_the_system()]
        {
            ensure!(!trials.is_empty(), "nothing was tried");
            complaints.extend(self::complaints(&trials, &self.try_all(id, &trials)?));
        }
        complaints.extend(self.missing_secrets(id)?);
        let visits = self.canary.visits.swap(0, Ordering::Relaxed);
        complaints.extend((visits > 0).then(|| format!("the listener that nobody is granted had {visits} visits")));
        Ok(complaints)
    }

    /// Asks the prober in the place of a component. One that dies of an attempt is asked for each alone.
    fn try_all(&self, id: &str, trials: &[Trial]) -> Result<Vec<Outcome>> {
        let ask = |attempts: &[&Attempt]| -> Result<(u16, String)> {
            self.host.post(&format!("/{id}"), &serde_json::to_string(attempts)?)
        };
        let attempts: Vec<_> = trials.iter().map(|trial| &trial.attempt).collect();
        let (status, body) = ask(&attempts)?;
        if status == 200 {
            return Ok(serde_json::from_str(&body)?);
        }
        let mut outcomes = Vec::new();
        for attempt in attempts {
            let (status, body) = ask(&[attempt])?;
            match status {
                200 => outcomes.extend(serde_json::from_str::<Vec<Outcome>>(&body)?),
                _ => outcomes.push(Outcome::Failed(format!("the instance died: {status} {body}"))),
            }
        }
        Ok(outcomes)
    }

    /// The names of contexts: they have a user in Redis.
    fn contexts(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(|user| user.is_of_a_context()).map(|user| user.name.as_str())
    }

    /// A connection that may do everything.
    fn operator(&self, number: u16) -> Result<redis::Connection> {
        let operator = self.rules.iter().find(|user| user.name == "operator").context("no operator")?;
        let password = operator.password.as_deref().unwrap_or_default();
        let url = format!("redis://operator:{password}@127.0.0.1:{}/{number}", self.redis.port());
        Ok(redis::Client::open(url)?.get_connection()?)
    }

    fn plant_secrets(&self) -> Result<()> {
        let mut operator = self.operator(0)?;
        // Whatever the last attacker left.
        redis::cmd("FLUSHALL").query::<()>(&mut operator)?;
        for context in self.contexts() {
            for kind in PRIVATE {
                operator.set::<_, _, ()>(key_of(context, kind), secret_of(context))?;
            }
            for stream in ["events", "dead"] {
                let mut add = redis::cmd("XADD");
                add.arg(key_of(context, stream)).arg("1-1").arg("e").arg(secret_of(context));
                add.query::<()>(&mut operator)?;
            }
            operator.hset::<_, _, _, ()>(key_of(context, "trial"), "EUR", 0)?;
            operator.hset::<_, _, _, ()>(format!("{{{context}/metrics}}:http"), "n", 1)?;
        }
        for number in self.house.labels.values() {
            let mut operator = self.operator(*number)?;
            for owner in self.house.labels.keys() {
                operator.set::<_, _, ()>(body_of(owner), secret_of(owner))?;
            }
            for context in self.contexts() {
                operator.set::<_, _, ()>(key_of(context, "h:sentinel"), secret_of(context))?;
            }
        }
        Ok(())
    }

    /// What others kept and is not as it was, whatever the answers said.
    fn missing_secrets(&self, id: &str) -> Result<Vec<String>> {
        let own = id.split('-').next().unwrap_or(id);
        let mut operator = self.operator(0)?;
        let mut changed = Vec::new();
        for context in self.contexts().filter(|context| *context != own) {
            for key in PRIVATE.map(|kind| key_of(context, kind)) {
                // Of another kind is not as it was either.
                let kept: Option<String> = operator.get(&key).ok().flatten();
                changed.extend((kept != Some(secret_of(context))).then_some(key));
            }
            for key in ["events", "dead"].map(|stream| key_of(context, stream)) {
                let length: Option<usize> = redis::cmd("XLEN").arg(&key).query(&mut operator).ok();
                changed.extend((length != Some(1)).then_some(key));
            }
        }
        for (label, number) in self.house.labels.iter().filter(|(label, _)| *label != own) {
            for owner in self.house.labels.keys() {
                let kept: Option<String> = self.operator(*number)?.get(body_of(owner))?;
                changed
                    .extend((kept != Some(secret_of(owner))).then(|| format!("{owner}'s body in the store {label}")));
            }
        }
        Ok(changed.into_iter().map(|key| format!("{key} is not as it was")).collect())
    }
}

fn complaints(trials: &[Trial], outcomes: &[Outcome]) -> Vec<String> {
    let mut complaints: Vec<_> =
        trials.iter().zip(outcomes).filter_map(|(trial, outcome)| trial.complaint(outcome)).collect();
    if trials.len() != outcomes.len() {
        complaints.push(format!("{} attempts have {} outcomes", trials.len(), outcomes.len()));
    }
    complaints
}

/// The variables that the component can read, with what they hold.
fn found(trials: &[Trial], outcomes: Vec<Outcome>) -> BTreeMap<String, String> {
    let pairs = trials.iter().zip(outcomes).filter_map(|(trial, outcome)| match (&trial.attempt, outcome) {
        (Attempt::Variable(name), Outcome::Done(value)) => Some((name.clone(), value)),
        _ => None,
    });
    pairs.collect()
}

/// A listener that counts who comes.
struct Canary {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Canary {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, visits) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&visits);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                counted.fetch_add(1, Ordering::Relaxed);
                drop(visitor);
            }
        });
        Ok(Self { address, visits })
    }
}
