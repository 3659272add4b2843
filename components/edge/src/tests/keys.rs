//! API keys at the edge, and what is tried with them.

use super::*;
use crate::LimitTable;
use api_key::{ApiKeys, KeyId, VerifiedKey, VerifyKey};
use core::sync::atomic::{AtomicU16, Ordering};
use limiter_memory::MemoryLimiter;
use route_policy::KeyScopes;

const SECRET: [u8; 32] = [7; 32];
/// No status: users knows the key no longer.
const REVOKED: u16 = 1;

/// Waits for ever: nobody is too late.
struct Patient;

#[async_trait]
impl Sleep for Patient {
    async fn sleep(&self, _: Duration) {
        core::future::pending().await
    }
}

struct House {
    setup: Setup,
    users: ScriptedHttp,
    /// What users answers to what it knows; [`REVOKED`]: that nobody has it; 0: nothing at all.
    status: Arc<AtomicU16>,
    instance: Router,
}

fn id(number: u128) -> KeyId {
    KeyId::new(0, uuid::Uuid::from_u128(number))
}

fn key() -> String {
    api_key::text(id(1), &SECRET)
}

fn house(limits: &str, scopes: &'static [&'static str], change: fn(&mut VerifiedKey)) -> House {
    let (setup, status) = (Setup::new(), Arc::new(AtomicU16::new(200)));
    let answers = status.clone();
    let users = ScriptedHttp::new(move |request| {
        let status = answers.load(Ordering::SeqCst);
        if status == 0 {
            return Err(HttpError::NotSent("connection refused".to_owned()));
        }
        let asked: VerifyKey = serde_json::from_slice(request.body()).unwrap();
        let known = asked.id == id(1) && asked.digest() == Some(api_key::digest(&SECRET));
        let mut verified = VerifiedKey {
            user_id: ids::UserId::derived(0, &[b"anna"]),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            plan: None,
            expires_at: FixedClock::at(NOW).now().plus(Duration::from_secs(3600)),
        };
        change(&mut verified);
        let holds = known && status != REVOKED;
        let status = if holds { status } else { 200 };
        let body = serde_json::to_vec(&holds.then_some(verified)).unwrap();
        Ok(http::Response::builder().status(status).body(body.into()).unwrap())
    });
    let clock: Arc<dyn Clock> = Arc::new(setup.clock.clone());
    let keys = ApiKeys::asked(Arc::new(users.clone()), "http://users.test/", setup.tokens.clone(), clock.clone());
    let table = KeyScopes { read: &["payments:read"], write: &["payments:write"] };
    let mut config = setup.config().api_keys(Arc::new(keys), table);
    config.sleep = Arc::new(Patient);
    let config = config.limits(Arc::new(MemoryLimiter::new(clock)), LimitTable::parse(limits).unwrap());
    let instance = public(setup.router(), config);
    House { setup, users, status, instance }
}

fn sound() -> House {
    house("", &["payments:read"], |_| ())
}

impl House {
    async fn ask(&self, request: http::request::Builder, key: &str) -> Answer {
        let request =
            empty(request.header("authorization", format!("Bearer {key}")).header("spin-client-addr", "192.0.2.1:1"));
        Answer::of(self.instance.clone().oneshot(request).await.unwrap()).await
    }

    async fn status(&self, key: &str) -> u16 {
        self.ask(get_request("/me"), key).await.status
    }

    fn questions(&self) -> usize {
        self.users.asked().len()
    }
}

#[tokio::test]
async fn a_key_becomes_a_principal_without_session_assurance_or_rights_over_others() {
    let house = sound();
    let answer = house.ask(get_request("/me"), &key()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for part in ["session: None", "scopes: [\\\"payments:read\\\"]", "roles: [\\\"user\\\"]", "assurance: 0"] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    let asked = &house.users.asked()[0];
    assert_eq!(asked.uri(), "http://users.test/internal/users/api-keys/verify");
    let token = asked.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    assert_eq!(house.setup.tokens.verify(&token, "users", house.setup.clock.now()), Ok(()));
    assert!(asked.headers().contains_key("x-spindrift-trace"), "the question belongs to the trace");
    let body = String::from_utf8(asked.body().to_vec()).unwrap();
    assert!(!body.contains(&"07".repeat(32)), "the secret travelled: {body}");
}

#[tokio::test]
async fn an_answer_is_believed_for_a_minute_and_never_past_the_keys_end() {
    let house = sound();
    for _ in 0..20 {
        assert_eq!(house.status(&key()).await, 200);
    }
    assert_eq!(house.questions(), 1);
    house.status.store(REVOKED, Ordering::SeqCst);
    house.setup.clock.advance_ms(59_999);
    assert_eq!(house.status(&key()).await, 200);
    house.setup.clock.advance_ms(1);
    assert_eq!(house.status(&key()).await, 401, "revoked");
    house.setup.clock.advance_ms(1_000);
    assert_eq!((house.status(&key()).await, house.questions()), (401, 2), "a refusal is remembered, too");
    house.status.store(200, Ordering::SeqCst);
    house.setup.clock.advance_ms(60_000);
    assert_eq!(house.status(&key()).await, 200);

    let short = self::house("", &["payments:read"], |key| {
        key.expires_at = FixedClock::at(NOW).now().plus(Duration::from_secs(5))
    });
    assert_eq!(short.status(&key()).await, 200);
    short.status.store(REVOKED, Ordering::SeqCst);
    short.setup.clock.advance_ms(5_000);
    assert_eq!(short.status(&key()).await, 401, "expired within the minute");
}

#[tokio::test]
async fn a_key_that_nobody_vouches_for_opens_nothing() {
    let house = sound();
    for status in [0, 401, 403, 404, 429, 500, 503, 204, 302] {
        house.status.store(status, Ordering::SeqCst);
        let answer = house.ask(get_request("/me"), &key()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{status}");
    }
    house.status.store(200, Ordering::SeqCst);
    assert_eq!(house.status(&key()).await, 200, "nothing of it was remembered");
}

#[tokio::test]
async fn what_is_no_key_is_refused_without_asking_anybody() {
    let house = sound();
    let good = key();
    let wrong_sum = format!("{}0", &good[..good.len() - 1]);
    let oversized = format!("{good}{}", "0".repeat(8_000));
    for wrong in
        ["sdft_", wrong_sum.as_str(), oversized.as_str(), &good.to_uppercase(), &good.replace("sdft_", "sdft_x")]
    {
        let status = house.status(wrong).await;
        assert!(status == 401, "{status}: {wrong:.80}");
    }
    assert_eq!(house.questions(), 0);
    let twice = get_request("/me").header("authorization", format!("Bearer {good}"));
    assert_eq!(house.ask(twice, &good).await.status, 401, "two headers");
    let query = format!("/me?api_key={good}&access_token={good}&key={good}");
    let answer = Answer::of(house.instance.clone().oneshot(empty(get_request(&query))).await.unwrap()).await;
    assert_eq!((answer.status, house.questions()), (401, 0), "a key in the query is nobody");
}

#[tokio::test]
async fn another_keys_name_with_ones_own_secret_is_refused_like_any_guess() {
    let house = sound();
    let foreign = api_key::text(id(2), &SECRET);
    let guess = api_key::text(id(1), &[8; 32]);
    let (one, other) = (house.ask(get_request("/me"), &foreign).await, house.ask(get_request("/me"), &guess).await);
    let without_trace =
        |answer: &Answer| answer.problem().lines().filter(|line| !line.starts_with("instance")).collect::<String>();
    assert_eq!((one.status, without_trace(&one)), (401, without_trace(&other)));
}

#[tokio::test]
async fn whoever_guesses_is_counted_before_anybody_is_asked() {
    let house = house("read.address=3/60", &["payments:read"], |_| ());
    let mut statuses = Vec::new();
    for number in 10..20 {
        statuses.push(house.status(&api_key::text(id(number), &SECRET)).await);
    }
    assert_eq!(statuses.last(), Some(&429));
    assert!(house.questions() <= 3, "{} questions", house.questions());
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_nothing_else() {
    let house = sound();
    assert_eq!(house.status(&key()).await, 200);
    let refused = house.ask(Request::post("/pay").header("idempotency-key", "k"), &key()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("payments:write"), "{}", refused.body);
    let writer = self::house("", &["payments:write"], |_| ());
    assert_eq!(writer.status(&key()).await, 403, "writing is not reading");
    assert_eq!(writer.ask(Request::post("/pay").header("idempotency-key", "k"), &key()).await.status, 200);
}

#[tokio::test]
async fn where_keys_are_not_accepted_they_open_nothing() {
    let setup = Setup::new();
    let answer = setup.send(empty(get_request("/me").header("authorization", format!("Bearer {}", key())))).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("API keys open nothing here"), "{}", answer.body);
    let log_in = Request::post("/log-in").header("authorization", format!("Bearer {}", key()));
    assert_eq!(setup.send(empty(log_in)).await.body, "false", "a route that reads no token sees none");
    let internal = get_request("/internal/users/work").header("authorization", format!("Bearer {}", key()));
    assert_eq!(sound().instance.oneshot(empty(internal)).await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_key_is_counted_by_itself_and_with_its_account() {
    let house = house("read.key=2/60 read.key@gold=4/60", &["payments:read"], |_| ());
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(house.status(&key()).await);
    }
    assert_eq!(statuses, [200, 200, 429]);
    let gold =
        self::house("read.key=2/60 read.key@gold=4/60", &["payments:read"], |key| key.plan = Some("gold".into()));
    for expected in [200, 200, 200, 200, 429] {
        assert_eq!(gold.status(&key()).await, expected);
    }
    let account = self::house("read.key=9/60 read.user=1/60", &["payments:read"], |_| ());
    for expected in [200, 429] {
        assert_eq!(account.status(&key()).await, expected, "a key never has more than its account");
    }
}
