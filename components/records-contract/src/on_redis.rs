//! The fixture over Redis and a key-value store: the adapter between two wrapped ports, and the faults of a network
//! and of a server, injected where the committing script passes.

use crate::{Failure, Fault, Fixture, Moment};
use ambient::{Clock, Random, Sleep, SystemClock, SystemRandom, Timestamp};
use async_trait::async_trait;
use core::time::Duration;
use events::Envelope;
use key_value::{KeyValue, KeyValueError};
use records::{Change, Journal, Notes, Outcome, Records, Trail};
use records_redis::{Mode, RecordsConfig, RedisRecords, RedisTrail, Report};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The context of the suite.
const CONTEXT: &str = "contract";

/// Remembers every key of the suite, with its time to live, under a name outside of it.
const SAVE: &str = "redis.call('DEL', 'saved') \
    for _, key in ipairs(redis.call('KEYS', '{contract/0}:*')) do \
    redis.call('HSET', 'saved', key, redis.call('PTTL', key) .. ' ' .. redis.call('DUMP', key)) end return 'OK'";
/// Drops every key of the suite.
const DROP: &str =
    "for _, key in ipairs(redis.call('KEYS', '{contract/0}:*')) do redis.call('DEL', key) end return 'OK'";
/// Puts back what was remembered.
const RESTORE: &str = "local rows = redis.call('HGETALL', 'saved') for i = 1, #rows, 2 do \
    local space = string.find(rows[i + 1], ' ', 1, true) \
    local ttl = math.max(0, tonumber(string.sub(rows[i + 1], 1, space - 1))) \
    redis.call('RESTORE', rows[i], ttl, string.sub(rows[i + 1], space + 1)) end return 'OK'";
/// Moves aside what a rebuild makes anew, as `cargo xtask rebuild` does.
const ASIDE: &str = "local tag = '{contract/0}:' for _, key in ipairs(redis.call('KEYS', tag .. '*')) do \
    local rest = string.sub(key, #tag + 1) local kind = string.match(rest, '^[^:]+') \
    if kind ~= 'rebuild' and kind ~= 'events' and kind ~= 'groups' and kind ~= 'rung' then \
    redis.call('RENAME', key, tag .. 'rebuild:old:' .. rest) end end return 'OK'";
/// Drops what was moved aside, and the shadow of a dry run.
const FORGET: &str = "for _, key in ipairs(redis.call('KEYS', '{contract/0}:rebuild:*')) do \
    redis.call('DEL', key) end return 'OK'";
/// Makes the garbage older by two days.
const AGE: &str = "for _, body in ipairs(redis.call('ZRANGE', '{contract/0}:garbage', 0, -1)) do \
    redis.call('ZINCRBY', '{contract/0}:garbage', -172800000, body) end return 'OK'";
/// The events, one after the other, each after its length.
const EVENTS: &str = "local all = {} for _, row in ipairs(redis.call('XRANGE', '{contract/0}:events', '-', '+')) do \
    all[#all + 1] = #row[2][2] .. ':' .. row[2][2] end return table.concat(all)";

/// What goes wrong, shared by all instances of the fixture.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<InForce>>);

#[derive(Default)]
struct InForce {
    fault: Option<Fault>,
    overtaking: Option<(Moment, Change)>,
}

impl Faults {
    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<Fault> {
        self.in_force().fault
    }

    fn set(&self, fault: Option<Fault>) {
        self.in_force().fault = fault;
    }

    /// What the other writer commits at this moment; once.
    fn overtaking(&self, moment: Moment) -> Option<Change> {
        let mut in_force = self.in_force();
        in_force.overtaking.take_if(|(when, _)| *when == moment).map(|(_, change)| change)
    }
}

/// A store of bodies that does not answer while the fault says so.
struct FaultyBodies {
    inner: Arc<dyn KeyValue>,
    faults: Faults,
}

#[async_trait]
impl KeyValue for FaultyBodies {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), KeyValueError> {
        if self.faults.get() == Some(Fault::CrashBeforeBody) {
            return Err(KeyValueError::Unavailable("the writer died before its body was written".into()));
        }
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.inner.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, KeyValueError> {
        self.inner.keys().await
    }
}

/// A connection that loses what the fault says.
struct FaultyRedis {
    inner: Arc<dyn Redis>,
    bodies: Arc<dyn KeyValue>,
    faults: Faults,
}

impl FaultyRedis {
    /// Commits what another writer wants at this moment, through an instance of its own.
    async fn let_another_commit(&self, moment: Moment) -> Result<bool, RedisError> {
        let Some(change) = self.faults.overtaking(moment) else { return Ok(false) };
        let (redis, bodies) = (Arc::clone(&self.inner), Arc::clone(&self.bodies));
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let another = RedisRecords::new(RecordsConfig::of(CONTEXT), redis, bodies, clock, random);
        match another.commit(change).await {
            Ok(Outcome::Committed(_)) => Ok(true),
            other => Err(RedisError::Refused(format!("the other writer did not commit: {other:?}"))),
        }
    }
}

/// Whether this is the committing script: the only one whose first key is a head.
fn is_commit(arguments: &[Argument]) -> bool {
    matches!(arguments.get(2), Some(Argument::Bytes(key)) if key.starts_with(b"{contract/0}:h:"))
}

#[async_trait]
impl Redis for FaultyRedis {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        if !command.starts_with("EVAL") || !is_commit(&arguments) {
            return self.inner.execute(command, arguments, repeat).await;
        }
        let fault = self.faults.get();
        if fault == Some(Fault::CrashBefore) {
            return Err(RedisError::Unavailable("the writer died before the script".into()));
        }
        self.let_another_commit(Moment::BeforeTheStep).await?;
        let answer = self.inner.execute(command, arguments, repeat).await?;
        let lost = match fault {
            Some(Fault::LoseOneAnswer) => {
                self.faults.set(None);
                true
            }
            Some(Fault::LoseAnswers) => true,
            _ => self.let_another_commit(Moment::BeforeTheAnswer).await?,
        };
        if lost { Err(RedisError::Unavailable("the answer was lost".into())) } else { Ok(answer) }
    }
}

/// The system's clock, set back while writers are said to sleep.
struct SleepyClock(Faults);

impl Clock for SleepyClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        match self.0.get() {
            Some(Fault::Pause(pause)) => {
                Timestamp::from_unix_ms(now.unix_ms() - i64::try_from(pause.as_millis()).unwrap_or(0))
            }
            _ => now,
        }
    }
}

/// The adapter under test, over a Redis and a store that belong to the suite alone.
pub struct OnRedis {
    redis: Arc<dyn Redis>,
    bodies: Arc<dyn KeyValue>,
    sleep: Arc<dyn Sleep>,
    faults: Faults,
    instance: Mutex<Arc<RedisRecords>>,
}

impl OnRedis {
    /// The adapter over these; the Redis user may do anything, and the store is emptied by each case.
    pub fn new(redis: Arc<dyn Redis>, bodies: Arc<dyn KeyValue>, sleep: Arc<dyn Sleep>) -> Self {
        let faults = Faults::default();
        let instance = Mutex::new(instance(&redis, &bodies, &sleep, &faults));
        Self { redis, bodies, sleep, faults, instance }
    }

    fn fresh(&self) -> Arc<RedisRecords> {
        instance(&self.redis, &self.bodies, &self.sleep, &self.faults)
    }

    fn instance(&self) -> MutexGuard<'_, Arc<RedisRecords>> {
        self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn eval(&self, script: &str) -> Result<Vec<Reply>, Failure> {
        Ok(self.redis.execute("EVAL", vec![script.into(), 0.into()], Repeat::Safe).await?)
    }
}

/// An instance that remembers nothing.
fn instance(
    redis: &Arc<dyn Redis>,
    bodies: &Arc<dyn KeyValue>,
    sleep: &Arc<dyn Sleep>,
    faults: &Faults,
) -> Arc<RedisRecords> {
    let redis = Arc::new(FaultyRedis { inner: Arc::clone(redis), bodies: Arc::clone(bodies), faults: faults.clone() });
    let bodies = Arc::new(FaultyBodies { inner: Arc::clone(bodies), faults: faults.clone() });
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
        (Arc::new(SleepyClock(faults.clone())), Arc::new(SystemRandom));
    let records = RedisRecords::new(RecordsConfig::of(CONTEXT), redis, bodies, clock, random);
    Arc::new(records.with_sleep(Arc::clone(sleep)))
}

#[async_trait]
impl Fixture for OnRedis {
    fn records(&self) -> Arc<dyn Records> {
        Arc::clone(&*self.instance()) as Arc<dyn Records>
    }

    fn another(&self) -> Arc<dyn Records> {
        self.fresh()
    }

    fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&*self.instance()) as Arc<dyn Journal>
    }

    fn notes(&self) -> Arc<dyn Notes> {
        Arc::clone(&*self.instance()) as Arc<dyn Notes>
    }

    fn trail(&self) -> Arc<dyn Trail> {
        Arc::new(RedisTrail::of(Arc::clone(&*self.instance())))
    }

    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn reset(&self) -> Result<(), Failure> {
        *self.faults.in_force() = InForce::default();
        self.eval(DROP).await?;
        // All names first: on SQLite nothing may be read inside the walk.
        for key in self.bodies.keys().await? {
            self.bodies.delete(&key).await?;
        }
        *self.instance() = self.fresh();
        Ok(())
    }

    fn inject(&self, fault: Option<Fault>) {
        self.faults.set(fault);
    }

    fn overtake(&self, moment: Moment, change: Change) {
        self.faults.in_force().overtaking = Some((moment, change));
    }

    async fn events(&self) -> Result<Vec<Envelope>, Failure> {
        let replies = self.eval(EVENTS).await?;
        let [Reply::Bytes(packed)] = replies.as_slice() else { return Err(Failure(format!("{replies:?}"))) };
        let unreadable = || Failure("the stream holds something else than envelopes".into());
        let mut rest = core::str::from_utf8(packed).map_err(|_| unreadable())?;
        let mut events = Vec::new();
        while let Some((length, tail)) = rest.split_once(':') {
            let length = length.parse().map_err(|_| unreadable())?;
            let (json, tail) = tail.split_at_checked(length).ok_or_else(unreadable)?;
            events.push(Envelope::from_json(json.as_bytes()).map_err(|error| Failure(error.to_string()))?);
            rest = tail;
        }
        Ok(events)
    }

    async fn bodies(&self) -> Result<Option<usize>, Failure> {
        let keys = self.bodies.keys().await?;
        Ok(Some(
            keys.iter()
                .filter(|key| {
                    let pages = ["mark", "journal", "trail", "archive", "standing", "rebuilt"];
                    !key.ends_with(".lost") && !pages.iter().any(|kind| key.starts_with(&format!("contract:{kind}.")))
                })
                .count(),
        ))
    }

    async fn pass(&self, duration: Duration) {
        self.sleep.sleep(duration).await;
    }

    async fn sweep(&self) -> Result<(), Failure> {
        self.fresh().sweep().await?;
        Ok(())
    }

    async fn rebuild(&self) -> Result<Vec<String>, Failure> {
        let instance = self.fresh();
        let dry = instance.rebuild_now("dry", Mode::Dry).await?;
        self.eval(FORGET).await?;
        self.eval(ASIDE).await?;
        let real = self.fresh().rebuild_now("real", Mode::Real).await?;
        self.eval(FORGET).await?;
        let counts = |report: &Report| {
            let Report { records, tombstones, states, refused, orphans, ties, index_entries, timers, .. } =
                report.clone();
            let again = (report.posted_again, report.told_again, report.noted_again);
            (records, tombstones, states, refused, orphans, ties, index_entries, timers, again)
        };
        ensure_eq!(counts(&dry), counts(&real), "what the dry run and the real one count");
        ensure_eq!((dry.failed, dry.problems), (real.failed.clone(), real.problems.clone()), "what they find wrong");
        if let Some(why) = real.failed {
            return Err(Failure(format!("the rebuild failed: {why}")));
        }
        *self.instance() = self.fresh();
        Ok(real.problems)
    }

    async fn age_garbage(&self) -> Result<(), Failure> {
        self.eval(AGE).await.map(drop)
    }

    async fn save(&self) -> Result<(), Failure> {
        self.eval(SAVE).await.map(drop)
    }

    async fn fall_back(&self) -> Result<(), Failure> {
        self.eval(DROP).await?;
        self.eval(RESTORE).await.map(drop)
    }

    async fn lose(&self) -> Result<(), Failure> {
        self.eval(DROP).await.map(drop)
    }
}
