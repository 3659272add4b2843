//! Streams over a log and records in memory: what a client sees, however often it comes and goes, and through whichever
//! instance.

use super::{Live, Streams, hub, public};
use crate::app::Mark;
use crate::fixtures::{House, NOW, ada, bob, captured, registered};
use ::http::{Method, Request, StatusCode};
use ambient::{Clock, CountedRandom, FixedClock, Sleep};
use async_trait::async_trait;
use axum::body::Body;
use core::task::Poll;
use core::time::Duration;
use events::{EntryId, Envelope, EventsError, Reach, StreamName, Tail, Told};
use futures::FutureExt;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use http_body_util::{BodyExt, BodyStream};
use ids::{SessionId, UserId};
use instance_tasks::{Rest, Ring, Tasks};
use principal::Principal;
use proptest::prelude::*;
use records::{Change, Content, IndexStep, Records};
use records_memory::MemoryRecords;
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use users_wire::{RevokeReason, SESSION_ENDED, SESSIONS_REVOKED, SessionSnapshot, SessionsRevoked};

/// The log of both contexts: the inbox's events as the records hold them, and the users' as the test says.
#[derive(Clone)]
struct MemoryTail {
    records: MemoryRecords,
    users: Arc<Mutex<Vec<Envelope>>>,
    /// How many of the oldest entries were trimmed.
    trimmed: Arc<Mutex<usize>>,
    is_gone: Arc<Mutex<bool>>,
}

fn entry(place: usize) -> EntryId {
    EntryId { unix_ms: 1000 + place as u64, place: 0 }
}

impl MemoryTail {
    fn told(&self, stream: &StreamName) -> Result<Vec<Told>, EventsError> {
        if *self.is_gone.lock().unwrap() {
            return Err(EventsError::Unavailable("on purpose".to_owned()));
        }
        let inbox = stream.context() == "notifications";
        let events = if inbox { self.records.events() } else { self.users.lock().unwrap().clone() };
        let told = events
            .iter()
            .enumerate()
            .map(|(place, event)| Told { entry: entry(place), payload: serde_json::to_vec(event).unwrap() });
        let trimmed = if inbox { *self.trimmed.lock().unwrap() } else { 0 };
        Ok(told.skip(trimmed).collect())
    }
}

#[async_trait]
impl Tail for MemoryTail {
    async fn reach(&self, stream: &StreamName) -> Result<Option<Reach>, EventsError> {
        let told = self.told(stream)?;
        Ok(told.first().zip(told.last()).map(|(oldest, newest)| Reach { oldest: oldest.entry, newest: newest.entry }))
    }

    async fn after(&self, stream: &StreamName, entry: EntryId, limit: u32) -> Result<Vec<Told>, EventsError> {
        let told = self.told(stream)?.into_iter().filter(|told| told.entry > entry);
        Ok(told.take(limit as usize).collect())
    }

    async fn wait_after(
        &self,
        stream: &StreamName,
        entry: EntryId,
        limit: u32,
        _within: Duration,
    ) -> Result<Vec<Told>, EventsError> {
        let mut waited = false;
        futures::future::poll_fn(|_| {
            let found = self.after(stream, entry, limit).now_or_never().unwrap();
            match found {
                Ok(found) if found.is_empty() && !core::mem::replace(&mut waited, true) => Poll::Pending,
                found => Poll::Ready(found),
            }
        })
        .await
    }
}

/// Pools of places, without the clock of Redis.
#[derive(Default)]
struct Pools(Mutex<BTreeMap<Vec<u8>, Vec<Vec<u8>>>>);

#[async_trait]
impl Redis for Pools {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        let mut pools = self.0.lock().unwrap();
        match (command, arguments.as_slice()) {
            ("EVAL", [_, _, Argument::Bytes(pool), Argument::Bytes(lease), Argument::Integer(places), ..]) => {
                let held = pools.entry(pool.clone()).or_default();
                let has_one = held.contains(lease);
                if !has_one && held.len() < usize::try_from(*places).unwrap() {
                    held.push(lease.clone());
                }
                Ok(vec![Reply::Integer(i64::from(held.contains(lease)))])
            }
            ("ZREM", [Argument::Bytes(pool), Argument::Bytes(lease)]) => {
                pools.entry(pool.clone()).or_default().retain(|held| held != lease);
                Ok(vec![Reply::Integer(1)])
            }
            other => Err(RedisError::Refused(format!("unexpected {other:?}"))),
        }
    }
}

/// Lets the clock run instead of waiting.
struct Passing(FixedClock);

#[async_trait]
impl Sleep for Passing {
    async fn sleep(&self, duration: Duration) {
        self.0.advance_ms(i64::try_from(duration.as_millis()).unwrap());
        let mut waited = false;
        futures::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if core::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Work that goes on when the test says so.
#[derive(Default)]
struct ByHand(Mutex<Vec<BoxFuture<'static, ()>>>);

impl Tasks for ByHand {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.lock().unwrap().push(work);
    }

    fn bell(&self) -> (Box<dyn Ring>, Box<dyn Rest>) {
        let (ring, rest) = mpsc::channel(0);
        (Box::new(NativeRing(ring)), Box::new(NativeRest(rest)))
    }
}

struct NativeRing(mpsc::Sender<()>);

impl Ring for NativeRing {
    fn ring(&mut self) {
        let _ = self.0.try_send(());
    }
}

struct NativeRest(mpsc::Receiver<()>);

#[async_trait]
impl Rest for NativeRest {
    async fn rung(&mut self) {
        self.0.next().await;
    }
}

/// One instance of the function.
#[derive(Clone)]
struct Instance {
    live: Live,
    work: Arc<ByHand>,
}

impl Instance {
    /// Lets the reader go on until it has to wait.
    fn follow(&self) {
        let mut work = core::mem::take(&mut *self.work.0.lock().unwrap());
        // Once until it waits, once until it has waited in vain.
        work.retain_mut(|work| work.now_or_never().is_none() && work.now_or_never().is_none());
        self.work.0.lock().unwrap().extend(work);
    }

    fn readers(&self) -> usize {
        self.work.0.lock().unwrap().len()
    }

    fn ask(&self, user_id: UserId, seen: Option<&str>) -> axum::response::Response {
        self.ask_as(principal(user_id, &["notifications:read"], 600), seen)
    }

    fn ask_as(&self, caller: Principal, seen: Option<&str>) -> axum::response::Response {
        ask_one_of(vec![self.live.clone()], caller, seen)
    }

    fn open(&self, user_id: UserId, seen: Option<&str>) -> Client {
        Client::of(self.ask(user_id, seen), seen)
    }
}

/// Asks for a stream where each of these is one partition.
fn ask_one_of(lives: Vec<Live>, caller: Principal, seen: Option<&str>) -> axum::response::Response {
    let mut request = Request::builder().method(Method::GET).uri("/v1/notifications/stream");
    if let Some(seen) = seen {
        request = request.header("last-event-id", seen);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(caller);
    block_on(public(lives).oneshot(request)).unwrap()
}

fn session(user_id: UserId) -> SessionId {
    SessionId::derived(0, &[user_id.to_string().as_bytes()])
}

fn principal(user_id: UserId, scopes: &[&str], lasts_s: i64) -> Principal {
    let now: ambient::Timestamp = NOW.parse().unwrap();
    Principal {
        subject: user_id.to_string(),
        session: Some(session(user_id).to_string()),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        roles: Vec::new(),
        assurance: 1,
        expires_at: now.plus(Duration::from_secs(lasts_s.unsigned_abs())),
    }
}

/// A house with a log that instances follow.
struct Street {
    house: House,
    tail: MemoryTail,
    pools: Arc<Pools>,
    random: CountedRandom,
}

impl Street {
    fn new() -> Self {
        let house = House::new();
        let tail = MemoryTail {
            records: house.records.clone(),
            users: Arc::default(),
            trimmed: Arc::default(),
            is_gone: Arc::default(),
        };
        house.hear(&registered(ada()));
        house.hear(&registered(bob()));
        Self { house, tail, pools: Arc::default(), random: CountedRandom::default() }
    }

    fn instance(&self) -> Instance {
        let work = Arc::new(ByHand::default());
        let live = Live {
            inboxes: StreamName::new("notifications", 0),
            records: Arc::new(self.house.records.clone()),
            tail: Arc::new(self.tail.clone()),
            redis: self.pools.clone(),
            clock: Arc::new(self.house.clock.clone()),
            random: Arc::new(self.random.clone()),
            sleep: Arc::new(Passing(self.house.clock.clone())),
            tasks: work.clone(),
            lasts: Duration::from_secs(240),
            streams_a_person: 8,
            streams: Streams::default(),
        };
        Instance { live, work }
    }

    fn receipt(&self, user_id: UserId, name: &str) {
        self.house.hear(&captured(user_id, name));
    }

    fn mark(&self, user_id: UserId, id: &str, mark: Mark) {
        let meta = records::Meta { at: NOW.parse().unwrap(), trace: "0".repeat(32), cause: None, actor: None };
        let (id, condition) = (id.parse().unwrap(), principal::IfMatch::Unconditional);
        block_on(crate::app::mark(&self.house.records, user_id, id, mark, &condition, &meta)).unwrap();
    }

    fn users_say(&self, kind: &str, data: serde_json::Value) {
        let event = crate::fixtures::envelope(kind, "x", "1.1", data);
        self.tail.users.lock().unwrap().push(event);
    }
}

/// What a browser does with a stream: keeps the last name, shows events.
struct Client {
    body: Option<BodyStream<Body>>,
    seen: Option<String>,
    /// Kind and data of each event.
    got: Vec<(String, serde_json::Value)>,
}

impl Client {
    fn of(response: axum::response::Response, seen: Option<&str>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        Self { body: Some(BodyStream::new(response.into_body())), seen: seen.map(str::to_owned), got: Vec::new() }
    }

    /// Takes one piece; `false` at the end.
    fn pull(&mut self) -> bool {
        let Some(body) = self.body.as_mut() else { return false };
        let Some(piece) = block_on(body.next()) else {
            self.body = None;
            return false;
        };
        let text = String::from_utf8(piece.unwrap().into_data().unwrap().to_vec()).unwrap();
        assert!(text.ends_with("\n\n"), "{text:?}");
        for block in text.split("\n\n") {
            let (mut kind, mut data) = (None, None);
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => self.seen = Some(id.to_owned()),
                    Some(("event", name)) => kind = Some(name.to_owned()),
                    Some(("data", json)) => data = Some(serde_json::from_str(json).unwrap()),
                    _ => {}
                }
            }
            self.got.extend(kind.zip(data));
        }
        true
    }

    /// Takes pieces until an event came or the stream ended.
    fn pull_event(&mut self) {
        let before = self.got.len();
        while self.got.len() == before && self.pull() {}
    }

    fn kinds(&self) -> Vec<&str> {
        self.got.iter().map(|(kind, _)| kind.as_str()).collect()
    }

    fn messages(&self) -> Vec<String> {
        let created = self.got.iter().filter(|(kind, _)| kind == "notification");
        created.map(|(_, line)| line["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Every message that came into a person's inbox, in the order of the log.
fn came(street: &Street, user_id: UserId) -> Vec<String> {
    let events = street.house.records.events().into_iter();
    let created =
        events.filter(|event| event.kind.contains(".created.") && event.data["user_id"] == user_id.to_string());
    created.map(|event| event.subject).collect()
}

#[test]
fn the_document_and_the_route_agree() {
    let street = Street::new();
    let live = Live { lasts: Duration::ZERO, ..street.instance().live };
    let scene = api_document::Scene::new(public(vec![live]))
        .by(|request| drop(request.extensions_mut().insert(principal(ada(), &["notifications:read"], 600))));
    let check = api_document::Agreement::new(scene, super::api(), &[include_str!("http.rs")]);
    let found = block_on(check.complaints());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_person_sits_with_the_reader_of_their_partition_and_one_of_no_partition_nowhere() {
    let street = Street::new();
    let instances = [street.instance(), street.instance()];
    let lives = || instances.each_ref().map(|instance| instance.live.clone()).to_vec();
    let in_partition = |partition| principal(UserId::new(partition, ada().uuid()), &["notifications:read"], 600);
    let opened = ask_one_of(lives(), in_partition(1), None);
    assert_eq!(opened.status(), StatusCode::OK);
    assert_eq!(instances.each_ref().map(|instance| instance.live.hub().is_needed()), [false, true]);
    assert_eq!(ask_one_of(lives(), in_partition(2), None).status(), StatusCode::FORBIDDEN);
    // Data that is not divided holds everybody's.
    assert_eq!(instances[0].ask_as(in_partition(2), None).status(), StatusCode::OK);
}

#[test]
fn a_message_reaches_its_owner_as_a_line_of_the_inbox_and_nobody_else() {
    let street = Street::new();
    let instance = street.instance();
    let (mut hers, mut his) = (instance.open(ada(), None), instance.open(bob(), None));
    assert!(hers.pull() && his.pull());
    street.receipt(ada(), "p1");
    instance.follow();
    hers.pull_event();
    assert_eq!(hers.kinds(), ["notification"]);
    let line = &hers.got[0].1;
    assert_eq!((line["kind"].as_str(), line["read"].as_bool()), (Some("payment_receipt"), Some(false)));
    assert_eq!(hers.messages(), came(&street, ada())[1..]);
    his.pull();
    assert_eq!(his.kinds(), Vec::<&str>::new(), "only a sign of life");
}

#[test]
fn one_reader_serves_all_streams_of_an_instance_and_leaves_with_the_last() {
    let street = Street::new();
    let instance = street.instance();
    let streams: Vec<_> = (0..5).map(|_| instance.open(ada(), None)).collect();
    assert_eq!((instance.readers(), instance.live.hub().seats()), (1, 5));
    drop(streams);
    instance.follow();
    assert_eq!((instance.readers(), instance.live.hub().seats()), (0, 0));
    assert_eq!(street.pools.0.lock().unwrap().values().map(Vec::len).sum::<usize>(), 0, "each place was given back");
    let _again = instance.open(ada(), None);
    assert_eq!(instance.readers(), 1);
}

#[test]
fn a_message_that_was_read_elsewhere_is_told() {
    let street = Street::new();
    let instance = street.instance();
    let mut client = instance.open(ada(), None);
    client.pull();
    let id = came(&street, ada())[0].clone();
    street.mark(ada(), &id, Mark::Read);
    instance.follow();
    client.pull_event();
    assert_eq!(client.got, [("read".to_owned(), serde_json::json!({ "id": id }))]);
}

#[test]
fn a_message_that_was_put_away_or_taken_out_again_elsewhere_is_told() {
    let street = Street::new();
    let instance = street.instance();
    let (mut client, mut his) = (instance.open(ada(), None), instance.open(bob(), None));
    assert!(client.pull() && his.pull());
    let id = came(&street, ada())[0].clone();
    for marked in [Mark::Archived, Mark::Archived, Mark::Restored, Mark::Restored, Mark::Archived] {
        street.mark(ada(), &id, marked);
        instance.follow();
    }
    while client.kinds().len() < 4 {
        client.pull_event();
    }
    // It was unread: what is put away counts as read. Twice is told once.
    assert_eq!(client.kinds(), ["read", "archived", "restored", "archived"]);
    for place in [0, 1, 3] {
        assert_eq!(client.got[place].1, serde_json::json!({ "id": id }));
    }
    let line = &client.got[2].1;
    let shown = (line["id"].as_str(), line["kind"].as_str(), line["read"].as_bool());
    assert_eq!(shown, (Some(id.as_str()), Some("welcome"), Some(true)));
    // Whoever comes back is told what followed the last thing that was seen, each for itself: two come of one change.
    let first = entry(street.house.records.events().len() - 4).to_string();
    let mut back = street.instance().open(ada(), Some(&first));
    back.pull();
    back.pull_event();
    assert_eq!(back.kinds(), ["archived", "restored", "archived"]);
    his.pull();
    assert_eq!(his.kinds(), Vec::<&str>::new(), "nobody else hears of it");
}

#[test]
fn a_message_that_cannot_be_read_holds_up_no_other() {
    let street = Street::new();
    let instance = street.instance();
    let mut client = instance.open(ada(), None);
    client.pull();
    street.receipt(ada(), "p1");
    let key = crate::keys::notification(came(&street, ada())[1].parse().unwrap()).unwrap();
    let line = block_on(street.house.records.list(&crate::keys::inbox(ada()).unwrap(), None, 1)).unwrap();
    let meta = records::Meta { at: NOW.parse().unwrap(), trace: "0".repeat(32), cause: None, actor: None };
    let spoilt = IndexStep::Put {
        index: crate::keys::inbox(ada()).unwrap(),
        sort: line.entries[0].sort.clone(),
        summary: "{".to_owned(),
    };
    let version = block_on(street.house.records.load(&key)).unwrap().map(|record| record.version);
    let change = Change::new(key, version, Content::Body("{}".into()), meta).with_index(spoilt);
    block_on(street.house.records.commit(change)).unwrap();
    street.house.clock.advance_ms(1000);
    street.receipt(ada(), "p2");
    instance.follow();
    client.pull_event();
    assert_eq!(client.messages(), came(&street, ada())[2..]);
}

#[test]
fn who_resumes_anywhere_is_told_what_followed_and_only_that() {
    let street = Street::new();
    let (first, second) = (street.instance(), street.instance());
    let mut client = first.open(ada(), None);
    client.pull();
    street.receipt(ada(), "p1");
    first.follow();
    client.pull_event();
    street.receipt(bob(), "p2");
    street.receipt(ada(), "p3");
    let (seen, got) = (client.seen.clone(), client.messages());
    drop(client);
    let mut client = second.open(ada(), seen.as_deref());
    street.receipt(ada(), "p4");
    second.follow();
    client.pull_event();
    client.pull_event();
    let all: Vec<_> = got.into_iter().chain(client.messages()).collect();
    assert_eq!(all, came(&street, ada())[1..]);
}

#[test]
fn who_comes_back_to_a_log_that_forgot_reads_the_inbox_anew() {
    let street = Street::new();
    for n in 0..4 {
        street.receipt(ada(), &format!("p{n}"));
    }
    *street.tail.trimmed.lock().unwrap() = 3;
    let instance = street.instance();
    for seen in [entry(1), entry(99)] {
        let mut client = instance.open(ada(), Some(&seen.to_string()));
        client.pull();
        assert_eq!(client.kinds(), ["reset"], "{seen}");
        assert_eq!(client.seen, Some(entry(5).to_string()));
    }
    // The oldest entry itself was seen: nothing is missing behind it.
    let mut client = instance.open(ada(), Some(&entry(3).to_string()));
    client.pull_event();
    assert_eq!(client.kinds(), ["notification", "notification"]);
}

#[test]
fn who_missed_more_than_is_looked_through_reads_the_inbox_anew() {
    let street = Street::new();
    for n in 0..1010 {
        if n % 250 == 0 {
            street.receipt(ada(), &format!("p{n}"));
        } else {
            street.receipt(bob(), &format!("p{n}"));
        }
    }
    let instance = street.instance();
    let mut client = instance.open(ada(), Some(&entry(1).to_string()));
    while !client.kinds().contains(&"reset") && client.pull() {}
    assert_eq!(client.kinds().last(), Some(&"reset"), "{:?}", client.kinds());
    assert!(client.messages().len() <= 5);
}

#[test]
fn a_log_that_lost_what_was_told_ends_every_stream() {
    let street = Street::new();
    street.receipt(ada(), "p1");
    let instance = street.instance();
    let mut client = instance.open(ada(), None);
    client.pull();
    street.house.records.lose_everything();
    instance.follow();
    while client.pull() {}
    let mut client = street.instance().open(ada(), client.seen.as_deref());
    client.pull();
    assert_eq!(client.kinds(), ["reset"]);
}

#[test]
fn a_client_that_does_not_read_costs_its_queue_and_then_its_stream() {
    let street = Street::new();
    let instance = street.instance();
    let mut client = instance.open(ada(), None);
    client.pull();
    for n in 0..hub::MOST_QUEUED + 50 {
        street.receipt(ada(), &format!("p{n}"));
        if n % 32 == 0 {
            instance.follow();
        }
    }
    instance.follow();
    while client.pull() {}
    assert_eq!(client.messages().len(), hub::MOST_QUEUED);
    let (seen, mut got) = (client.seen.clone(), client.messages());
    let mut client = instance.open(ada(), seen.as_deref());
    while client.messages().len() < 50 {
        client.pull_event();
    }
    got.extend(client.messages());
    assert_eq!(got, came(&street, ada())[1..]);
}

#[test]
fn a_stream_beats_and_ends_in_time_and_with_its_token() {
    let street = Street::new();
    for (lasts_s, most) in [(600, 240), (100, 100)] {
        let began = street.house.clock.now();
        let mut caller = principal(ada(), &["notifications:read"], 0);
        caller.expires_at = began.plus(Duration::from_secs(lasts_s));
        let response = street.instance().ask_as(caller, None);
        let mut body = BodyStream::new(response.into_body());
        let mut pieces = 0;
        while block_on(body.next()).is_some() {
            pieces += 1;
        }
        let took = street.house.clock.now().since(began).as_secs();
        assert!((most * 4 / 5..=most).contains(&took), "{took} s");
        assert!(pieces >= took / 15, "{pieces} pieces in {took} s");
    }
}

#[test]
fn a_session_that_ends_takes_its_streams_along_and_no_other() {
    let street = Street::new();
    let instance = street.instance();
    let other = Principal {
        session: Some(SessionId::derived(0, &[b"other"]).to_string()),
        ..principal(ada(), &["notifications:read"], 600)
    };
    let mut ended = instance.open(ada(), None);
    let mut others = BodyStream::new(instance.ask_as(other, None).into_body());
    let mut his = instance.open(bob(), None);
    assert!(ended.pull() && block_on(others.next()).is_some() && his.pull());
    // What comes with the end of the session is no longer for whoever held it.
    street.receipt(ada(), "p1");
    let snapshot = SessionSnapshot {
        id: session(ada()),
        user_id: ada(),
        expires_at: NOW.parse().unwrap(),
        end_reason: Some(users_wire::SessionEndReason::Revoked),
    };
    street.users_say(SESSION_ENDED, serde_json::to_value(snapshot).unwrap());
    street.house.clock.advance_ms(1000);
    instance.follow();
    assert!(!ended.pull());
    assert_eq!(ended.kinds(), Vec::<&str>::new());
    assert!(block_on(others.next()).is_some(), "another session of hers goes on");
    assert!(his.pull(), "another person's goes on");
    let revoked = SessionsRevoked { user_id: ada(), credential_epoch: 2, reason: RevokeReason::Operator };
    street.users_say(SESSIONS_REVOKED, serde_json::to_value(revoked).unwrap());
    street.house.clock.advance_ms(1000);
    instance.follow();
    assert!(block_on(others.next()).is_none());
    assert!(his.pull());
}

#[test]
fn a_person_has_so_many_streams_and_a_closed_one_makes_room() {
    let street = Street::new();
    let (one, two) = (street.instance(), street.instance());
    let mut open: Vec<_> =
        (0..8).map(|n| if n % 2 == 0 { one.open(ada(), None) } else { two.open(ada(), None) }).collect();
    let refused = one.ask(ada(), None);
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "15");
    assert_eq!(one.ask(bob(), None).status(), StatusCode::OK, "another person's streams do not count");
    drop(open.pop());
    two.follow();
    assert_eq!(one.ask(ada(), None).status(), StatusCode::OK);
}

#[test]
fn who_may_not_or_names_nonsense_is_refused() {
    let street = Street::new();
    let instance = street.instance();
    for (caller, status) in [
        (principal(ada(), &["notifications:write"], 600), 403),
        (Principal { subject: "service".to_owned(), ..principal(ada(), &["notifications:read"], 600) }, 403),
    ] {
        assert_eq!(instance.ask_as(caller, None).status().as_u16(), status);
    }
    for nonsense in ["$", "1", "-", "1-2-3", "99999999999999999999-0", "0-0 OR 1", "é"] {
        assert_eq!(instance.ask(ada(), Some(nonsense)).status().as_u16(), 400, "{nonsense}");
    }
    *street.tail.is_gone.lock().unwrap() = true;
    let gone = instance.ask(ada(), None);
    assert_eq!((gone.status().as_u16(), gone.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    let body = block_on(gone.into_body().collect()).unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("/problems/unavailable"));
}

#[test]
fn a_log_that_is_away_for_a_while_loses_nothing() {
    let street = Street::new();
    let instance = street.instance();
    let mut client = instance.open(ada(), None);
    client.pull();
    *street.tail.is_gone.lock().unwrap() = true;
    street.receipt(ada(), "p1");
    instance.follow();
    *street.tail.is_gone.lock().unwrap() = false;
    instance.follow();
    client.pull_event();
    assert_eq!(client.messages(), came(&street, ada())[1..]);
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// A message for her, or for him.
    Message(bool),
    /// An instance's reader goes on.
    Follow(bool),
    /// The client takes a piece.
    Pull,
    /// The connection breaks; the client resumes at an instance, having lost the pieces on the way.
    Resume(bool),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => any::<bool>().prop_map(Turn::Message),
        3 => any::<bool>().prop_map(Turn::Follow),
        4 => Just(Turn::Pull),
        1 => any::<bool>().prop_map(Turn::Resume),
    ];
    proptest::collection::vec(turn, 1..60)
}

/// A client that comes back at once; where the places that it left are not given back yet, a little later, as it is told.
fn resumed(instances: &[Instance; 2], at: usize, seen: Option<&str>) -> Client {
    let mut response = instances[at].ask(ada(), seen);
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        instances.iter().for_each(Instance::follow);
        response = instances[at].ask(ada(), seen);
    }
    Client::of(response, seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_missed_and_nothing_doubled_whatever_breaks(turns in turns()) {
        let street = Street::new();
        let instances = [street.instance(), street.instance()];
        let mut at = 0;
        let mut client = instances[0].open(ada(), None);
        client.pull();
        let mut got = Vec::new();
        for (number, turn) in turns.into_iter().enumerate() {
            match turn {
                Turn::Message(hers) => street.receipt(if hers { ada() } else { bob() }, &format!("p{number}")),
                Turn::Follow(second) => instances[usize::from(second)].follow(),
                Turn::Pull => if !client.pull() {
                    got.append(&mut client.messages());
                    client = resumed(&instances, at, client.seen.as_deref());
                },
                Turn::Resume(second) => {
                    at = usize::from(second);
                    got.append(&mut client.messages());
                    client = resumed(&instances, at, client.seen.as_deref());
                }
            }
        }
        // In the end everything arrives.
        got.append(&mut client.messages());
        client = resumed(&instances, at, client.seen.as_deref());
        let wanted = came(&street, ada()).split_off(1);
        for _ in 0..wanted.len() + 4 {
            instances[at].follow();
            client.pull();
        }
        got.append(&mut client.messages());
        prop_assert_eq!(got, wanted);
    }
}
