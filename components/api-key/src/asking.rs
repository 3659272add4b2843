//! API keys: from a bearer text that begins like one to a principal, by asking users and remembering the answer a while.

use crate::{Presented, VerifiedKey, VerifyKey};
use ambient::{Clock, Timestamp};
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::{Method, StatusCode, header};
use http_client::HttpClient;
use principal::{Principal, RequestScope};
use problem::{FORBIDDEN, Problem, UNAVAILABLE};
use route_policy::KeyScopes;
use service_token::ServiceTokens;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long an answer is believed: a key that is revoked opens nothing after this long, wherever it is used.
const REMEMBERED: Duration = Duration::from_secs(60);
/// How many answers of each kind an instance remembers. Refusals have a memory of their own, so that whoever guesses does
/// not push out what holds.
const MOST_REMEMBERED: usize = 256;
/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The role that every account has; a key has no other but its account's plan.
const ROLE_USER: &str = "user";

/// Somebody who has proven who they are.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The key that it was proven by; `None` for an access token.
    pub key: Option<String>,
}

impl Caller {
    /// Somebody with an access token.
    pub fn person(principal: Principal) -> Self {
        Self { principal, key: None }
    }

    /// Refuses what the key is not allowed.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub fn within(self, scopes: KeyScopes, method: &Method) -> Result<Self, Problem> {
        let wanted = scopes.of(method).ok_or_else(|| Problem::new(FORBIDDEN).detail("API keys open nothing here"))?;
        wanted.iter().try_for_each(|scope| self.principal.require_scope(scope))?;
        Ok(self)
    }
}

/// Asks users about keys, and remembers what it said.
pub struct ApiKeys {
    http: Arc<dyn HttpClient>,
    url: String,
    tokens: ServiceTokens,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

/// By the SHA-256 of the text, so that no key lies in memory: who has it (nobody, where it was refused), and until when
/// that is believed.
type Answers = HashMap<[u8; 32], (Option<Caller>, Timestamp)>;

#[derive(Default)]
struct Memory {
    good: Answers,
    bad: Answers,
}

/// Who knows about keys. A port, so that a function which takes none does not carry the asking.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Looks into memory; a text whose form or checksum is wrong is refused without anything else.
    fn look(&self, text: &str) -> Look;

    /// Asks; `None` where the key does not hold.
    ///
    /// # Errors
    /// 503 for whatever is no answer: a key that nobody vouches for opens nothing.
    async fn ask(&self, unknown: Unknown, scope: RequestScope) -> Result<Option<Caller>, Problem>;
}

/// What is known of a text without asking.
pub enum Look {
    /// Somebody has it.
    Known(Caller),
    /// It does not hold.
    Refused,
    /// Somebody has to be asked.
    Unknown(Unknown),
}

/// A key that users has to be asked about.
pub struct Unknown {
    presented: Presented,
    text: [u8; 32],
}

impl ApiKeys {
    /// Asks `<users_url>/internal/users/api-keys/verify` with a service token.
    pub fn asked(http: Arc<dyn HttpClient>, users_url: &str, tokens: ServiceTokens, clock: Arc<dyn Clock>) -> Self {
        let url = format!("{}/internal/users/api-keys/verify", users_url.trim_end_matches('/'));
        Self { http, url, tokens, clock, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Keys for ApiKeys {
    fn look(&self, text: &str) -> Look {
        let Ok(presented) = Presented::parse(text) else { return Look::Refused };
        let (text, now): ([u8; 32], _) = (Sha256::digest(text).into(), self.clock.now());
        let memory = self.memory();
        let answers = [&memory.good, &memory.bad];
        match answers.into_iter().find_map(|answers| answers.get(&text).filter(|(_, until)| now < *until)) {
            Some((Some(caller), _)) => Look::Known(caller.clone()),
            Some((None, _)) => Look::Refused,
            None => Look::Unknown(Unknown { presented, text }),
        }
    }

    async fn ask(&self, unknown: Unknown, scope: RequestScope) -> Result<Option<Caller>, Problem> {
        let now = self.clock.now();
        let nobody = || Problem::new(UNAVAILABLE).retry_after_s(1);
        let body =
            serde_json::to_vec(&VerifyKey::of(&unknown.presented)).map_err(|error| nobody().caused_by(&error))?;
        let mut request = http::Request::post(&self.url)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.tokens.issue("users", now)))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| nobody().caused_by(&error))?;
        scope.forward(request.headers_mut(), now, TIMEOUT);
        let timeout = scope.remaining(now, TIMEOUT);
        let answer = self.http.send(request, timeout).await.map_err(|error| nobody().caused_by(&error))?;
        if answer.status() != StatusCode::OK {
            return Err(nobody().caused_by(&Unanswered(answer.status())));
        }
        let verified: Option<VerifiedKey> =
            serde_json::from_slice(answer.body()).map_err(|error| nobody().caused_by(&error))?;
        let Some(verified) = verified else {
            remember(&mut self.memory().bad, unknown.text, (None, now.plus(REMEMBERED)), now);
            return Ok(None);
        };
        let until = now.plus(REMEMBERED).min(verified.expires_at);
        let caller = caller(&unknown.presented, verified);
        remember(&mut self.memory().good, unknown.text, (Some(caller.clone()), until), now);
        Ok(Some(caller))
    }
}

/// Users gave an answer that says nothing about the key.
#[derive(Debug)]
struct Unanswered(StatusCode);

impl core::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "users answers {} about a key", self.0)
    }
}

impl core::error::Error for Unanswered {}

/// Keeps an answer; where there are too many, those that are over go, then all.
fn remember(answers: &mut Answers, text: [u8; 32], answer: (Option<Caller>, Timestamp), now: Timestamp) {
    if answers.len() >= MOST_REMEMBERED {
        answers.retain(|_, (_, until)| now < *until);
    }
    if answers.len() >= MOST_REMEMBERED {
        answers.clear();
    }
    answers.insert(text, answer);
}

/// A key has neither a session nor a second factor, and of the roles of its account the plan alone: it can neither step up
/// nor act as an operator.
fn caller(presented: &Presented, verified: VerifiedKey) -> Caller {
    let plan = verified.plan.map(|plan| format!("plan:{plan}"));
    let principal = Principal {
        subject: verified.user_id.to_string(),
        session: None,
        scopes: verified.scopes,
        roles: [ROLE_USER.to_owned()].into_iter().chain(plan).collect(),
        assurance: 0,
        expires_at: verified.expires_at,
    };
    Caller { principal, key: Some(presented.id.to_string()) }
}
