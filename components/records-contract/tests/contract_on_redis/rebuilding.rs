//! Any history, lost and rebuilt: what Redis holds afterwards is what it held before.

use crate::history::{House, instance};
use crate::native::NativeRedis;
use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;
use events::{EntryId, Span};
use key_value::KeyValue;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use records::{
    AccountKey, Answer, Change, Content, Finding, Fingerprint, IndexName, IndexStep, Journal, Meta, Once, OnceKey,
    OnceStep, Outcome, Posting, RecordKey, Records, TimerStep, TrailEntry, Version,
};
use records_redis::{Mode, Phase, Report, Retention};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a rebuild makes anew and that can be compared: sorted lines of key, member and value.
const PICTURE: &str = "local all = {} local tag = '{contract/0}:' \
    for _, key in ipairs(redis.call('KEYS', tag .. '*')) do local name = string.sub(key, #tag + 1) \
    local kind = string.match(name, '^[^:]+') \
    if kind == 'h' or kind == 'o' then all[#all + 1] = name .. ' = ' .. redis.call('GET', key) \
    elseif kind == 'i' or kind == 'accounts' then \
    for _, m in ipairs(redis.call('ZRANGE', key, 0, -1)) do all[#all + 1] = name .. ' has ' .. m end \
    elseif kind == 's' or kind == 'b' or kind == 'trial' then local h = redis.call('HGETALL', key) \
    for p = 1, #h, 2 do all[#all + 1] = name .. '.' .. h[p] .. ' = ' .. h[p + 1] end \
    elseif kind == 'timers' then local z = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') \
    for p = 1, #z, 2 do all[#all + 1] = name .. '.' .. z[p] .. ' = ' .. z[p + 1] end end end \
    table.sort(all) return table.concat(all, '\\n')";
/// Makes the garbage older by eight days.
pub const AGE: &str = "for _, body in ipairs(redis.call('ZRANGE', '{contract/0}:garbage', 0, -1)) do \
    redis.call('ZINCRBY', '{contract/0}:garbage', -691200000, body) end return 'OK'";
pub const ASIDE: &str = "local tag = '{contract/0}:' for _, key in ipairs(redis.call('KEYS', tag .. '*')) do \
    local rest = string.sub(key, #tag + 1) local kind = string.match(rest, '^[^:]+') \
    if kind ~= 'rebuild' and kind ~= 'events' and kind ~= 'groups' and kind ~= 'frozen' then \
    redis.call('RENAME', key, tag .. 'rebuild:old:' .. rest) end end return 'OK'";
const SAVE: &str = "redis.call('DEL', 'saved') for _, key in ipairs(redis.call('KEYS', '{contract/0}:*')) do \
    redis.call('HSET', 'saved', key, redis.call('DUMP', key)) end return 'OK'";
const FALL_BACK: &str = "for _, key in ipairs(redis.call('KEYS', '{contract/0}:*')) do redis.call('DEL', key) end \
    local rows = redis.call('HGETALL', 'saved') for i = 1, #rows, 2 do redis.call('RESTORE', rows[i], 0, rows[i + 1]) end \
    return 'OK'";

/// A connection on which no commit arrives.
struct Dead(Arc<NativeRedis>);

#[async_trait]
impl Redis for Dead {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        if command.starts_with("EVAL") {
            return Err(RedisError::Unavailable("the writer died".into()));
        }
        self.0.execute(command, arguments, repeat).await
    }
}

#[derive(Debug, Clone)]
enum Step {
    Commit {
        record: u8,
        index: Vec<(u8, bool)>,
        timer: Option<bool>,
        amount: Option<i16>,
        events: u8,
        once: bool,
        keep: bool,
        note: bool,
    },
    Lose(u8),
    /// A writer dies, and two others go on.
    Die(u8),
    Erase(u8),
    Clean,
    Seal,
    Archive,
    Save,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let commit = (
        0..4u8,
        prop::collection::vec((0..4u8, any::<bool>()), 0..3),
        prop::option::of(any::<bool>()),
        prop::option::of(any::<i16>()),
        0..3u8,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(record, index, timer, amount, events, once, keep, note)| Step::Commit {
            record,
            index,
            timer,
            amount,
            events,
            once,
            keep,
            note,
        });
    let step = prop_oneof![
        10 => commit,
        1 => (0..4u8).prop_map(Step::Lose),
        1 => (0..4u8).prop_map(Step::Die),
        1 => (0..4u8).prop_map(Step::Erase),
        2 => Just(Step::Clean),
        1 => Just(Step::Seal),
        1 => Just(Step::Archive),
        1 => Just(Step::Save),
    ];
    prop::collection::vec(step, 1..40)
}

/// A house with a history, and the versions that its records have.
struct Played {
    house: House,
    versions: BTreeMap<u8, Version>,
    /// Erased records are left alone.
    erased: Vec<u8>,
    /// Records with answers are not erased here: those go with them, before their time.
    answering: Vec<u8>,
    serial: u64,
    saved: bool,
}

fn meta() -> Meta {
    Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None }
}

impl Played {
    fn new() -> Self {
        Self {
            house: House::new(),
            versions: BTreeMap::new(),
            erased: Vec::new(),
            answering: Vec::new(),
            serial: 0,
            saved: false,
        }
    }

    fn change(&mut self, record: u8) -> Change {
        self.serial += 1;
        let body = format!("{{\"serial\":{}}}", self.serial);
        let key = RecordKey::new(format!("thing:{record}")).unwrap();
        Change::new(key, self.versions.get(&record).copied(), Content::Body(body.into()), meta())
    }

    async fn commit(&mut self, record: u8, change: Change) {
        match self.house.records.commit(change).await.unwrap() {
            Outcome::Committed(committed) => self.versions.insert(record, committed.version),
            other => panic!("not committed: {other:?}"),
        };
    }

    async fn play(&mut self, step: Step) {
        match step {
            Step::Commit { record, .. } | Step::Lose(record) | Step::Die(record) | Step::Erase(record)
                if self.erased.contains(&record) => {}
            Step::Commit { record, index, timer, amount, events, once, keep, note } => {
                let mut change = self.change(record);
                for (place, put) in index {
                    let (index, sort) = (IndexName::new(format!("i{}", place % 2)).unwrap(), place.to_string());
                    change = change.with_index(if put {
                        IndexStep::Put { index, sort, summary: format!("s{}", self.serial) }
                    } else {
                        IndexStep::Remove { index, sort }
                    });
                }
                if let Some(set) = timer {
                    let due = Timestamp::from_unix_ms(1_900_000_000_000 + i64::try_from(self.serial).unwrap());
                    change = change.with_timer(if set {
                        TimerStep::Set { name: "t", due }
                    } else {
                        TimerStep::Clear { name: "t" }
                    });
                }
                if let Some(amount) = amount {
                    let leg = |account: &str, posted_minor| Posting {
                        account: AccountKey::new(account).unwrap(),
                        currency: "EUR".into(),
                        posted_minor,
                        held_minor: posted_minor / 2,
                        floor_minor: None,
                    };
                    // What posts is kept, as the books of payments are.
                    change = change.with_postings([leg("a", i64::from(amount)), leg("b", -i64::from(amount))]);
                }
                for number in 0..events {
                    change = change.with_event(events::NewEvent {
                        kind: "contract.thing.happened.v1",
                        subject: format!("e{}_{number}", self.serial),
                        data: serde_json::json!({}),
                        personal: None,
                    });
                }
                if once {
                    self.answering.push(record);
                    let key = OnceKey { kind: "request", who: "u".into(), key: self.serial.to_string() };
                    let answer = Answer { status: 200, body: "{}".into() };
                    let step = OnceStep::Finish { attempt: None, answer };
                    change = change.with_once(Once { key, fingerprint: Fingerprint([1; 32]), step });
                }
                if note {
                    change = change.with_trail(TrailEntry {
                        account: AccountKey::new("u").unwrap(),
                        text: format!("{{\"n\":{}}}", self.serial),
                        personal: None,
                    });
                }
                if keep || amount.is_some() {
                    change = change.keeping_previous();
                }
                self.commit(record, change).await;
            }
            Step::Lose(record) => {
                // Always in vain: the record has no such version.
                let mut change = self.change(record);
                change.expected = Some(Version { epoch: 1, number: 900 });
                assert!(matches!(self.house.records.commit(change).await, Ok(Outcome::Conflict { .. })));
            }
            Step::Die(record) => {
                let dead = instance(Arc::new(Dead(self.house.redis.clone())), self.house.bodies.clone());
                assert!(dead.commit(self.change(record)).await.is_err());
                for _ in 0..2 {
                    let change = self.change(record);
                    self.commit(record, change).await;
                }
            }
            Step::Erase(record) => {
                if !self.versions.contains_key(&record) || self.answering.contains(&record) {
                    return;
                }
                let mut change = self.change(record);
                change.content = Content::Tombstone;
                for place in 0..4 {
                    let (index, sort) = (IndexName::new(format!("i{}", place % 2)).unwrap(), place.to_string());
                    change = change.with_index(IndexStep::Remove { index, sort });
                }
                self.commit(record, change).await;
                let key = RecordKey::new(format!("thing:{record}")).unwrap();
                self.house.records.forget_history(&key).await.unwrap();
                self.erased.push(record);
            }
            Step::Clean => {
                // A day is long enough for archive and sealer.
                Box::pin(self.play(Step::Archive)).await;
                Box::pin(self.play(Step::Seal)).await;
                self.house.call("EVAL", &[AGE, "0"]).await;
                while self.house.records.sweep().await.unwrap() > 0 {}
            }
            Step::Seal => {
                self.house.call("DEL", &["{contract/0}:sealer"]).await;
                let hurried =
                    instance(self.house.redis.clone(), self.house.bodies.clone()).sealing_after(Duration::ZERO);
                while hurried.seal().await.unwrap().more {}
            }
            Step::Archive => {
                let retention = Retention { archived_after: Duration::ZERO, page_entries: 3, ..Retention::default() };
                while self.house.records.archive_step(&retention).await.unwrap().more {}
            }
            Step::Save => {
                self.house.records.maintain(self.house_now()).await.ok();
                self.house.call("EVAL", &[SAVE, "0"]).await;
                self.saved = true;
            }
        }
    }

    fn house_now(&self) -> Timestamp {
        ambient::Clock::now(&ambient::SystemClock)
    }

    async fn picture(&self) -> Vec<String> {
        match self.house.call("EVAL", &[PICTURE, "0"]).await.as_slice() {
            [Reply::Bytes(bytes)] => {
                let text = String::from_utf8(bytes.clone()).unwrap();
                // How many rows of an account are in pages may change: a page that ran ahead is written anew.
                text.lines().filter(|line| !line.contains(".paged = ")).map(str::to_owned).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Ids of all that was told, pages and stream alike, sorted.
    async fn told(&self) -> Vec<String> {
        let fresh = instance(self.house.redis.clone(), self.house.bodies.clone());
        let (mut after, mut ids) = (EntryId::START, Vec::new());
        loop {
            let told = fresh.told_events(Span::After(after), 7).await.unwrap();
            assert!(!told.has_gap);
            let Some(last) = told.entries.last() else { break };
            after = last.id;
            ids.extend(told.entries.iter().map(|entry| {
                serde_json::from_slice::<serde_json::Value>(&entry.payload).unwrap()["id"].as_str().unwrap().to_owned()
            }));
        }
        ids.sort();
        ids
    }

    /// Each account's rows by number: amounts and balances, wherever the rows lie.
    async fn rows(&self) -> Vec<String> {
        let fresh = instance(self.house.redis.clone(), self.house.bodies.clone());
        assert_eq!(fresh.verify(None, 100).await.unwrap().finding, Finding::Intact);
        let mut rows: Vec<_> = Vec::new();
        loop {
            let page = fresh.rows(rows.len() as u64, 100).await.unwrap();
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        let mut lines: Vec<_> =
            rows.iter().map(|row| format!("{} {} {}", row.account, row.posted_minor, row.body)).collect();
        lines.sort();
        lines
    }

    async fn rebuild(&self) -> Report {
        self.house.call("EVAL", &[ASIDE, "0"]).await;
        let fresh = instance(self.house.redis.clone(), self.house.bodies.clone());
        let report = fresh.rebuild_now("real", Mode::Real).await.unwrap();
        assert_eq!((report.phase, &report.failed), (Phase::Done, &None));
        report
    }
}

async fn what_was_lost_comes_back(steps: Vec<Step>, falls_back: bool) {
    let mut played = Played::new();
    for step in steps {
        played.play(step).await;
    }
    if played.versions.is_empty() {
        return;
    }
    played.house.records.maintain(played.house_now()).await.unwrap();
    let before = (played.picture().await, played.told().await, played.rows().await);
    if falls_back && played.saved {
        played.house.call("EVAL", &[FALL_BACK, "0"]).await;
    } else {
        played.house.call("FLUSHALL", &[]).await;
    }
    let report = played.rebuild().await;
    assert_eq!(report.problems, Vec::<String>::new());
    let after = (played.picture().await, played.told().await, played.rows().await);
    assert_eq!(after.0, before.0, "what Redis holds");
    assert_eq!(after.1, before.1, "what was told");
    assert_eq!(after.2, before.2, "what was posted");
    // And it goes on, under the next epoch.
    let fresh = instance(played.house.redis.clone(), played.house.bodies.clone());
    let change = played.change(9);
    match fresh.commit(change).await.unwrap() {
        Outcome::Committed(committed) => assert_eq!(committed.version.epoch, report.next_epoch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_history_comes_back_as_it_was() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })
        .run(&(steps(), any::<bool>()), |(steps, falls_back)| {
            runtime.block_on(what_was_lost_comes_back(steps, falls_back));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn an_answer_in_a_history_with_gaps_comes_back() {
    let commit = |once, keep, amount| Step::Commit {
        record: 1,
        index: vec![],
        timer: None,
        amount,
        events: 0,
        once,
        keep,
        note: false,
    };
    let steps = vec![
        commit(true, false, None),
        commit(false, true, None),
        commit(false, false, None),
        commit(false, false, Some(0)),
        commit(false, false, None),
        Step::Clean,
    ];
    what_was_lost_comes_back(steps, false).await;
}

#[tokio::test]
async fn a_rebuild_that_dies_between_any_two_calls_is_done_by_the_next() {
    let mut cut = 0;
    loop {
        let mut played = Played::new();
        for serial in 0..3 {
            let commit = |amount| Step::Commit {
                record: serial % 2,
                index: vec![(serial, true)],
                timer: Some(true),
                amount: Some(amount),
                events: 1,
                once: true,
                keep: true,
                note: true,
            };
            played.play(commit(5)).await;
        }
        played.play(Step::Seal).await;
        played.play(Step::Archive).await;
        played.house.records.maintain(played.house_now()).await.unwrap();
        let before = (played.picture().await, played.told().await, played.rows().await);
        played.house.call("FLUSHALL", &[]).await;
        let (redis, bodies) = crate::sealing::failing(played.house.redis.clone(), played.house.bodies.clone(), cut);
        let died = instance(redis, bodies).rebuild_now("real", Mode::Real).await;
        // The lease of the dead worker ends by itself.
        played.house.call("DEL", &["{contract/0}:rebuild:lease"]).await;
        let report =
            instance(played.house.redis.clone(), played.house.bodies.clone()).rebuild_now("real", Mode::Real).await;
        assert_eq!(report.unwrap().failed, None, "cut after {cut} calls");
        let after = (played.picture().await, played.told().await, played.rows().await);
        assert_eq!(after, before, "cut after {cut} calls");
        if died.is_ok() {
            break;
        }
        cut += 7;
    }
    assert!(cut > 60, "a rebuild has {cut} calls only");
}

#[tokio::test]
async fn a_lost_mark_is_deleted_with_its_body() {
    let mut played = Played::new();
    played
        .play(Step::Commit {
            record: 0,
            index: vec![],
            timer: None,
            amount: None,
            events: 0,
            once: false,
            keep: false,
            note: false,
        })
        .await;
    played.play(Step::Lose(0)).await;
    let marks = |keys: Vec<String>| keys.iter().filter(|key| key.ends_with(".lost")).count();
    assert_eq!(marks(played.house.bodies.keys().await.unwrap()), 1);
    played.play(Step::Clean).await;
    assert_eq!(marks(played.house.bodies.keys().await.unwrap()), 0);
    assert_eq!(played.house.bodies.keys().await.unwrap().len(), 2, "the body and the mark of commits");
}
