//! What the tests of the use cases stand on: the routes over the record double, an acquirer that is played (`played`), a
//! clock that stands still.

pub use super::played::{Fault, PlayedAcquirer};
use crate::app::{PulseReport, on_pulse};
use crate::domain::StepUpLimits;
use crate::notices::{Dialect, sign};
use crate::{Payments, Provider, Providers};
use ambient::{Clock, CountedRandom, FixedClock, Timestamp};
use axum::body::Body;
use core::time::Duration;
use http::{Method, Request};
use http_body_util::BodyExt;
use ids::UserId;
use principal::{Idempotency, IdempotencyKey, Principal, RequestScope, TraceId};
use records::{AccountKey, Change, Content, Outcome, Posting, RecordKey};
use records_memory::MemoryRecords;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;
use uuid::Uuid;

/// An answer as the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Status, and the payment's status or the problem's type.
    pub fn gist(&self) -> (u16, String) {
        let json = self.json();
        let word = json.get("type").or_else(|| json.get("status")).and_then(Value::as_str).unwrap_or_default();
        (self.status, word.trim_start_matches("/problems/").to_owned())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Signs the provider's notices.
pub const NOTICE_SECRET: &str = "notice-secret";

/// The whole context.
#[derive(Clone)]
pub struct House {
    pub payments: Payments,
    pub records: MemoryRecords,
    pub acquirer: PlayedAcquirer,
    pub clock: FixedClock,
    pub user: UserId,
    pub roles: Vec<String>,
    pub scopes: Vec<String>,
    pub assurance: u8,
    /// How long its requests may take.
    pub patience_s: u64,
}

impl House {
    pub fn new() -> Self {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let random = Arc::new(CountedRandom::default());
        let records = MemoryRecords::new("payments", Arc::new(clock.clone()), random.clone());
        let acquirer = PlayedAcquirer::default();
        let provider = Provider {
            name: "sandbox".parse().unwrap(),
            acquirer: Arc::new(acquirer.clone()),
            dialect: Dialect::Sandbox,
            notice_secrets: vec![NOTICE_SECRET.to_owned()],
        };
        let payments = Payments {
            records: Arc::new(records.clone()),
            journal: Arc::new(records.clone()),
            providers: Providers::new(vec![provider], "*=sandbox".parse().unwrap()).unwrap(),
            step_up: StepUpLimits::default(),
            clock: Arc::new(clock.clone()),
            random,
        };
        let user = UserId::new(0, Uuid::from_u128(7));
        let scopes = vec!["payments:read".to_owned(), "payments:write".to_owned()];
        Self {
            payments,
            records,
            acquirer,
            clock,
            user,
            roles: vec!["user".to_owned()],
            scopes,
            assurance: 1,
            patience_s: 10,
        }
    }

    /// Another provider beside the first, and the table that chooses.
    pub fn add_provider(&mut self, name: &str, acquirer: PlayedAcquirer, routes: &str) {
        let first = self.payments.providers.named("sandbox").unwrap().clone();
        let second = Provider { name: name.parse().unwrap(), acquirer: Arc::new(acquirer), ..first.clone() };
        self.payments.providers = Providers::new(vec![first, second], routes.parse().unwrap()).unwrap();
    }

    /// The same house, entered by somebody else.
    pub fn as_user(&self, number: u128) -> Self {
        Self { user: UserId::new(0, Uuid::from_u128(number)), ..self.clone() }
    }

    pub fn as_operator(&self) -> Self {
        Self { roles: vec!["operator".to_owned()], ..self.clone() }
    }

    /// Whoever entered, as the edge would have found them.
    pub fn principal(&self) -> Principal {
        Principal {
            subject: self.user.to_string(),
            session: None,
            scopes: self.scopes.clone(),
            roles: self.roles.clone(),
            assurance: self.assurance,
            expires_at: Timestamp::from_unix_ms(i64::MAX),
        }
    }

    async fn send(&self, method: Method, path: &str, key: Option<&str>, body: &str) -> Seen {
        let now = self.clock.now();
        let mut request =
            Request::builder().method(method.clone()).uri(path).body(Body::from(body.to_owned())).unwrap();
        let extensions = request.extensions_mut();
        extensions.insert(self.principal());
        extensions.insert(RequestScope {
            trace: TraceId::from_bytes([1; 16]),
            deadline: now.plus(Duration::from_secs(self.patience_s)),
        });
        if let Some(key) = key {
            let half = ids::derived_uuid(&[method.as_str().as_bytes(), path.as_bytes(), body.as_bytes()]);
            let mut fingerprint = [0; 32];
            fingerprint[..16].copy_from_slice(half.as_bytes());
            extensions.insert(Idempotency { key: IdempotencyKey::new(key).unwrap(), fingerprint });
        }
        self.answer(request).await
    }

    async fn answer(&self, request: Request<Body>) -> Seen {
        let routes = crate::http::public(self.payments.clone())
            .merge(crate::http::ledger(self.payments.clone()))
            .merge(crate::http::reconciliation(self.payments.clone()));
        let response = routes.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Seen { status: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, None, "").await
    }

    pub async fn post(&self, path: &str, key: &str, body: &str) -> Seen {
        self.send(Method::POST, path, Some(key), body).await
    }

    pub async fn put(&self, path: &str, body: &str) -> Seen {
        self.send(Method::PUT, path, None, body).await
    }

    pub async fn delete(&self, path: &str, key: &str) -> Seen {
        self.send(Method::DELETE, path, Some(key), "").await
    }

    pub async fn post_without_key(&self, path: &str, body: &str) -> Seen {
        self.send(Method::POST, path, None, body).await
    }

    /// Creates a payment of 10.00 EUR and gives its path.
    pub async fn created(&self, key: &str, token: &str, capture_method: &str) -> String {
        let body = format!(
            r#"{{"amount_minor":1000,"currency":"EUR","payment_method":"{token}","capture_method":"{capture_method}"}}"#
        );
        let seen = self.post("/v1/payments", key, &body).await;
        assert_eq!(seen.status, 201, "{}", seen.text);
        seen.header("location").unwrap().to_owned()
    }

    /// Creates a payment and has it authorized.
    pub async fn authorized(&self, key: &str) -> String {
        let path = self.created(key, "tok_visa", "manual").await;
        let seen = self.post(&format!("{path}/confirm"), &format!("{key}-confirm"), "").await;
        assert_eq!(seen.gist(), (200, "authorized".to_owned()));
        path
    }

    pub async fn confirm(&self, path: &str, key: &str) -> Seen {
        self.post(&format!("{path}/confirm"), key, "").await
    }

    pub fn later(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1000);
    }

    /// Posts this many entries of one cent from our bank to payouts.
    pub async fn post_entries(&self, entries: usize) {
        for number in 0..entries {
            let meta = self.payments.meta("0".repeat(32), "test".to_owned());
            let key = RecordKey::new(format!("test:{number}")).unwrap();
            let leg = |name: &str, posted_minor| Posting {
                account: AccountKey::new(name).unwrap(),
                currency: "EUR".to_owned(),
                posted_minor,
                held_minor: 0,
                floor_minor: None,
            };
            let change = Change::new(key, None, Content::Body("{}".into()), meta)
                .with_postings([leg("bank:EUR", -1), leg("payouts:EUR", 1)]);
            assert!(matches!(self.payments.records.commit(change).await, Ok(Outcome::Committed(_))));
        }
    }

    pub async fn pulse(&self) -> PulseReport {
        on_pulse(&self.payments, &"0".repeat(32), None).await.unwrap()
    }

    /// The provider sends a notice.
    pub async fn notify(&self, body: &str) -> Seen {
        self.notify_as("sandbox", body).await
    }

    pub async fn notify_as(&self, provider: &str, body: &str) -> Seen {
        let header = sign(NOTICE_SECRET, body.as_bytes(), self.clock.now());
        self.notice_to(provider, body, &header).await
    }

    /// A notice with a signature of somebody's.
    pub async fn notify_with(&self, body: &str, header: &str) -> Seen {
        self.notice_to("sandbox", body, header).await
    }

    async fn notice_to(&self, provider: &str, body: &str, header: &str) -> Seen {
        let request = Request::post(format!("/v1/providers/{provider}/events"))
            .header("sandbox-signature", header)
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.answer(request).await
    }

    /// How many notices wait, or wait for an operator.
    pub async fn open_notices(&self) -> u64 {
        self.as_operator().get("/v1/providers/notices").await.json()["total"].as_u64().unwrap()
    }

    /// The last words of the events' types so far.
    pub fn told(&self) -> Vec<String> {
        let word = |kind: &str| kind.split('.').nth(2).unwrap_or_default().to_owned();
        self.records.events().iter().map(|event| word(&event.kind)).collect()
    }

    /// Posted of the acquirer with what payers' banks hold; posted of merchant and fees with what is set aside for refunds
    /// and disputes, and how much that is; in euro cents.
    pub async fn balances(&self) -> [(i64, i64); 2] {
        let of = async |name: &str, word: &str| {
            let json = self.as_operator().get(&format!("/v1/ledger/accounts/{name}:EUR")).await.json();
            json[word].as_i64().unwrap()
        };
        let aside = of("refunds", "posted_minor").await + of("disputes", "posted_minor").await;
        let earned = of("merchant", "posted_minor").await + of("fees", "posted_minor").await;
        [(of("acquirer", "posted_minor").await, of("holds", "held_minor").await), (earned + aside, aside)]
    }
}
