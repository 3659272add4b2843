//! The desk over HTTP: `/internal/users/privacy/…`, with a service token a call.

use crate::{DeskError, ErasurePart, ExportPage, PrivacyDesk, Service, SubjectKey};
use ambient::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_client::HttpClient;
use ids::{ErasureId, ExportId, UserId};
use serde::{Deserialize, Serialize};
use service_token::ServiceTokens;
use std::sync::Arc;

/// The audience of the token that opens it.
const AUDIENCE: &str = "users";
/// The longest call.
const CALL: Duration = Duration::from_secs(3);

/// Calls the users context.
///
/// A worker runs in another process than the HTTP functions and cannot chain: the address is one on the network.
#[derive(Clone)]
pub struct HttpDesk {
    base: String,
    http: Arc<dyn HttpClient>,
    tokens: ServiceTokens,
    clock: Arc<dyn Clock>,
}

/// The answer of `GET …/keys/{user}`.
#[derive(Serialize, Deserialize)]
struct KeyAnswer {
    key: String,
}

impl HttpDesk {
    /// A desk at `url`, such as `http://users.spindrift.svc.cluster.local`.
    pub fn new(url: &str, http: Arc<dyn HttpClient>, tokens: ServiceTokens, clock: Arc<dyn Clock>) -> Self {
        Self { base: format!("{}/internal/users/privacy", url.trim_end_matches('/')), http, tokens, clock }
    }

    async fn call(&self, method: Method, path: String, body: Bytes) -> Result<Response<Bytes>, DeskError> {
        let unusable = |error: &dyn core::fmt::Display| DeskError::Refused(error.to_string());
        let bearer = HeaderValue::try_from(format!("Bearer {}", self.tokens.issue(AUDIENCE, self.clock.now())))
            .map_err(|error| unusable(&error))?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| unusable(&error))?;
        self.http.send(request, CALL).await.map_err(|error| DeskError::Unavailable(error.to_string()))
    }

    async fn put<T: Serialize + Sync>(&self, path: String, part: &T) -> Result<StatusCode, DeskError> {
        let body = serde_json::to_vec(part).map_err(|error| DeskError::Refused(error.to_string()))?;
        Ok(self.call(Method::PUT, path, Bytes::from(body)).await?.status())
    }
}

/// Statuses that blame what was sent end it; everything else may mend itself or be mended by an operator.
fn failed(status: StatusCode) -> DeskError {
    let said = format!("status {}", status.as_u16());
    match status.as_u16() {
        400 | 413 | 415 | 422 => DeskError::Refused(said),
        _ => DeskError::Unavailable(said),
    }
}

#[async_trait]
impl PrivacyDesk for HttpDesk {
    async fn subject_key(&self, subject: UserId) -> Result<Option<SubjectKey>, DeskError> {
        let answer = self.call(Method::GET, format!("/keys/{subject}"), Bytes::new()).await?;
        match answer.status() {
            StatusCode::OK => {
                let KeyAnswer { key } = serde_json::from_slice(answer.body())
                    .map_err(|_| DeskError::Unavailable("the answer is no key".to_owned()))?;
                let key = SubjectKey::parse(&key);
                key.map(Some).ok_or_else(|| DeskError::Unavailable("the answer is no key".to_owned()))
            }
            // Not 404: a wrong address or a proxy that knows no such route must never look like an erasure.
            StatusCode::GONE => Ok(None),
            status => Err(failed(status)),
        }
    }

    async fn erased(&self, erasure: ErasureId, service: Service, part: &ErasurePart) -> Result<(), DeskError> {
        match self.put(format!("/erasures/{erasure}/{}", service.word()), part).await? {
            StatusCode::NO_CONTENT | StatusCode::GONE => Ok(()),
            status => Err(failed(status)),
        }
    }

    async fn exported(
        &self,
        subject: UserId,
        export: ExportId,
        service: Service,
        page: &ExportPage,
    ) -> Result<bool, DeskError> {
        match self.put(format!("/exports/{subject}/{export}/{}", service.word()), page).await? {
            StatusCode::NO_CONTENT => Ok(true),
            StatusCode::GONE => Ok(false),
            status => Err(failed(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PageOf;
    use ambient::FixedClock;
    use futures::executor::block_on;
    use http_client::{HttpError, ScriptedHttp};

    const COMMON_KEY: &[u8] = b"a key of at least 32 random bytes";

    fn ada() -> UserId {
        UserId::derived(0, &[b"ada"])
    }

    fn desk(http: ScriptedHttp) -> (HttpDesk, FixedClock) {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let tokens = ServiceTokens::new(COMMON_KEY);
        (HttpDesk::new("http://users.test/", Arc::new(http), tokens, Arc::new(clock.clone())), clock)
    }

    fn answering(status: u16, body: &'static str) -> ScriptedHttp {
        ScriptedHttp::new(move |_| {
            Ok(Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        })
    }

    fn key_from(status: u16, body: &'static str) -> Result<Option<SubjectKey>, DeskError> {
        block_on(desk(answering(status, body)).0.subject_key(ada()))
    }

    #[test]
    fn a_key_is_asked_for_with_a_token_of_the_users_context() {
        let http = answering(200, r#"{"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#);
        let (desk, clock) = desk(http.clone());
        assert_eq!(block_on(desk.subject_key(ada())), Ok(Some(SubjectKey::new([0; 32]))));
        let asked = http.asked();
        let expected = format!("http://users.test/internal/users/privacy/keys/{}", ada());
        assert_eq!((asked[0].method(), asked[0].uri().to_string()), (&Method::GET, expected));
        let bearer = asked[0].headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
        assert_eq!(ServiceTokens::new(COMMON_KEY).verify(&bearer, AUDIENCE, clock.now()), Ok(()));
    }

    #[test]
    fn only_gone_is_an_erasure_and_everything_else_comes_back() {
        assert_eq!(key_from(410, ""), Ok(None));
        for status in [401, 403, 404, 429, 500, 502, 503] {
            assert!(matches!(key_from(status, ""), Err(DeskError::Unavailable(_))), "{status}");
        }
        for nonsense in ["", "{}", r#"{"key":"short"}"#] {
            assert!(matches!(key_from(200, nonsense), Err(DeskError::Unavailable(_))), "{nonsense}");
        }
        let lost = ScriptedHttp::new(|_| Err(HttpError::Lost("reset".into())));
        assert!(matches!(block_on(desk(lost).0.subject_key(ada())), Err(DeskError::Unavailable(_))));
    }

    #[test]
    fn parts_and_pages_go_to_their_places() {
        let at = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let part = ErasurePart { look: 1, at, erased: vec![], kept: vec![], waiting: vec![] };
        let page = ExportPage { page: PageOf { number: 2, last: true }, truncated: false, items: vec![] };
        let (erasure, export) = (ErasureId::derived(0, &[b"e"]), ExportId::derived(0, &[b"x"]));
        let http = answering(204, "");
        let (client, _) = desk(http.clone());
        assert_eq!(block_on(client.erased(erasure, Service::Queries, &part)), Ok(()));
        assert_eq!(block_on(client.exported(ada(), export, Service::Payments, &page)), Ok(true));
        let paths: Vec<_> = http.asked().iter().map(|asked| asked.uri().path().to_owned()).collect();
        assert_eq!(
            paths,
            [
                format!("/internal/users/privacy/erasures/{erasure}/queries"),
                format!("/internal/users/privacy/exports/{}/{export}/payments", ada()),
            ]
        );
        assert_eq!(serde_json::from_slice::<ErasurePart>(http.asked()[0].body()).unwrap(), part);
        assert_eq!(block_on(desk(answering(410, "")).0.exported(ada(), export, Service::Payments, &page)), Ok(false));
        for (status, refused) in [(422, true), (413, true), (503, false), (404, false)] {
            let outcome = block_on(desk(answering(status, "")).0.erased(erasure, Service::Queries, &part));
            assert_eq!(matches!(outcome, Err(DeskError::Refused(_))), refused, "{status} {outcome:?}");
            assert!(outcome.is_err());
        }
    }
}
