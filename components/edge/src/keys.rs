//! The keys that tokens are verified with: fixed where they are at hand, else fetched from users and kept for a while.

use access_token::Jwks;
use ambient::{Clock, Timestamp};
use bytes::Bytes;
use core::time::Duration;
use http_client::{HttpClient, HttpError};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a fetched key set is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(300);
/// How long a fetched key set is used while it cannot be fetched again.
const STALE: Duration = Duration::from_secs(3600);
/// How often an unknown key name may cause a fetch: a caller who invents names cannot make us ask more often.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(30);
/// How long one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Why there are no keys.
#[derive(Debug)]
pub(crate) enum NoKeys {
    /// The call failed.
    Http(HttpError),
    /// The answer is not a key set.
    Answer(String),
}

impl core::fmt::Display for NoKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Http(error) => write!(f, "the key set cannot be fetched: {error}"),
            Self::Answer(what) => write!(f, "the key set is unusable: {what}"),
        }
    }
}

impl core::error::Error for NoKeys {}

/// Where the keys come from.
pub struct TokenKeys(Source);

enum Source {
    Fixed(Arc<Jwks>),
    Fetched(Fetched),
}

struct Fetched {
    http: Arc<dyn HttpClient>,
    url: String,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
}

#[derive(Clone, Default)]
struct Memory {
    keys: Option<(Arc<Jwks>, Timestamp)>,
    tried: Option<Timestamp>,
}

impl TokenKeys {
    /// Keys that are at hand, as in users itself.
    pub fn fixed(keys: Jwks) -> Self {
        Self(Source::Fixed(Arc::new(keys)))
    }

    /// Keys of `<users_url>/.well-known/jwks.json`: kept for five minutes (an hour while users does not answer), fetched
    /// again for an unknown key name at most once in 30 seconds.
    pub fn fetched(http: Arc<dyn HttpClient>, users_url: &str, clock: Arc<dyn Clock>) -> Self {
        let url = format!("{}/.well-known/jwks.json", users_url.trim_end_matches('/'));
        Self(Source::Fetched(Fetched { http, url, clock, memory: Mutex::default() }))
    }

    /// The keys, fetched where there are none or they are old.
    pub(crate) async fn current(&self) -> Result<Arc<Jwks>, NoKeys> {
        match &self.0 {
            Source::Fixed(keys) => Ok(Arc::clone(keys)),
            Source::Fetched(fetched) => fetched.current().await,
        }
    }

    /// Newer keys than those that lacked a name; `None` where it is too early to ask again or there is nothing to ask.
    pub(crate) async fn renewed(&self) -> Option<Arc<Jwks>> {
        match &self.0 {
            Source::Fixed(_) => None,
            Source::Fetched(fetched) => fetched.renewed().await,
        }
    }
}

impl Fetched {
    fn memory(&self) -> Memory {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn current(&self) -> Result<Arc<Jwks>, NoKeys> {
        let (now, memory) = (self.clock.now(), self.memory());
        let Some((keys, fetched_at)) = memory.keys else {
            return self.fetch().await;
        };
        let age = now.since(fetched_at);
        let tried_just_now = memory.tried.is_some_and(|tried| now.since(tried) < BETWEEN_RENEWALS);
        if age < FRESH || (age < STALE && tried_just_now) {
            return Ok(keys);
        }
        match self.fetch().await {
            Err(_) if age < STALE => Ok(keys),
            other => other,
        }
    }

    async fn renewed(&self) -> Option<Arc<Jwks>> {
        let now = self.clock.now();
        if self.memory().tried.is_some_and(|tried| now.since(tried) < BETWEEN_RENEWALS) {
            return None;
        }
        self.fetch().await.ok()
    }

    async fn fetch(&self) -> Result<Arc<Jwks>, NoKeys> {
        let now = self.clock.now();
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).tried = Some(now);
        let request = http::Request::get(&self.url)
            .body(Bytes::new())
            .map_err(|error| NoKeys::Answer(format!("`{}` is no URL: {error}", self.url)))?;
        let response = self.http.send(request, TIMEOUT).await.map_err(NoKeys::Http)?;
        if !response.status().is_success() {
            return Err(NoKeys::Answer(format!("status {}", response.status())));
        }
        let keys: Jwks = serde_json::from_slice(response.body()).map_err(|error| NoKeys::Answer(error.to_string()))?;
        let keys = Arc::new(keys);
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).keys = Some((Arc::clone(&keys), now));
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access_token::SigningKey;
    use ambient::FixedClock;
    use http_client::ScriptedHttp;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn keys() -> (TokenKeys, ScriptedHttp, FixedClock, Arc<AtomicBool>) {
        let (clock, up) = (FixedClock::at("2026-01-01T00:00:00.000Z"), Arc::new(AtomicBool::new(true)));
        let answers = Arc::clone(&up);
        let http = ScriptedHttp::new(move |_| {
            if !answers.load(Ordering::SeqCst) {
                return Err(HttpError::NotSent("connection refused".to_owned()));
            }
            let keys = Jwks { keys: vec![SigningKey::from_seed(&[1; 32]).jwk()] };
            Ok(http::Response::new(serde_json::to_vec(&keys).unwrap().into()))
        });
        let keys = TokenKeys::fetched(Arc::new(http.clone()), "http://users.spin.internal/", Arc::new(clock.clone()));
        (keys, http, clock, up)
    }

    #[tokio::test]
    async fn the_key_set_is_fetched_once_and_again_when_it_is_old() {
        let (keys, http, clock, _) = keys();
        assert_eq!(keys.current().await.unwrap().keys.len(), 1);
        assert_eq!(http.asked()[0].uri(), "http://users.spin.internal/.well-known/jwks.json");
        clock.advance_ms(299_999);
        keys.current().await.unwrap();
        assert_eq!(http.asked().len(), 1);
        clock.advance_ms(1);
        keys.current().await.unwrap();
        assert_eq!(http.asked().len(), 2);
    }

    #[tokio::test]
    async fn unknown_names_cause_a_fetch_at_most_every_30_seconds() {
        let (keys, http, clock, _) = keys();
        keys.current().await.unwrap();
        for _ in 0..100 {
            assert!(keys.renewed().await.is_none());
        }
        clock.advance_ms(30_000);
        assert!(keys.renewed().await.is_some());
        assert!(keys.renewed().await.is_none());
        assert_eq!(http.asked().len(), 2);
    }

    #[tokio::test]
    async fn old_keys_are_used_while_users_does_not_answer_but_not_for_ever() {
        let (keys, http, clock, up) = keys();
        keys.current().await.unwrap();
        up.store(false, Ordering::SeqCst);
        clock.advance_ms(600_000);
        assert!(keys.current().await.is_ok());
        assert!(keys.current().await.is_ok());
        assert_eq!(http.asked().len(), 2, "it does not ask for each request");
        clock.advance_ms(3_000_000);
        assert!(keys.current().await.is_err());
        up.store(true, Ordering::SeqCst);
        assert!(keys.current().await.is_ok());
    }

    #[tokio::test]
    async fn an_answer_that_is_no_key_set_is_an_error() {
        let http = ScriptedHttp::new(|_| Ok(http::Response::new("<html>".into())));
        let keys = TokenKeys::fetched(Arc::new(http), "http://users", Arc::new(FixedClock::at("2026-01-01T00:00:00Z")));
        assert!(matches!(keys.current().await, Err(NoKeys::Answer(_))));
    }
}
