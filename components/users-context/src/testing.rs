//! The house in which this context's tests live: records in memory that yield, count and fail on command, a hasher
//! that hashes nothing, a clock that stands still.

use crate::app::log_in::log_in;
use crate::app::refresh::{RefreshError, refresh};
use crate::app::register::register;
use crate::domain::{
    CodeKey, DeviceKey, EmailAddress, EmailIndexKey, FactorKey, FirstAdmins, PrivacyKey, RefreshKey, SecretKey,
    ThrottleKey, User,
};
use crate::state::{content, meta, user_key};
use crate::wire::api::{LogInRequest, RefreshRequest, RegisterRequest, TokensAnswer};
use crate::wire::body::UserBody;
use crate::{Access, Asked, HasherClient, Issuer, Privacy, Users};
use ambient::{Clock, CountedRandom, FixedClock, Sleep, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use events::Envelope;
use futures::FutureExt;
use hasher_wire::{Hash, Hashed, Plain, Verified, Verify};
use http_client::{HttpError, ScriptedHttp};
use ids::{Partitions, UserId};
use leases::Leases;
use principal::{Client, Principal, RequestScope, TraceId};
use privacy::Sealed;
use records::{
    AccountKey, Balance, Change, Cursor, DueTimer, IndexName, Note, Notes, OnceKey, OnceState, Outcome, Page, Record,
    RecordKey, Records, RecordsError, TrailRow, TrialBalance,
};
use records_memory::{MemoryRecords, MemoryTrail};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use serde::de::DeserializeOwned;
use service_token::ServiceTokens;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use throttle::MemoryThrottle;
use users_wire::{CODE_ISSUED, CodePersonal, USER_REGISTERED};

pub(crate) use crate::domain::tests::anna;

/// What the scripted hasher puts before a password.
pub(crate) const PHC_PREFIX: &str = "$argon2id$today$";
/// The same, with parameters that call for a new hash.
pub(crate) const STALE_PHC_PREFIX: &str = "$argon2id$before$";
/// A signing seed: 32 zero bytes.
pub(crate) const SEED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The clock at the beginning of each test.
pub(crate) fn clock() -> FixedClock {
    FixedClock::at("2026-01-01T00:00:00.000Z")
}

/// What it shows.
pub(crate) fn now() -> Timestamp {
    clock().now()
}

/// A request that has ten seconds.
pub(crate) fn scope() -> RequestScope {
    RequestScope { trace: TraceId::from_bytes([7; 16]), deadline: now().plus(Duration::from_secs(10)) }
}

/// The other end of a request.
pub(crate) fn client(address: &str, agent: &str) -> Client {
    Client::new(address.parse().ok(), Some(agent))
}

/// A hasher that answers at once and hashes nothing.
pub(crate) fn hasher() -> ScriptedHttp {
    hasher_unless(Arc::default())
}

fn hasher_unless(busy: Arc<AtomicBool>) -> ScriptedHttp {
    ScriptedHttp::new(move |request| {
        let nonsense = |error: serde_json::Error| HttpError::NotSent(error.to_string());
        if busy.load(Ordering::SeqCst) {
            return answer(503, Vec::new());
        }
        let body = if request.uri().path().ends_with("/hash") {
            let asked: Hash = serde_json::from_slice(request.body()).map_err(nonsense)?;
            serde_json::to_vec(&Hashed { phc: format!("{PHC_PREFIX}{}", asked.password.expose()) })
        } else {
            let asked: Verify = serde_json::from_slice(request.body()).map_err(nonsense)?;
            let is = |prefix| asked.phc.as_deref() == Some(&format!("{prefix}{}", asked.password.expose()));
            let needs_rehash = is(STALE_PHC_PREFIX);
            serde_json::to_vec(&Verified { matches: is(PHC_PREFIX) || needs_rehash, needs_rehash })
        };
        answer(200, body.map_err(nonsense)?)
    })
}

fn answer(status: u16, body: Vec<u8>) -> Result<http::Response<Bytes>, HttpError> {
    let response = http::Response::builder().status(status).body(Bytes::from(body));
    response.map_err(|error| HttpError::NotSent(error.to_string()))
}

struct Replying(Result<Vec<Reply>, RedisError>);

#[async_trait]
impl Redis for Replying {
    async fn execute(&self, _: &str, _: Vec<Argument>, _: Repeat) -> Result<Vec<Reply>, RedisError> {
        self.0.clone()
    }
}

struct Passing(FixedClock);

#[async_trait]
impl Sleep for Passing {
    async fn sleep(&self, duration: Duration) {
        self.0.advance_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    }
}

fn leases(reply: Result<Vec<Reply>, RedisError>) -> Leases {
    let clock = clock();
    let (random, sleep) = (Arc::new(CountedRandom::default()), Arc::new(Passing(clock.clone())));
    Leases::new(
        "{users/0}:leases:hasher",
        1,
        HasherClient::LEASE,
        Arc::new(Replying(reply)),
        Arc::new(clock),
        random,
        sleep,
    )
}

/// Leases of which one is always free.
pub(crate) fn free_leases() -> Leases {
    leases(Ok(vec![Reply::Integer(1)]))
}

/// Leases of which none is ever free.
pub(crate) fn taken_leases() -> Leases {
    leases(Ok(vec![Reply::Integer(0)]))
}

/// Leases behind a Redis that fails.
pub(crate) fn broken_leases(error: RedisError) -> Leases {
    leases(Err(error))
}

/// How a commit fails.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Before,
    LostAnswer,
    Slept,
}

/// Records in memory that let others run in between, remember the calls, and fail on command.
struct Watched {
    memory: MemoryRecords,
    calls: Mutex<Vec<&'static str>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    faults: Mutex<VecDeque<Option<Fault>>>,
    always_conflict: AtomicBool,
    gone: AtomicBool,
}

impl Watched {
    async fn enter(&self, call: &'static str) {
        self.calls.lock().unwrap().push(call);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Records for Watched {
    async fn load(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        self.enter("load").await;
        let record = self.memory.load(key).await;
        tokio::task::yield_now().await;
        record
    }

    async fn commit(&self, change: Change) -> Result<Outcome, RecordsError> {
        self.enter("commit").await;
        if self.always_conflict.load(Ordering::SeqCst) {
            return Ok(Outcome::Conflict { found: change.expected });
        }
        match self.faults.lock().unwrap().pop_front().flatten() {
            Some(Fault::Before) => self.memory.fail_next_commit_before(),
            Some(Fault::LostAnswer) => self.memory.fail_next_commit_after(),
            Some(Fault::Slept) => self.memory.pause_next_commit(Duration::from_secs(2 * 3600)),
            None => {}
        }
        self.memory.commit(change).await
    }

    async fn once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        self.memory.once(key).await
    }

    async fn list(&self, index: &IndexName, after: Option<&Cursor>, limit: u32) -> Result<Page, RecordsError> {
        self.memory.list(index, after, limit).await
    }

    async fn count(&self, index: &IndexName) -> Result<u64, RecordsError> {
        self.memory.count(index).await
    }

    async fn balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        self.memory.balances(accounts).await
    }

    async fn trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.memory.trial_balance().await
    }

    async fn claim_timers(&self, limit: u32, lease: Duration) -> Result<Vec<DueTimer>, RecordsError> {
        self.memory.claim_timers(limit, lease).await
    }

    async fn finish_timer(&self, timer: &DueTimer) -> Result<(), RecordsError> {
        self.memory.finish_timer(timer).await
    }

    async fn maintain(&self, now: Timestamp) -> Result<(), RecordsError> {
        self.memory.maintain(now).await
    }

    async fn ready(&self) -> Result<(), RecordsError> {
        if self.gone.load(Ordering::SeqCst) {
            return Err(RecordsError::Unavailable("gone".to_owned()));
        }
        self.memory.ready().await
    }
}

#[async_trait]
impl Notes for Watched {
    async fn note(&self, note: Note) -> Result<bool, RecordsError> {
        self.enter("note").await;
        self.memory.note(note).await
    }
}

/// The context with all its doubles.
pub(crate) struct House {
    pub(crate) users: Users,
    pub(crate) scope: Asked,
    pub(crate) client: Client,
    pub(crate) memory: MemoryRecords,
    pub(crate) http: ScriptedHttp,
    pub(crate) clock: FixedClock,
    watched: Arc<Watched>,
    busy: Arc<AtomicBool>,
}

impl House {
    /// An empty house.
    pub(crate) fn new() -> Self {
        let (clock, random) = (clock(), Arc::new(CountedRandom::default()));
        let memory = MemoryRecords::new("users", Arc::new(clock.clone()), random.clone());
        let watched = Arc::new(Watched {
            memory: memory.clone(),
            calls: Mutex::default(),
            at_once: AtomicUsize::default(),
            most_at_once: AtomicUsize::default(),
            faults: Mutex::default(),
            always_conflict: AtomicBool::default(),
            gone: AtomicBool::default(),
        });
        let busy: Arc<AtomicBool> = Arc::default();
        let http = hasher_unless(busy.clone());
        let tokens = ServiceTokens::new(b"a key of at least 32 random bytes");
        let hashing = HasherClient::new(
            "http://hasher.test",
            Arc::new(http.clone()),
            tokens,
            free_leases(),
            Arc::new(clock.clone()),
        );
        let users = Users {
            records: watched.clone(),
            notes: watched.clone(),
            hashing: Arc::new(hashing),
            clock: Arc::new(clock.clone()),
            random,
            issuer: Arc::new(Issuer::new("https://id.test", "spindrift", SEED).unwrap()),
            refresh_key: RefreshKey::new(SecretKey::new(&[1; 32]).unwrap()),
            email_index_key: EmailIndexKey::new(SecretKey::new(&[2; 32]).unwrap()),
            code_key: CodeKey::new(&SecretKey::new(&[3; 32]).unwrap()),
            device_key: DeviceKey::new(&SecretKey::new(&[3; 32]).unwrap()),
            factor_key: FactorKey::new(&SecretKey::new(&[3; 32]).unwrap()),
            partitions: Partitions::ONE,
            first_admins: FirstAdmins::default(),
            throttle: Arc::new(MemoryThrottle::new(Arc::new(clock.clone()))),
            throttle_key: ThrottleKey::new(&SecretKey::new(&[3; 32]).unwrap()),
            privacy_key: PrivacyKey::new(&SecretKey::new(&[3; 32]).unwrap()),
        };
        let client = client("192.0.2.1", "Laptop/1.0");
        let scope = Asked { scope: scope(), client: client.clone() };
        Self { users, scope, client, memory, http, clock, watched, busy }
    }

    /// The house with each account's own part of the audit trail.
    pub(crate) fn privacy(&self) -> Privacy {
        Privacy { users: self.users.clone(), trail: Arc::new(MemoryTrail::of(self.memory.clone())) }
    }

    /// The house with its audit trail.
    pub(crate) fn access(&self) -> Access {
        Access { users: self.users.clone(), trail: Arc::new(MemoryTrail::of(self.memory.clone())) }
    }

    /// What the trail tells: act, result and reason, actor or not, of whose account.
    pub(crate) fn told(&self) -> Vec<String> {
        let word = |text: &serde_json::Value, name: &str| text[name].as_str().unwrap_or("-").to_owned();
        let tell = |row: &TrailRow| {
            let text: serde_json::Value = serde_json::from_str(&row.text).unwrap();
            let whose = if row.account.as_str() == "unknown" { "unknown" } else { "account" };
            let actor = match word(&text, "actor").as_str() {
                "-" => "nobody",
                actor if actor == row.account.as_str() => "owner",
                _ => "other",
            };
            format!("{} {} {} {whose} by {actor}", word(&text, "act"), word(&text, "result"), word(&text, "why"))
        };
        self.memory.trail().iter().map(tell).collect()
    }

    /// The names of the calls since the last time.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        core::mem::take(&mut *self.watched.calls.lock().unwrap())
    }

    /// How many calls were under way at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.watched.most_at_once.load(Ordering::SeqCst)
    }

    /// The commit after the next fails and is not carried out.
    pub(crate) fn fail_commit_after_next(&self) {
        self.fail_commit_after(1);
    }

    /// The commit after this many others fails and is not carried out.
    pub(crate) fn fail_commit_after(&self, others: usize) {
        let mut faults = self.watched.faults.lock().unwrap();
        faults.extend(core::iter::repeat_n(None, others));
        faults.push_back(Some(Fault::Before));
    }

    /// The writer of the commit after the next sleeps for two hours in the middle of it.
    pub(crate) fn sleep_in_commit_after_next(&self) {
        self.watched.faults.lock().unwrap().extend([None, Some(Fault::Slept)]);
    }

    /// The commit after this many others is carried out, but its answer is lost.
    pub(crate) fn lose_commit(&self, after: usize) {
        let mut faults = self.watched.faults.lock().unwrap();
        faults.extend(core::iter::repeat_n(None, after));
        faults.push_back(Some(Fault::LostAnswer));
    }

    /// From now on somebody else is always faster.
    pub(crate) fn always_conflict(&self) {
        self.watched.always_conflict.store(true, Ordering::SeqCst);
    }

    /// From now on the store does not say that it is ready.
    pub(crate) fn store_gone(&self) {
        self.watched.gone.store(true, Ordering::SeqCst);
    }

    /// From now on the hasher has too much to do.
    pub(crate) fn hasher_busy(&self) {
        self.busy.store(true, Ordering::SeqCst);
    }

    /// The events of one kind so far.
    pub(crate) fn events_of(&self, kind: &str) -> Vec<Envelope> {
        self.memory.events().into_iter().filter(|event| event.kind == kind).collect()
    }

    /// What an event says about a person, opened with the key of their account; `None` where that is gone.
    pub(crate) fn personal<T: DeserializeOwned>(&self, event: &Envelope) -> Option<T> {
        let sealed = Sealed::read(event.personal.as_ref()?).expect("what is personal is sealed");
        let key = user_key(sealed.subject).unwrap();
        let record = self.memory.load(&key).now_or_never().unwrap().unwrap()?;
        let body: UserBody = serde_json::from_slice(&record.content?).unwrap();
        let opened = body.subject_key.unwrap().open(&sealed, &event.kind).unwrap();
        Some(serde_json::from_value(opened).unwrap())
    }

    /// The code that was sent last to an address.
    pub(crate) fn last_code(&self, email: &str) -> String {
        let letters = self.events_of(CODE_ISSUED).into_iter().rev();
        let mut codes = letters.filter_map(|event| self.personal::<CodePersonal>(&event));
        codes.find(|personal| personal.email == email).unwrap().code
    }

    /// How many codes were sent to an address.
    pub(crate) fn codes_to(&self, email: &str) -> usize {
        let letters = self.events_of(CODE_ISSUED).into_iter();
        letters.filter(|event| self.personal::<CodePersonal>(event).is_some_and(|code| code.email == email)).count()
    }

    /// Who has claimed an address.
    pub(crate) async fn claimed(&self, email: &str) -> Option<UserId> {
        let name = self.users.email_index_key.name(&EmailAddress::parse(email).unwrap());
        self.users.load_login(&name).await.unwrap().and_then(|(_, body)| body).map(|body| body.user_id)
    }

    /// Anna's account, which must be the only one that was ever opened.
    pub(crate) async fn only_user(&self) -> User {
        let opened = self.memory.events().into_iter().filter(|event| event.kind == USER_REGISTERED).count();
        assert_eq!(opened, 1, "exactly one account");
        let id = self.claimed("anna@example.org").await.unwrap();
        self.users.load_user(id).await.unwrap().unwrap().1
    }

    /// Changes Anna's account past all use cases.
    pub(crate) async fn change_user(&self, change: impl FnOnce(&mut User)) {
        let id = self.claimed("anna@example.org").await.unwrap();
        let (version, mut user) = self.users.load_user(id).await.unwrap().unwrap();
        change(&mut user);
        let content = content(&UserBody::from(&user)).unwrap();
        let change =
            Change::new(user_key(id).unwrap(), Some(version), content, meta(&self.scope, id, self.users.now()));
        assert!(matches!(self.memory.commit(change).await, Ok(Outcome::Committed(_))));
    }

    /// Logs Anna in.
    pub(crate) async fn log_in(&self) -> TokensAnswer {
        let request = log_in_request("anna@example.org", "correct horse");
        log_in(&self.users, &self.scope, &self.client, request).await.unwrap()
    }

    /// Continues a session with the refresh token of an answer.
    pub(crate) async fn refresh(&self, tokens: &TokensAnswer) -> Result<TokensAnswer, RefreshError> {
        let request = RefreshRequest { refresh_token: tokens.refresh_token.clone() };
        refresh(&self.users, &self.scope, &self.client, request).await
    }
}

/// A login by password alone.
pub(crate) fn log_in_request(email: &str, password: &str) -> LogInRequest {
    LogInRequest {
        email: email.to_owned(),
        password: Plain::new(password),
        device_token: None,
        code: None,
        recovery_code: None,
    }
}

/// A registration of Anna under an address.
pub(crate) fn registration(email: &str) -> RegisterRequest {
    RegisterRequest {
        email: email.to_owned(),
        password: Plain::new("correct horse"),
        display_name: "Anna".to_owned(),
        locale: None,
    }
}

/// A house in which Anna has an account.
pub(crate) async fn registered() -> House {
    let house = House::new();
    register(&house.users, &house.scope, registration("anna@example.org")).await.unwrap();
    house
}

/// A house in which Anna is logged in.
pub(crate) async fn logged_in() -> (House, TokensAnswer) {
    let house = registered().await;
    let tokens = house.log_in().await;
    (house, tokens)
}

/// The caller behind an access token, as the edge would have found it.
pub(crate) fn principal(tokens: &TokensAnswer) -> Principal {
    Principal {
        subject: tokens.user_id.to_string(),
        session: Some(tokens.session_id.to_string()),
        scopes: vec!["profile".to_owned()],
        roles: vec!["user".to_owned()],
        assurance: 1,
        expires_at: now().plus(Duration::from_secs(600)),
    }
}
