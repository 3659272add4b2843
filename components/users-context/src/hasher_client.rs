//! The hasher behind HTTP, with a lease around each call.
//!
//! The lease is taken here and not in the hasher: an instance that hashes cannot take a second request, so each waiting
//! one starts an instance of its own, and no counter inside an instance ever sees a neighbour. What does not live here:
//! argon2 (the hasher) and how leases are counted (`leases`).

use crate::domain::Password;
use crate::hashing::{HashingError, PasswordHashing};
use ambient::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use hasher_wire::{Hash, Hashed, Plain, Verified, Verify};
use http::{HeaderValue, Method, StatusCode, header};
use http_client::HttpClient;
use leases::{LeaseError, Leases};
use principal::RequestScope;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_token::ServiceTokens;
use std::sync::Arc;

/// The audience of the token that opens the hasher.
const AUDIENCE: &str = "hasher";
/// The longest call, waiting for a lease included.
const CALL: Duration = Duration::from_secs(5);
/// The longest wait for a lease: who cannot begin within it is better told to come back.
const WAIT: Duration = Duration::from_secs(2);
/// What a caller who found no place is told. **Units** seconds.
const COME_BACK_S: u32 = 1;

/// Calls `POST {url}/internal/hasher/…`.
pub struct HasherClient {
    url: String,
    http: Arc<dyn HttpClient>,
    tokens: ServiceTokens,
    leases: Leases,
    clock: Arc<dyn Clock>,
}

impl HasherClient {
    /// How long one lease lasts where its holder dies: many times a hash, and short for whoever waits.
    pub const LEASE: Duration = Duration::from_secs(1);

    /// A client of the hasher at `url`, such as `http://hasher.spin.internal`.
    pub fn new(
        url: &str,
        http: Arc<dyn HttpClient>,
        tokens: ServiceTokens,
        leases: Leases,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), http, tokens, leases, clock }
    }

    /// One call under a lease, which is given back whatever came of the call.
    async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        verb: &str,
        question: &Q,
        scope: &RequestScope,
    ) -> Result<A, HashingError> {
        let wait = WAIT.min(scope.remaining(self.clock.now(), CALL));
        let lease = self.leases.take(wait).await.map_err(|error| match error {
            LeaseError::Taken { .. } => HashingError::Busy { retry_after_s: COME_BACK_S },
            LeaseError::Redis(error) => HashingError::Unavailable(error.to_string()),
        })?;
        let answer = self.send(verb, question, scope).await;
        // A lease that cannot be given back ends by itself; the answer is there and worth more than the error.
        let _ = self.leases.release(lease).await;
        answer
    }

    async fn send<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        verb: &str,
        question: &Q,
        scope: &RequestScope,
    ) -> Result<A, HashingError> {
        let now = self.clock.now();
        let request = self.request(verb, question, scope)?;
        let response = self
            .http
            .send(request, scope.remaining(now, CALL))
            .await
            .map_err(|error| HashingError::Unavailable(error.to_string()))?;
        match response.status() {
            StatusCode::OK => {
                serde_json::from_slice(response.body()).map_err(|error| HashingError::Nonsense(error.to_string()))
            }
            StatusCode::SERVICE_UNAVAILABLE => Err(HashingError::Busy { retry_after_s: retry_after_s(&response) }),
            status => Err(HashingError::Nonsense(format!("status {status}"))),
        }
    }

    fn request<Q: Serialize>(
        &self,
        verb: &str,
        question: &Q,
        scope: &RequestScope,
    ) -> Result<http::Request<Bytes>, HashingError> {
        let now = self.clock.now();
        let nonsense = |error: &dyn core::fmt::Display| HashingError::Nonsense(error.to_string());
        let body = serde_json::to_vec(question).map_err(|error| nonsense(&error))?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", self.tokens.issue(AUDIENCE, now)))
            .map_err(|error| nonsense(&error))?;
        let mut request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/internal/hasher/{verb}", self.url))
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| nonsense(&error))?;
        scope.forward(request.headers_mut(), now, CALL);
        Ok(request)
    }
}

/// The `Retry-After` of an answer in seconds, or what we say ourselves.
fn retry_after_s(response: &http::Response<Bytes>) -> u32 {
    response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .unwrap_or(COME_BACK_S)
}

#[async_trait]
impl PasswordHashing for HasherClient {
    async fn hash(&self, password: &Password, scope: &RequestScope) -> Result<String, HashingError> {
        let question = Hash { password: password.plain().clone() };
        let hashed: Hashed = self.call("hash", &question, scope).await?;
        Ok(hashed.phc)
    }

    async fn verify(
        &self,
        password: Option<&Password>,
        phc: Option<&str>,
        scope: &RequestScope,
    ) -> Result<Verified, HashingError> {
        let question = match password {
            Some(password) => Verify { password: password.plain().clone(), phc: phc.map(str::to_owned) },
            None => Verify { password: Plain::new(""), phc: None },
        };
        self.call("verify", &question, scope).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, PHC_PREFIX, free_leases};
    use http_client::{HttpError, ScriptedHttp};
    use redis_client::RedisError;

    fn client(http: &ScriptedHttp, leases: Leases) -> HasherClient {
        let clock = testing::clock();
        let tokens = ServiceTokens::new(b"a key of at least 32 random bytes");
        HasherClient::new("http://hasher.test/", Arc::new(http.clone()), tokens, leases, Arc::new(clock))
    }

    fn answering(status: u16, body: &'static str) -> ScriptedHttp {
        ScriptedHttp::new(move |_| {
            let response = http::Response::builder().status(status).header("retry-after", "3");
            response.body(Bytes::from(body)).map_err(|error| HttpError::NotSent(error.to_string()))
        })
    }

    fn password() -> Password {
        Password::attempt(&Plain::new("correct horse")).unwrap()
    }

    #[tokio::test]
    async fn the_call_carries_its_token_its_trace_and_its_deadline() {
        let http = testing::hasher();
        let scope = testing::scope();
        let phc = client(&http, free_leases()).hash(&password(), &scope).await.unwrap();
        assert_eq!(phc, format!("{PHC_PREFIX}correct horse"));
        let asked = http.asked();
        let [request] = asked.as_slice() else { panic!("one request") };
        assert_eq!(request.uri(), "http://hasher.test/internal/hasher/hash");
        let bearer = request.headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let tokens = ServiceTokens::new(b"a key of at least 32 random bytes");
        assert_eq!(tokens.verify(bearer, "hasher", testing::clock().now()), Ok(()));
        assert_eq!(request.headers()["x-spindrift-trace"], scope.trace.to_string().as_str());
        assert_eq!(request.headers()["x-request-timeout"], "5000");
    }

    #[tokio::test]
    async fn each_failure_says_what_it_is() {
        let scope = testing::scope();
        for (http, error) in [
            (answering(503, ""), HashingError::Busy { retry_after_s: 3 }),
            (answering(500, ""), HashingError::Nonsense("status 500 Internal Server Error".to_owned())),
            (answering(200, "{}"), HashingError::Nonsense("missing field `phc` at line 1 column 2".to_owned())),
            (
                ScriptedHttp::new(|_| Err(HttpError::Lost("deadline".to_owned()))),
                HashingError::Unavailable("the answer was lost: deadline".to_owned()),
            ),
        ] {
            assert_eq!(client(&http, free_leases()).hash(&password(), &scope).await, Err(error));
        }
    }

    #[tokio::test]
    async fn without_a_lease_the_hasher_is_not_called() {
        let http = testing::hasher();
        let busy = client(&http, testing::taken_leases()).hash(&password(), &testing::scope()).await;
        assert_eq!(busy, Err(HashingError::Busy { retry_after_s: 1 }));
        let gone = RedisError::Unavailable("gone".to_owned());
        let down = client(&http, testing::broken_leases(gone)).hash(&password(), &testing::scope()).await;
        assert!(matches!(down, Err(HashingError::Unavailable(_))), "{down:?}");
        assert!(http.asked().is_empty());
    }
}
