//! API keys: from a bearer text that begins like one to a principal, by asking users and remembering the answer a while.

use crate::bearer::refused;
use ambient::{Clock, Timestamp};
use api_key::{NotAKey, Presented, VerifiedKey, VerifyKey};
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
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The key that it was proven by; `None` for an access token.
    pub(crate) key: Option<String>,
}

impl Caller {
    pub(crate) fn person(principal: Principal) -> Self {
        Self { principal, key: None }
    }

    /// Refuses what the key is not allowed.
    ///
    /// # Errors
    /// 403 that names the scope.
    pub(crate) fn within(self, scopes: KeyScopes, method: &Method) -> Result<Self, Problem> {
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

/// By the SHA-256 of the text, so that no key lies in memory.
#[derive(Default)]
struct Memory {
    good: HashMap<[u8; 32], (Caller, Timestamp)>,
    bad: HashMap<[u8; 32], Timestamp>,
}

/// What is known of a text without asking.
pub(crate) enum Look {
    Known(Caller),
    Refused(Problem),
    Unknown(Unknown),
}

/// A key that users has to be asked about.
pub(crate) struct Unknown {
    presented: Presented,
    text: [u8; 32],
}

impl ApiKeys {
    /// Asks `<users_url>/internal/users/api-keys/verify` with a service token.
    pub fn asked(http: Arc<dyn HttpClient>, users_url: &str, tokens: ServiceTokens, clock: Arc<dyn Clock>) -> Self {
        let url = format!("{}/internal/users/api-keys/verify", users_url.trim_end_matches('/'));
        Self { http, url, tokens, clock, memory: Mutex::default() }
    }

    /// Looks into memory; a text whose form or checksum is wrong is refused without anything else.
    pub(crate) fn look(&self, text: &str) -> Look {
        let presented = match Presented::parse(text) {
            Ok(presented) => presented,
            Err(error) => return Look::Refused(refused(&error)),
        };
        let (text, now): ([u8; 32], _) = (Sha256::digest(text).into(), self.clock.now());
        let memory = self.memory();
        if let Some((caller, _)) = memory.good.get(&text).filter(|(_, until)| now < *until) {
            return Look::Known(caller.clone());
        }
        if memory.bad.get(&text).is_some_and(|until| now < *until) {
            return Look::Refused(refused(&NotAKey));
        }
        Look::Unknown(Unknown { presented, text })
    }

    /// Asks users. Whatever is no answer is 503: a key that nobody vouches for opens nothing.
    pub(crate) async fn ask(&self, unknown: Unknown, scope: RequestScope) -> Result<Caller, Problem> {
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
        match answer.status() {
            StatusCode::OK => {
                let verified: VerifiedKey =
                    serde_json::from_slice(answer.body()).map_err(|error| nobody().caused_by(&error))?;
                let until = now.plus(REMEMBERED).min(verified.expires_at);
                let caller = caller(&unknown.presented, verified);
                make_room(&mut self.memory().good, now, |(_, until)| *until)
                    .insert(unknown.text, (caller.clone(), until));
                Ok(caller)
            }
            StatusCode::NOT_FOUND => {
                make_room(&mut self.memory().bad, now, |until| *until).insert(unknown.text, now.plus(REMEMBERED));
                Err(refused(&NotAKey))
            }
            status => Err(nobody().caused_by(&Unanswered(status))),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A map that has room for one more.
fn make_room<V>(
    map: &mut HashMap<[u8; 32], V>,
    now: Timestamp,
    until: impl Fn(&V) -> Timestamp,
) -> &mut HashMap<[u8; 32], V> {
    if map.len() >= MOST_REMEMBERED {
        map.retain(|_, value| now < until(value));
    }
    if map.len() >= MOST_REMEMBERED {
        map.clear();
    }
    map
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
