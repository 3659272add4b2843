//! Whole requests through the edge around a small router.

mod keys;
mod limits;

use crate::{EdgeConfig, TokenKeys, internal, public};
use access_token::{Claims, Jwks, SigningKey, Verifier};
use ambient::{Clock, CountedRandom, FixedClock, Sleep};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::{get, post};
use core::time::Duration;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_client::{HttpError, ScriptedHttp};
use principal::{Client, Idempotency, Principal, RequestScope};
use problem::Json;
use request_metrics::{MetricsSink, Sample};
use route_policy::{Class, RoutePolicy};
use service_token::ServiceTokens;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;

const NOW: &str = "2026-01-01T00:00:00.000Z";
const NOW_S: i64 = 1_767_225_600;

/// Lets no time pass and remembers how long somebody wanted to wait: whatever waits for the first time is too late.
#[derive(Clone, Default)]
struct Impatient(Arc<Mutex<Vec<u128>>>);

#[async_trait]
impl Sleep for Impatient {
    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration.as_millis());
    }
}

#[derive(Default)]
struct Samples(Mutex<Vec<Sample>>);

impl MetricsSink for Samples {
    fn record(&self, sample: Sample) {
        self.0.lock().unwrap().push(sample);
    }
}

struct Setup {
    clock: FixedClock,
    key: SigningKey,
    tokens: ServiceTokens,
    samples: Arc<Samples>,
    sleep: Impatient,
}

impl Setup {
    fn new() -> Self {
        Self {
            clock: FixedClock::at(NOW),
            key: SigningKey::from_seed(&[1; 32]),
            tokens: ServiceTokens::new(&[7; 32]),
            samples: Arc::default(),
            sleep: Impatient::default(),
        }
    }

    fn config(&self) -> EdgeConfig {
        let keys = TokenKeys::fixed(Jwks { keys: vec![self.key.jwk()] });
        let random = Arc::new(CountedRandom::default());
        EdgeConfig::new("users", Arc::new(self.clock.clone()), random, Arc::new(self.sleep.clone()))
            .bearer(Verifier::new("https://id", "spindrift"), keys)
            .cors_origins("https://app.example https://console.example")
            .metrics(self.samples.clone())
            .policies(POLICIES)
    }

    fn router(&self) -> Router {
        let internal_routes = Router::new()
            .route("/internal/users/readyz", get(async || "ready").post(async || "no probe"))
            .route("/internal/users/work", get(async || "done"));
        routes().merge(internal(internal_routes, "users", self.tokens.clone(), Arc::new(self.clock.clone())))
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(public(self.router(), self.config()).oneshot(request).await.unwrap()).await
    }

    fn token(&self, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = Claims {
            iss: "https://id".to_owned(),
            sub: "usr_1".to_owned(),
            aud: "spindrift".to_owned(),
            exp: NOW_S + 600,
            nbf: NOW_S,
            iat: NOW_S,
            jti: "t1".to_owned(),
            sid: Some("ses_1".to_owned()),
            scope: "payments:read payments:write".to_owned(),
            roles: vec!["operator".to_owned()],
            acr: "2".to_owned(),
        };
        change(&mut claims);
        format!("Bearer {}", self.key.sign(&claims))
    }
}

const POLICIES: &[RoutePolicy] = &[RoutePolicy::new("POST", "/log-in", Class::Credentials).ignoring_bearer()];

fn routes() -> Router {
    Router::new()
        .route("/public", get(async || Json("anybody")))
        .route("/things/{id}", get(async |Path(id): Path<u32>| Json(id)))
        .route("/me", get(async |principal: Principal| Json(format!("{principal:?}"))))
        .route("/maybe", get(async |principal: Option<axum::Extension<Principal>>| Json(principal.is_some())))
        .route(
            "/from",
            get(async |client: Client| Json((client.address.map(|address| address.to_string()), client.agent))),
        )
        .route("/log-in", post(async |principal: Option<axum::Extension<Principal>>| Json(principal.is_some())))
        .route("/scope", get(async |scope: RequestScope| Json(format!("{} {}", scope.trace, scope.deadline))))
        .route("/echo", post(async |Json(value): Json<serde_json::Value>| Json(value)))
        .route("/pay", post(async |idempotency: Idempotency| Json(idempotency.key.as_str().to_owned())))
        .route("/slow", get(async || core::future::pending::<()>().await))
        .route("/stream", get(async || Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>("a")]))))
        .route("/broken", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "a secret cause")))
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// The problem document, a member a line, in alphabetical order: the order on the wire depends on features of the
    /// JSON library that another package may switch on.
    fn problem(&self) -> String {
        let document: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(&self.body).unwrap();
        document.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn get_request(path: &str) -> http::request::Builder {
    Request::get(path)
}

fn empty(request: http::request::Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

fn json(path: &str, body: &'static str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn an_answer_carries_its_trace_and_the_security_headers() {
    let answer = Setup::new().send(empty(get_request("/public"))).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"anybody\""));
    let (_, headers) = tagless(&answer);
    insta::assert_snapshot!(headers, @r#"
    content-length: 9
    content-security-policy: default-src 'none'; frame-ancestors 'none'
    content-type: application/json
    cross-origin-resource-policy: same-origin
    etag: W/"TAG"
    referrer-policy: no-referrer
    vary: origin
    x-content-type-options: nosniff
    x-request-id: 00000000000000000000000000000001
    "#);
}

/// The tag, and the headers with another word in its place: the hash behind it may change with the standard library.
fn tagless(answer: &Answer) -> (String, String) {
    let tag = answer.header("etag").trim_start_matches("W/").trim_matches('"').to_owned();
    let headers = headers_of(answer).replace(&tag, "TAG");
    (tag, headers)
}

fn headers_of(answer: &Answer) -> String {
    let mut lines: Vec<_> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines.join("\n")
}

#[tokio::test]
async fn each_failure_is_a_problem_that_names_its_trace() {
    let setup = Setup::new();
    insta::assert_snapshot!(setup.send(empty(get_request("/absent"))).await.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 404
    title: "There is nothing here for this caller."
    type: "/problems/not-found"
    "#);
    insta::assert_snapshot!(setup.send(empty(Request::delete("/public"))).await.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 405
    title: "The method is not offered here."
    type: "/problems/method-not-allowed"
    "#);
    insta::assert_snapshot!(setup.send(empty(get_request("/me"))).await.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 401
    title: "A valid access token is needed."
    type: "/problems/unauthenticated"
    "#);
    insta::assert_snapshot!(setup.send(empty(get_request("/things/x"))).await.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 400
    title: "The request cannot be read."
    type: "/problems/malformed"
    "#);
    insta::assert_snapshot!(setup.send(json("/echo", "{")).await.problem(), @r#"
    detail: "the body is not JSON: EOF while parsing an object at line 1, column 1"
    instance: "00000000000000000000000000000001"
    status: 400
    title: "The request cannot be read."
    type: "/problems/malformed"
    "#);
    insta::assert_snapshot!(setup.send(empty(Request::post("/pay"))).await.problem(), @r#"
    detail: "send an Idempotency-Key header: the same key with the same request is carried out once"
    instance: "00000000000000000000000000000001"
    status: 428
    title: "An Idempotency-Key is needed."
    type: "/problems/idempotency-key-required"
    "#);
    insta::assert_snapshot!(setup.send(empty(get_request("/broken"))).await.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 500
    title: "The service made a mistake."
    type: "/problems/internal"
    "#);
}

#[tokio::test]
async fn every_answer_that_is_no_stream_has_its_length() {
    let setup = Setup::new();
    let paths = ["/public", "/things/1", "/things/x", "/absent", "/me", "/broken"];
    for request in paths.map(get_request).into_iter().chain([Request::delete("/public"), Request::post("/pay")]) {
        let answer = setup.send(empty(request)).await;
        assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{}", answer.body);
        if answer.status >= 400 {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    assert_eq!(setup.send(empty(get_request("/stream"))).await.header("content-length"), "");
}

#[tokio::test]
async fn a_method_that_is_not_offered_says_which_are() {
    assert_eq!(Setup::new().send(empty(Request::delete("/public"))).await.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_route_says_what_it_offers_when_asked() {
    let answer = Setup::new().send(empty(Request::options("/public"))).await;
    assert_eq!((answer.status, answer.header("allow")), (204, "GET,HEAD"));
    assert_eq!(Setup::new().send(empty(Request::options("/absent"))).await.status, 404);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let setup = Setup::new();
    let (get, head) =
        (setup.send(empty(get_request("/public"))).await, setup.send(empty(Request::head("/public"))).await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(head.header("content-type"), get.header("content-type"));
}

#[tokio::test]
async fn who_has_the_answer_already_gets_none() {
    let setup = Setup::new();
    let (tag, _) = tagless(&setup.send(empty(get_request("/public"))).await);
    let answer = setup.send(empty(get_request("/public").header("if-none-match", format!("W/\"{tag}\"")))).await;
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    assert_eq!(answer.header("x-request-id").len(), 32);
    assert_eq!(setup.send(empty(get_request("/public").header("if-none-match", "\"other\""))).await.status, 200);
    let absent = setup.send(empty(get_request("/absent").header("if-none-match", "*"))).await;
    assert_eq!(absent.status, 404, "a failure is never `not modified`");
}

#[tokio::test]
async fn a_body_nested_too_deeply_is_refused_before_a_route_sees_it() {
    let setup = Setup::new();
    let deep: &'static str = ("[".repeat(33) + &"]".repeat(33)).leak();
    let answer = setup.send(json("/echo", deep)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("nested deeper than 32 levels"), "{}", answer.body);
}

#[tokio::test]
async fn a_valid_token_becomes_a_principal() {
    let setup = Setup::new();
    let answer = setup.send(empty(get_request("/me").header("authorization", setup.token(|_| ())))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    insta::assert_snapshot!(answer.body, @r#""Principal { subject: \"usr_1\", session: Some(\"ses_1\"), scopes: [\"payments:read\", \"payments:write\"], roles: [\"operator\"], assurance: 2, expires_at: 2026-01-01T00:10:00.000Z }""#);
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let setup = Setup::new();
    let valid = setup.token(|_| ());
    for bad in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        "Basic dTpw",
        &valid.replace("Bearer ", ""),
        &format!("{valid}x"),
        &setup.token(|claims| claims.exp = NOW_S - 30),
        &setup.token(|claims| claims.aud = "others".to_owned()),
        &setup.token(|claims| claims.iss = "https://evil".to_owned()),
    ] {
        let answer = setup.send(empty(get_request("/public").header("authorization", bad))).await;
        assert_eq!(answer.status, 401, "{bad}");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    let twice = get_request("/public").header("authorization", &valid).header("authorization", &valid);
    assert_eq!(setup.send(empty(twice)).await.status, 401);
    assert_eq!(setup.send(empty(get_request("/maybe"))).await.body, "false");
}

#[tokio::test]
async fn a_route_that_takes_other_proof_is_reached_with_a_token_that_has_expired() {
    let setup = Setup::new();
    let expired = setup.token(|claims| claims.exp = NOW_S - 3600);
    for token in [expired.as_str(), "Bearer x.y.z", "nonsense", &setup.token(|_| ())] {
        let answer = setup.send(empty(Request::post("/log-in").header("authorization", token))).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "false"), "{token}: it must not become anybody either");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let other_method = empty(get_request("/log-in").header("authorization", &expired));
    assert_eq!(setup.send(other_method).await.status, 401, "the policy is the method's and the path's");
}

#[tokio::test]
async fn the_address_is_the_peers_unless_proxies_are_trusted() {
    let setup = Setup::new();
    let request = || {
        let forged = get_request("/from")
            .header("spin-client-addr", "10.0.0.1:1")
            .header("x-real-ip", "10.0.0.2")
            .header("user-agent", "Tea/1");
        empty(forged.header("x-forwarded-for", "198.51.100.7").header("spin-client-addr", "192.0.2.1:4711"))
    };
    assert_eq!(setup.send(request()).await.body, "[\"192.0.2.1\",\"Tea/1\"]");
    let behind_a_proxy = public(setup.router(), setup.config().trusted_hops(1));
    assert_eq!(Answer::of(behind_a_proxy.oneshot(request()).await.unwrap()).await.body, "[\"198.51.100.7\",\"Tea/1\"]");
    assert_eq!(setup.send(empty(get_request("/from"))).await.body, "[null,null]");
}

#[tokio::test]
async fn identities_in_headers_are_not_believed() {
    let request = get_request("/maybe")
        .header("x-user-id", "usr_1")
        .header("x-spindrift-subject", "usr_1")
        .header("spin-client-addr", "127.0.0.1");
    assert_eq!(Setup::new().send(empty(request)).await.body, "false");
}

#[tokio::test]
async fn a_verified_token_is_remembered_until_it_expires() {
    let setup = Setup::new();
    let asked = Arc::new(Mutex::new(0));
    let (jwks, count) = (Jwks { keys: vec![setup.key.jwk()] }, asked.clone());
    let http = ScriptedHttp::new(move |_| {
        *count.lock().unwrap() += 1;
        Ok(Response::new(serde_json::to_vec(&jwks).unwrap().into()))
    });
    let keys = TokenKeys::fetched(Arc::new(http), "http://users", Arc::new(setup.clock.clone()));
    let app = public(setup.router(), setup.config().bearer(Verifier::new("https://id", "spindrift"), keys));
    let token = setup.token(|_| ());
    let status = async || {
        let request = empty(get_request("/me").header("authorization", &token));
        app.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(status().await, 200);
    setup.clock.advance_ms(629_999);
    assert_eq!(status().await, 200, "remembered: an old key set would be fetched again");
    assert_eq!(*asked.lock().unwrap(), 1);
    setup.clock.advance_ms(1);
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let setup = Setup::new();
    let (old, new) = (SigningKey::from_seed(&[9; 32]).jwk(), setup.key.jwk());
    let asked = Mutex::new(0);
    let http = ScriptedHttp::new(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let keys = Jwks { keys: vec![if *asked == 1 { old.clone() } else { new.clone() }] };
        Ok(Response::new(serde_json::to_vec(&keys).unwrap().into()))
    });
    let keys = TokenKeys::fetched(Arc::new(http.clone()), "http://users", Arc::new(setup.clock.clone()));
    let app = public(setup.router(), setup.config().bearer(Verifier::new("https://id", "spindrift"), keys));
    let token = setup.token(|_| ());
    let status = async || {
        let request = empty(get_request("/me").header("authorization", &token));
        app.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(status().await, 401, "the key set was fetched this moment");
    setup.clock.advance_ms(30_000);
    assert_eq!(status().await, 200);
    assert_eq!(http.asked().len(), 2);
}

#[tokio::test]
async fn without_keys_the_answer_is_503_and_public_routes_still_answer() {
    let setup = Setup::new();
    let http = ScriptedHttp::new(|_| Err(HttpError::NotSent("refused".to_owned())));
    let keys = TokenKeys::fetched(Arc::new(http), "http://users", Arc::new(setup.clock.clone()));
    let app = public(setup.router(), setup.config().bearer(Verifier::new("https://id", "spindrift"), keys));
    let request = empty(get_request("/me").header("authorization", setup.token(|_| ())));
    let answer = app.clone().oneshot(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (503, b"1".as_slice()));
    assert_eq!(app.oneshot(empty(get_request("/public"))).await.unwrap().status(), 200);
}

#[tokio::test]
async fn internal_routes_want_a_service_token_for_their_context() {
    let setup = Setup::new();
    let now = setup.clock.now();
    let path = "/internal/users/work";
    let with = |token: String| empty(get_request(path).header("authorization", format!("Bearer {token}")));
    assert_eq!(setup.send(with(setup.tokens.issue("users", now))).await.status, 200);
    assert_eq!(setup.send(with(setup.tokens.issue("payments", now))).await.status, 401);
    assert_eq!(setup.send(with(ServiceTokens::new(&[8; 32]).issue("users", now))).await.status, 401);
    assert_eq!(setup.send(empty(get_request(path))).await.status, 401);
    assert_eq!(setup.send(empty(get_request(path).header("authorization", setup.token(|_| ())))).await.status, 401);
    let public_route =
        get_request("/public").header("authorization", format!("Bearer {}", setup.tokens.issue("users", now)));
    assert_eq!(setup.send(empty(public_route)).await.status, 401, "a service is nobody on public routes");
}

#[tokio::test]
async fn a_probe_wants_no_token_and_asks_for_nothing_but_readiness() {
    let setup = Setup::new();
    let asked = |method: &str, path: &str| empty(Request::builder().method(method).uri(path));
    assert_eq!(setup.send(asked("GET", "/internal/users/readyz")).await.status, 200);
    assert_eq!(setup.send(asked("HEAD", "/internal/users/readyz")).await.status, 200);
    assert_eq!(setup.send(asked("POST", "/internal/users/readyz")).await.status, 401);
    assert_eq!(setup.send(asked("GET", "/internal/users/work?/readyz")).await.status, 401);
    let told = Request::builder().uri("/internal/users/readyz").header("authorization", "Bearer nonsense");
    assert_eq!(setup.send(empty(told)).await.status, 200, "a token that is not asked for does no harm");
}

#[tokio::test]
async fn the_trace_and_the_deadline_reach_the_route() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = get_request("/scope")
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
        .header("x-request-timeout", "250");
    let answer = Setup::new().send(empty(request)).await;
    assert_eq!(answer.body, format!("\"{trace} 2026-01-01T00:00:00.250Z\""));
    assert_eq!(answer.header("x-request-id"), trace);
    let bad = get_request("/scope").header("x-request-timeout", "soon");
    assert_eq!(Setup::new().send(empty(bad)).await.status, 400);
}

#[tokio::test]
async fn a_route_that_takes_too_long_is_given_up() {
    let setup = Setup::new();
    let request = get_request("/slow").header("x-request-timeout", "50");
    let answer = setup.send(empty(request)).await;
    assert_eq!((answer.status, setup.sleep.0.lock().unwrap().as_slice()), (504, [50].as_slice()));
    insta::assert_snapshot!(answer.problem(), @r#"
    instance: "00000000000000000000000000000001"
    status: 504
    title: "The deadline passed before the answer was there."
    type: "/problems/deadline-exceeded"
    "#);
}

#[tokio::test]
async fn a_route_that_does_not_wait_costs_no_timer() {
    let setup = Setup::new();
    assert_eq!(setup.send(empty(get_request("/public"))).await.status, 200);
    assert!(setup.sleep.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_caller_that_sends_its_body_slowly_is_given_up_too() {
    let setup = Setup::new();
    let endless = Body::from_stream(futures::stream::pending::<Result<&'static str, std::io::Error>>());
    let request = Request::post("/echo").header("content-type", "application/json").body(endless).unwrap();
    assert_eq!(setup.send(request).await.status, 504);
    assert_eq!(*setup.sleep.0.lock().unwrap(), [10_000]);
}

#[tokio::test]
async fn a_body_too_large_is_refused_before_it_is_read() {
    let setup = Setup::new();
    let app = public(setup.router(), setup.config().body_limit_bytes(16));
    let request = json("/echo", r#"{"a":"0123456789"}"#);
    let answer = Answer::of(app.oneshot(request).await.unwrap()).await;
    insta::assert_snapshot!(answer.problem(), @r#"
    instance: "00000000000000000000000000000001"
    limit_bytes: 16
    status: 413
    title: "The request is too large."
    type: "/problems/too-large"
    "#);
}

#[tokio::test]
async fn headers_too_large_are_refused() {
    let request = get_request("/public").header("x-padding", "x".repeat(17_000));
    let answer = Setup::new().send(empty(request)).await;
    assert_eq!(answer.status, 431);
    assert!(answer.body.contains("headers-too-large"), "{}", answer.body);
}

#[tokio::test]
async fn only_origins_on_the_list_may_read_an_answer() {
    let setup = Setup::new();
    let from = |origin: &str| empty(get_request("/public").header("origin", origin));
    let allowed = setup.send(from("https://app.example")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(allowed.header("vary"), "origin");
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    for other in ["https://evil.example", "https://app.example.evil.example", "null", "http://app.example"] {
        assert_eq!(setup.send(from(other)).await.header("access-control-allow-origin"), "", "{other}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_asking_the_route() {
    let setup = Setup::new();
    let preflight = |origin: &str| {
        let request = Request::options("/pay").header("origin", origin).header("access-control-request-method", "POST");
        empty(request)
    };
    let answer = setup.send(preflight("https://app.example")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
    assert!(answer.header("access-control-allow-headers").contains("idempotency-key"));
    let refused = setup.send(preflight("https://evil.example")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-methods")), (204, ""));
}

#[tokio::test]
async fn each_request_is_counted_by_its_routes_template() {
    let setup = Setup::new();
    setup.send(empty(get_request("/things/7"))).await;
    setup.send(empty(get_request("/absent/7"))).await;
    setup.send(empty(Request::delete("/things/7"))).await;
    let samples = setup.samples.0.lock().unwrap();
    let seen: Vec<_> = samples.iter().map(|s| (s.method, s.route.as_str(), s.status)).collect();
    assert_eq!(seen, [("GET", "/things/{id}", 200), ("GET", "none", 404), ("DELETE", "/things/{id}", 405)]);
}
