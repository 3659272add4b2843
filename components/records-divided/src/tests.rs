//! Divided data answers as undivided data does; what would be true in two places is refused.

use super::*;
use ambient::{SystemClock, SystemRandom};
use bytes::Bytes;
use ids::{NotificationId, UserId};
use proptest::prelude::*;
use records::{Answer, Content, Fingerprint, Meta, Once, OnceStep, Posting, TimerStep};
use records_memory::MemoryRecords;
use std::collections::BTreeSet;

const GATHERED: &[&str] = &["about"];

fn memory() -> Arc<dyn Records> {
    Arc::new(MemoryRecords::new("things", Arc::new(SystemClock), Arc::new(SystemRandom)))
}

fn divided(count: u8) -> (Partitions, DividedRecords) {
    let partitions = Partitions::new(count).unwrap();
    (partitions, DividedRecords::new(partitions, partitions.all().map(|_| memory()).collect(), GATHERED).unwrap())
}

fn person(partitions: Partitions, number: u8) -> UserId {
    let uuid = UserId::derived(0, &[b"person", &[number]]).uuid();
    UserId::new(partitions.of_new(uuid), uuid)
}

fn index(name: String) -> IndexName {
    IndexName::new(name).unwrap()
}

fn account(name: String) -> AccountKey {
    AccountKey::new(name).unwrap()
}

/// A thing that belongs to somebody and is about somebody else.
#[derive(Debug, Clone)]
struct Thing {
    owner: u8,
    about: u8,
    number: u8,
    sort: u8,
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let thing = (0..6u8, 0..6u8, 0..40u8, 0..8u8);
    proptest::collection::vec(
        thing.prop_map(|(owner, about, number, sort)| Thing { owner, about, number, sort }),
        1..40,
    )
}

fn meta() -> Meta {
    Meta { at: Timestamp::from_unix_ms(1_767_225_600_000), trace: "0".repeat(32), cause: None, actor: None }
}

fn change(partitions: Partitions, thing: &Thing) -> Change {
    let owner = person(partitions, thing.owner);
    let id = NotificationId::derived(owner.partition(), &[&[thing.owner, thing.number]]);
    let sort = format!("{:03}", thing.sort);
    let put = |name: String| IndexStep::Put { index: index(name), sort: sort.clone(), summary: format!("{thing:?}") };
    let leg = |name: String, posted_minor| Posting {
        account: account(name),
        currency: "EUR".into(),
        posted_minor,
        held_minor: 0,
        floor_minor: None,
    };
    Change::new(RecordKey::new(format!("thing:{id}")).unwrap(), None, Content::Body(Bytes::from_static(b"{}")), meta())
        .with_index(put(format!("things-of:{owner}")))
        .with_index(put(format!("about:{}", person(partitions, thing.about))))
        .with_index(put("things".to_owned()))
        .with_postings([leg(format!("paid:{owner}"), 5), leg("paid-by-all".to_owned(), -5)])
        .with_timer(TimerStep::Set { name: "look", due: meta().at })
}

/// A thing without the partition in its id: what undivided data and divided data have in common.
fn plain(entry: &IndexEntry) -> (String, String) {
    (entry.sort.clone(), entry.summary.clone())
}

async fn walk(records: &dyn Records, name: &IndexName, limit: u32) -> Vec<IndexEntry> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = records.list(name, after.as_ref(), limit).await.unwrap();
        assert!(page.entries.len() <= limit as usize);
        all.extend(page.entries);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

async fn answers_alike(count: u8, things: Vec<Thing>, limit: u32) {
    let (one, whole) = divided(1);
    let (many, parts) = divided(count);
    for thing in &things {
        let outcomes = [whole.commit(change(one, thing)).await, parts.commit(change(many, thing)).await];
        let done = outcomes.map(|outcome| matches!(outcome.unwrap(), Outcome::Committed(_)));
        assert_eq!(done[0], done[1], "{thing:?}");
    }
    let names = [one, many].map(|partitions| {
        let of = |word: &'static str| (0..6).map(move |number| index(format!("{word}:{}", person(partitions, number))));
        of("things-of").chain(of("about")).chain([index("things".to_owned())]).collect::<Vec<_>>()
    });
    for (name, there) in names[0].iter().zip(&names[1]) {
        let found = [walk(&whole, name, limit).await, walk(&parts, there, limit).await];
        // Entries of one place are in the order of their ids, which differ by partition.
        let [a, b] = found.each_ref().map(|found| found.iter().map(plain).collect::<Vec<_>>());
        let sorts = |list: &[(String, String)]| list.iter().map(|(sort, _)| sort.clone()).collect::<Vec<_>>();
        assert_eq!(sorts(&a), sorts(&b), "{name}");
        assert_eq!(a.iter().collect::<BTreeSet<_>>(), b.iter().collect::<BTreeSet<_>>(), "{name}");
        assert_eq!(found[1].len(), b.iter().collect::<BTreeSet<_>>().len(), "{name}: nothing is told twice");
        let places: Vec<String> = (0..8).map(|sort| format!("{sort:03}")).collect();
        let at = [whole.entries_at(name, &places).await.unwrap(), parts.entries_at(there, &places).await.unwrap()];
        let lengths = at.map(|places| places.iter().map(Vec::len).collect::<Vec<_>>());
        assert_eq!(lengths[0], lengths[1], "{name}");
    }
    let accounts = [one, many].map(|partitions| {
        let of = (0..6).map(|number| account(format!("paid:{}", person(partitions, number))));
        of.chain([account("paid-by-all".to_owned())]).collect::<Vec<_>>()
    });
    for first in [usize::MAX, 1] {
        let names = names.each_ref().map(|names| &names[..first.min(names.len())]);
        assert_eq!(whole.counts(names[0]).await, parts.counts(names[1]).await);
        let accounts = accounts.each_ref().map(|accounts| &accounts[..first.min(accounts.len())]);
        assert_eq!(whole.balances(accounts[0]).await, parts.balances(accounts[1]).await);
    }
    assert_eq!(whole.trial_balance().await, parts.trial_balance().await);

    // Every timer is claimed once, never more at a time than were asked for.
    let mut claimed = BTreeSet::new();
    loop {
        let due = parts.claim_timers(limit, Duration::from_secs(600)).await.unwrap();
        assert!(due.len() <= limit as usize);
        if due.is_empty() {
            break;
        }
        for timer in due {
            parts.finish_timer(&timer).await.unwrap();
            assert!(claimed.insert(timer.key));
        }
    }
    assert_eq!(claimed.len() as u64, parts.count(&index("things".to_owned())).await.unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn divided_data_answers_as_undivided_data_does(things in things(), count in 2..7u8, limit in 1..9u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(answers_alike(count, things, limit));
    }
}

/// Two people whose things lie in different partitions.
fn strangers(partitions: Partitions) -> (UserId, UserId) {
    let ada = person(partitions, 0);
    let other = (1..).map(|number| person(partitions, number)).find(|other| other.partition() != ada.partition());
    (ada, other.unwrap())
}

fn settings(user_id: UserId) -> Change {
    let key = RecordKey::new(format!("settings:{user_id}")).unwrap();
    Change::new(key, None, Content::Body(Bytes::from_static(b"{}")), meta())
}

#[tokio::test]
async fn what_would_be_true_in_two_partitions_is_refused_and_changes_nothing() {
    let (partitions, records) = divided(4);
    let (ada, bo) = strangers(partitions);
    let put = IndexStep::Put { index: index(format!("inbox:{bo}")), sort: "1".into(), summary: String::new() };
    let leg = |name: String, posted_minor| Posting {
        account: account(name),
        currency: "EUR".into(),
        posted_minor,
        held_minor: 0,
        floor_minor: None,
    };
    let once = |who: UserId| Once {
        key: OnceKey { kind: "request", who: who.to_string(), key: "k".into() },
        fingerprint: Fingerprint([0; 32]),
        step: OnceStep::Finish { attempt: None, answer: Answer { status: 200, body: String::new() } },
    };
    let legs = [leg(format!("paid:{bo}"), 1), leg("paid-by-all".into(), -1)];
    for wrong in [settings(ada).with_index(put), settings(ada).with_postings(legs), settings(ada).with_once(once(bo))] {
        let refused = records.commit(wrong).await;
        assert!(matches!(refused, Err(RecordsError::Invalid(_))), "{refused:?}");
    }
    assert_eq!(records.load(&settings(ada).key).await, Ok(None));
    assert!(matches!(records.commit(settings(ada).with_once(once(ada))).await, Ok(Outcome::Committed(_))));
    assert!(records.once(&once(ada).key).await.unwrap().is_some(), "it is looked for where it was written");
}

#[tokio::test]
async fn under_a_name_of_no_partition_there_is_nothing_and_nothing_is_written() {
    let (_, records) = divided(4);
    let stray = RecordKey::new(format!("message:{}", NotificationId::derived(7, &[b"x"]))).unwrap();
    assert_eq!(records.load(&stray).await, Ok(None), "a caller who makes up an id finds nothing, and no fault");
    let written = records.commit(Change { key: stray.clone(), ..settings(UserId::derived(0, &[b"x"])) }).await;
    assert!(matches!(written, Err(RecordsError::Invalid(_))), "{written:?}");
    let strays = index(format!("inbox:{}", UserId::derived(7, &[b"x"])));
    assert_eq!((records.list(&strays, None, 5).await, records.count(&strays).await), (Ok(Page::default()), Ok(0)));
}

#[test]
fn a_part_for_each_partition_or_none_at_all() {
    let made = DividedRecords::new(Partitions::new(2).unwrap(), vec![memory()], GATHERED);
    assert!(matches!(made, Err(RecordsError::Layout(_))));
}

#[tokio::test]
async fn timers_of_one_partition_do_not_wait_behind_those_of_another_for_ever() {
    let (partitions, records) = divided(2);
    let (ada, bo) = strangers(partitions);
    let timer = TimerStep::Set { name: "look", due: meta().at };
    for user_id in [ada, bo] {
        assert!(matches!(records.commit(settings(user_id).with_timer(timer.clone())).await, Ok(Outcome::Committed(_))));
    }
    // What is claimed and never finished comes back at once here: the first would be claimed for ever.
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let due = records.claim_timers(1, Duration::ZERO).await.unwrap();
        seen.extend(due.into_iter().map(|timer| timer.key));
    }
    assert_eq!(seen.len(), 2);
}
