//! The front desk's answers, over doubles of what is behind it.

use crate::{Gateway, Peer, routes};
use ambient::{Clock, FixedClock};
use async_trait::async_trait;
use axum::body::Body;
use events::{
    DeadLetter, EntryId, EventInspection, EventStatistics, EventsError, GroupStats, ReplayState, RetryStats, Span,
    StreamEntry, StreamName, StreamStats,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use http_client::{HttpError, ScriptedHttp};
use redis_client::{Argument, Redis, RedisError, Repeat, Reply};
use service_token::ServiceTokens;
use std::sync::Arc;
use tower::ServiceExt;

/// Answers for the users' counts and the trial balance; the payments' counts do not answer.
struct Hashes;

#[async_trait]
impl Redis for Hashes {
    async fn execute(&self, command: &str, arguments: Vec<Argument>, repeat: Repeat) -> Result<Vec<Reply>, RedisError> {
        assert_eq!((command, repeat), ("HGETALL", Repeat::Safe));
        let Some(Argument::Bytes(key)) = arguments.first() else { panic!("no key") };
        let pairs: &[&str] = match key.as_slice() {
            b"{users/metrics}:http" => &[
                "r|GET|/v1/users/me|200",
                "3",
                "r|POST|/v1/users|500",
                "1",
                "h|1",
                "2",
                "h|5",
                "1",
                "h|inf",
                "1",
                "sum_ms",
                "60004",
                "of a later version",
                "7",
            ],
            b"{payments/metrics}:ledger" => &["verified_s", "1767225600", "verified_rows", "2048", "broken", "0"],
            b"{users/metrics}:stream" => {
                &["entries", "12", "bytes", "9000", "over_budget", "0", "held_ms", "40", "pages", "3"]
            }
            b"{payments/0}:trial" => &["EUR", "0", "EUR:legs", "12", "CHF", "-5", "CHF:legs", "3"],
            _ => return Err(RedisError::Unavailable("gone".to_owned())),
        };
        Ok(pairs.iter().map(|text| Reply::Bytes(text.as_bytes().to_vec())).collect())
    }
}

struct Statistics;

#[async_trait]
impl EventStatistics for Statistics {
    async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError> {
        let group = |group: &str, lag| GroupStats {
            stream: stream.clone(),
            group: group.to_owned(),
            lag,
            pending: 2,
            oldest_age_ms: 1_250,
            oldest_pending_age_ms: 750,
            oldest_pending_deliveries: 1,
        };
        match stream.context() {
            "users" => Ok(vec![group("payments-worker", Some(4)), group("queries-worker", None)]),
            _ => Err(EventsError::Unavailable("gone".to_owned())),
        }
    }

    async fn dead_letters(&self, _context: &str) -> Result<u64, EventsError> {
        Ok(1)
    }
}

#[async_trait]
impl EventInspection for Statistics {
    async fn stream(&self, stream: &StreamName) -> Result<Option<StreamStats>, EventsError> {
        let entry = |unix_ms| Some(EntryId { unix_ms, place: 0 });
        let (oldest, newest) = (entry(1_767_225_599_000), entry(1_767_225_599_500));
        let (stream, last) = (stream.clone(), EntryId::START);
        Ok(Some(StreamStats { stream, length: 9, bytes: 4_096, oldest, newest, oldest_age_ms: 1_000, last }))
    }

    async fn entries(&self, _: &StreamName, _: Span, _: u32) -> Result<Vec<StreamEntry>, EventsError> {
        Ok(Vec::new())
    }

    async fn retries(&self, context: &str, group: &str) -> Result<RetryStats, EventsError> {
        assert!(group.starts_with(context), "{group} of {context}");
        Ok(RetryStats { waiting: 1, next_due: None, retries: 7, parked: 3, replays: 2 })
    }

    async fn oldest_letter(&self, _context: &str) -> Result<Option<EntryId>, EventsError> {
        Ok(Some(EntryId { unix_ms: 1_767_225_540_000, place: 0 }))
    }

    async fn replay_of(&self, _: &str, _: &DeadLetter) -> Result<Option<ReplayState>, EventsError> {
        Ok(None)
    }
}

fn gateway(http: ScriptedHttp) -> Gateway {
    let peer = |name: &'static str| Peer { name, url: format!("http://{name}.spin.internal") };
    Gateway {
        peers: [peer("users"), peer("payments")].into(),
        streams: ["users", "payments"].map(|name| StreamName::new(name, 0)).into(),
        http: Arc::new(http),
        service_tokens: ServiceTokens::new(&[7; 32]),
        clock: Arc::new(FixedClock::at("2026-01-01T00:00:00.000Z")),
        redis: Arc::new(Hashes),
        statistics: Arc::new(Statistics),
        inspection: Arc::new(Statistics),
        metrics_token: "a metrics token".into(),
    }
}

fn all_ready() -> ScriptedHttp {
    ScriptedHttp::new(|_| Ok(Response::new("{}".into())))
}

async fn get(http: ScriptedHttp, path: &str, header: Option<(&str, &str)>) -> (Response<Body>, String) {
    let request = header.into_iter().fold(Request::get(path), |request, (name, value)| request.header(name, value));
    let response = routes(gateway(http)).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (Response::from_parts(parts, Body::empty()), body)
}

/// A JSON document in one stable order.
fn sorted(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map(|value| canonical(&value)).unwrap()
}

fn canonical(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| format!("{name}: {}", canonical(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
        serde_json::Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn the_index_is_json_for_programs_and_a_page_for_people() {
    let (response, body) = get(all_ready(), "/", None).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(body.starts_with(r#"{"name":"spindrift","version":"0.1.0","links":[{"rel":"documentation","#), "{body}");
    let (response, body) = get(all_ready(), "/", Some(("accept", "text/html,*/*;q=0.8"))).await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert!(body.contains("<a href=\"/v1/payments\">"));
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(response.headers()["vary"], "accept");
}

#[tokio::test]
async fn it_is_alive_whatever_else_is_dead() {
    let dead = ScriptedHttp::new(|_| Err(HttpError::NotSent("refused".to_owned())));
    let (response, body) = get(dead, "/livez", None).await;
    assert_eq!((response.status().as_u16(), body.as_str()), (200, r#"{"status":"alive"}"#));
}

#[tokio::test]
async fn it_is_ready_when_every_service_says_so() {
    let http = all_ready();
    let (response, body) = get(http.clone(), "/readyz", None).await;
    assert_eq!(response.status(), 200);
    insta::assert_snapshot!(sorted(&body), @r#"{dependencies: [{duration_ms: 0, name: "users", status: "ready"}, {duration_ms: 0, name: "payments", status: "ready"}], status: "ready"}"#);

    let asked = http.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].uri(), "http://payments.spin.internal/internal/payments/readyz");
    assert_eq!(asked[1].headers()["x-request-timeout"], "1000");
    let token = asked[1].headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let now = FixedClock::at("2026-01-01T00:00:00.000Z").now();
    assert_eq!(ServiceTokens::new(&[7; 32]).verify(token, "payments", now), Ok(()));
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_named() {
    let http = ScriptedHttp::new(|request| match request.uri().host() {
        Some("users.spin.internal") => Err(HttpError::Lost("no answer in 1000 ms".to_owned())),
        _ => Ok(Response::builder().status(503).body("".into()).unwrap()),
    });
    let (response, body) = get(http, "/readyz", None).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].as_bytes()), (503, b"1".as_slice()));
    insta::assert_snapshot!(sorted(&body), @r#"{dependencies: [{duration_ms: 0, name: "users", status: "unreachable"}, {duration_ms: 0, name: "payments", status: "not_ready"}], detail: "not ready: users, payments", status: 503, title: "The service cannot answer at the moment.", type: "/problems/unavailable"}"#);
}

#[tokio::test]
async fn metrics_are_closed_to_all_without_the_token() {
    for header in [
        None,
        Some(("authorization", "Bearer ")),
        Some(("authorization", "Bearer a metrics toke")),
        Some(("authorization", "Bearer a metrics tokenx")),
        Some(("authorization", "a metrics token")),
        Some(("x-metrics-token", "a metrics token")),
    ] {
        assert_eq!(get(all_ready(), "/metrics", header).await.0.status(), 401, "{header:?}");
    }
    let mut closed = gateway(all_ready());
    closed.metrics_token = "".into();
    let request = Request::get("/metrics").header("authorization", "Bearer ").body(Body::empty()).unwrap();
    assert_eq!(routes(closed).oneshot(request).await.unwrap().status(), 401, "an empty token opens nothing");
}

#[tokio::test]
async fn metrics_show_every_service_and_what_did_not_answer() {
    let (response, body) = get(all_ready(), "/metrics", Some(("authorization", "Bearer a metrics token"))).await;
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    insta::assert_snapshot!(body, @r#"
    # HELP spindrift_http_requests_total Requests by service, method, route and status.
    # TYPE spindrift_http_requests_total counter
    spindrift_http_requests_total{service="users",method="POST",route="/v1/users",status="500"} 1
    spindrift_http_requests_total{service="users",method="GET",route="/v1/users/me",status="200"} 3
    # HELP spindrift_http_request_duration_seconds From the first byte of a request to its answer.
    # TYPE spindrift_http_request_duration_seconds histogram
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.001"} 2
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.002"} 2
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.005"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.01"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.02"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.05"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.1"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.2"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="0.5"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="1"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="2"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="5"} 3
    spindrift_http_request_duration_seconds_bucket{service="users",le="+Inf"} 4
    spindrift_http_request_duration_seconds_sum{service="users"} 60.004
    spindrift_http_request_duration_seconds_count{service="users"} 4
    # HELP spindrift_stream_length Events that lie in a stream.
    # TYPE spindrift_stream_length gauge
    spindrift_stream_length{stream="users/0"} 9
    # HELP spindrift_stream_bytes Memory that a stream takes, estimated.
    # TYPE spindrift_stream_bytes gauge
    spindrift_stream_bytes{stream="users/0"} 4096
    # HELP spindrift_stream_age_seconds Age of the oldest event that lies in a stream.
    # TYPE spindrift_stream_age_seconds gauge
    spindrift_stream_age_seconds{stream="users/0"} 1
    # HELP spindrift_stream_lag Events that a group has not been handed.
    # TYPE spindrift_stream_lag gauge
    spindrift_stream_lag{stream="users/0",group="payments-worker"} 4
    # HELP spindrift_stream_pending Events handed to a group and not settled.
    # TYPE spindrift_stream_pending gauge
    spindrift_stream_pending{stream="users/0",group="payments-worker"} 2
    spindrift_stream_pending{stream="users/0",group="queries-worker"} 2
    # HELP spindrift_stream_oldest_age_seconds Age of a group's oldest unsettled event.
    # TYPE spindrift_stream_oldest_age_seconds gauge
    spindrift_stream_oldest_age_seconds{stream="users/0",group="payments-worker"} 1.25
    spindrift_stream_oldest_age_seconds{stream="users/0",group="queries-worker"} 1.25
    # HELP spindrift_stream_oldest_pending_age_seconds Age of the oldest event in a group's hands.
    # TYPE spindrift_stream_oldest_pending_age_seconds gauge
    spindrift_stream_oldest_pending_age_seconds{stream="users/0",group="payments-worker"} 0.75
    spindrift_stream_oldest_pending_age_seconds{stream="users/0",group="queries-worker"} 0.75
    # HELP spindrift_events_waiting Events of a group that wait for a retry.
    # TYPE spindrift_events_waiting gauge
    spindrift_events_waiting{group="payments-worker"} 1
    # HELP spindrift_event_retries_total How often a group put an event off.
    # TYPE spindrift_event_retries_total counter
    spindrift_event_retries_total{group="payments-worker"} 7
    # HELP spindrift_events_given_up_total How often a group gave an event up.
    # TYPE spindrift_events_given_up_total counter
    spindrift_events_given_up_total{group="payments-worker"} 3
    # HELP spindrift_event_replays_total How often a group was handed a dead letter again.
    # TYPE spindrift_event_replays_total counter
    spindrift_event_replays_total{group="payments-worker"} 2
    # HELP spindrift_dead_letters Events that a service gave up.
    # TYPE spindrift_dead_letters gauge
    spindrift_dead_letters{service="users"} 1
    spindrift_dead_letters{service="payments"} 1
    spindrift_dead_letters{service="gateway"} 0
    # HELP spindrift_dead_letters_oldest_age_seconds Age of a service's oldest dead letter; 0 where there is none.
    # TYPE spindrift_dead_letters_oldest_age_seconds gauge
    spindrift_dead_letters_oldest_age_seconds{service="users"} 60
    spindrift_dead_letters_oldest_age_seconds{service="payments"} 60
    spindrift_dead_letters_oldest_age_seconds{service="gateway"} 0
    # HELP spindrift_ledger_imbalance_minor Sum of all postings in minor units; anything but 0 is an alarm.
    # TYPE spindrift_ledger_imbalance_minor gauge
    spindrift_ledger_imbalance_minor{currency="CHF"} -5
    spindrift_ledger_imbalance_minor{currency="EUR"} 0
    # HELP spindrift_ledger_verified_seconds When all of the journal was last found to hold; 0 is never.
    # TYPE spindrift_ledger_verified_seconds gauge
    spindrift_ledger_verified_seconds 1767225600
    # HELP spindrift_ledger_verified_rows How many rows it had then.
    # TYPE spindrift_ledger_verified_rows gauge
    spindrift_ledger_verified_rows 2048
    # HELP spindrift_ledger_broken 1 where the last check found what does not hold: an alarm.
    # TYPE spindrift_ledger_broken gauge
    spindrift_ledger_broken 0
    # HELP spindrift_source_up Whether a source of these metrics answered.
    # TYPE spindrift_source_up gauge
    spindrift_source_up{service="users",source="requests"} 1
    spindrift_source_up{service="users",source="streams"} 1
    spindrift_source_up{service="payments",source="requests"} 0
    spindrift_source_up{service="payments",source="streams"} 0
    spindrift_source_up{service="gateway",source="requests"} 0
    spindrift_source_up{service="gateway",source="streams"} 1
    spindrift_source_up{service="payments",source="ledger"} 1
    # HELP spindrift_stream_entries Events in a stream.
    # TYPE spindrift_stream_entries gauge
    spindrift_stream_entries{service="users"} 12
    # HELP spindrift_stream_bytes About how many bytes they are.
    # TYPE spindrift_stream_bytes gauge
    spindrift_stream_bytes{service="users"} 9000
    # HELP spindrift_stream_over_budget 1 where a stream is larger than it may be: an alarm.
    # TYPE spindrift_stream_over_budget gauge
    spindrift_stream_over_budget{service="users"} 0
    # HELP spindrift_stream_held_milliseconds Age of the oldest event that some group has not settled.
    # TYPE spindrift_stream_held_milliseconds gauge
    spindrift_stream_held_milliseconds{service="users"} 40
    # HELP spindrift_archive_pages Pages that the archive of a stream was ever given.
    # TYPE spindrift_archive_pages gauge
    spindrift_archive_pages{service="users"} 3
    # HELP spindrift_archive_behind_milliseconds Age of the oldest event that is in no page.
    # TYPE spindrift_archive_behind_milliseconds gauge
    "#);
}

#[tokio::test]
async fn each_problem_type_leads_to_its_meaning() {
    let (response, body) = get(all_ready(), "/problems/in-flight", None).await;
    assert_eq!(response.status(), 200);
    assert!(body.starts_with(r#"{"slug":"in-flight","status":409,"#), "{body}");
    assert_eq!(get(all_ready(), "/problems/none-such", None).await.0.status(), 404);
    assert!(get(all_ready(), "/problems", None).await.1.contains("\"slug\":\"deadline-exceeded\""));
}

#[tokio::test]
async fn the_document_and_the_routes_agree() {
    let open = |request: &mut Request<Body>| {
        request.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer a metrics token"));
    };
    let scene = api_document::Scene::new(routes(gateway(all_ready()))).by(open);
    let check = api_document::Agreement::new(scene, crate::api(), &[include_str!("http.rs")]);
    assert_eq!(check.complaints().await, Vec::<String>::new());
}
