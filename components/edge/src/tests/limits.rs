//! Requests against their limits: who is counted, what is said, and what a route sees of a request too many.

use super::{Answer, NOW_S, Setup, empty, get_request};
use crate::{EdgeConfig, LimitTable, public};
use ambient::Sleep;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use core::time::Duration;
use http::Request;
use limiter_memory::MemoryLimiter;
use redis_latency::RedisLatency;
use route_policy::{Class, RoutePolicy};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt;

const POLICIES: &[RoutePolicy] = &[
    RoutePolicy::new("POST", "/log-in", Class::Credentials).ignoring_bearer(),
    RoutePolicy::new("GET", "/confirm-address", Class::Credentials),
    RoutePolicy::new("POST", "/pay", Class::Money),
    RoutePolicy::new("GET", "/free", Class::Free),
];

/// Waits for ever: routes here wait for a moment, and no deadline is meant to pass.
struct Patient;

#[async_trait]
impl Sleep for Patient {
    async fn sleep(&self, _: Duration) {
        core::future::pending().await
    }
}

/// A small house whose limiter the test holds, and how often a route was run to its end.
struct House {
    setup: Setup,
    limiter: MemoryLimiter,
    ran: Arc<AtomicUsize>,
    latency: RedisLatency,
    limits: &'static str,
}

impl House {
    fn new(limits: &'static str) -> Self {
        let setup = Setup::new();
        let clock = Arc::new(setup.clock.clone());
        let limiter = MemoryLimiter::new(clock.clone());
        Self { setup, limiter, ran: Arc::default(), latency: RedisLatency::new(clock), limits }
    }

    fn config(&self) -> EdgeConfig {
        let table = LimitTable::parse(self.limits).unwrap();
        let mut config = self.setup.config().policies(POLICIES).sheds_by(self.latency.clone());
        config.sleep = Arc::new(Patient);
        config.limits(Arc::new(self.limiter.clone()), table)
    }

    fn router(&self) -> Router {
        let ran = || {
            let ran = self.ran.clone();
            async move || {
                // A route that waits for its store first.
                tokio::task::yield_now().await;
                ran.fetch_add(1, Ordering::SeqCst);
            }
        };
        Router::new()
            .route("/read", get(ran()).post(ran()))
            .route("/pay", post(ran()))
            .route("/log-in", post(ran()))
            .route("/confirm-address", get(ran()))
            .route("/free", get(ran()))
    }

    /// A new instance of the function: what the last one remembered is gone.
    fn instance(&self) -> Router {
        public(self.router(), self.config())
    }

    async fn ask(&self, request: http::request::Builder) -> Answer {
        Answer::of(self.instance().oneshot(empty(request)).await.unwrap()).await
    }

    fn ran(&self) -> usize {
        self.ran.load(Ordering::SeqCst)
    }
}

fn from(address: &str, request: http::request::Builder) -> http::request::Builder {
    request.header("spin-client-addr", format!("{address}:4711"))
}

#[tokio::test]
async fn every_counted_answer_says_where_the_caller_stands() {
    let house = House::new("read.address=5/60");
    let answer = house.ask(get_request("/read")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("ratelimit-policy"), r#""read.address";q=5;w=60"#);
    assert_eq!(answer.header("ratelimit"), r#""read.address";r=4;t=12"#);
    let absent = house.ask(get_request("/nothing/here")).await;
    assert_eq!((absent.status, absent.header("ratelimit")), (404, r#""read.address";r=3;t=24"#));
    let free = house.ask(get_request("/free")).await;
    assert_eq!((free.status, free.header("ratelimit")), (200, ""));
    assert_eq!(house.limiter.calls(), 2, "a free route costs no call");
}

#[tokio::test]
async fn a_request_too_many_is_429_and_says_when_to_come_back() {
    let house = House::new("write.address=2/60");
    for _ in 0..2 {
        assert_eq!(house.ask(Request::post("/read")).await.status, 200);
    }
    let answer = house.ask(Request::post("/read")).await;
    assert_eq!(answer.header("retry-after"), "30");
    assert_eq!(answer.header("ratelimit"), r#""write.address";r=0;t=60"#);
    insta::assert_snapshot!(answer.problem(), @r#"
    instance: "00000000000000000000000000000001"
    policy: "write.address"
    status: 429
    title: "Too many requests."
    type: "/problems/rate-limited"
    "#);
    house.setup.clock.advance_ms(30_000);
    assert_eq!(house.ask(Request::post("/read")).await.status, 200);
}

#[tokio::test]
async fn a_write_too_many_never_reaches_its_route() {
    let house = House::new("write.address=1/60 money.address=1/60 credentials.address=1/60");
    for path in ["/read", "/pay", "/log-in"] {
        let before = house.ran();
        assert_eq!(house.ask(Request::post(path)).await.status, 200);
        for _ in 0..3 {
            assert_eq!(house.ask(Request::post(path)).await.status, 429, "{path}");
        }
        assert_eq!(house.ran() - before, 1, "{path}");
    }
    let confirm = || get_request("/confirm-address");
    house.setup.clock.advance_ms(60_000);
    let before = house.ran();
    assert_eq!((house.ask(confirm()).await.status, house.ask(confirm()).await.status), (200, 429));
    assert_eq!(house.ran() - before, 1, "a GET that proves something waits for the verdict");
}

#[tokio::test]
async fn an_account_is_counted_wherever_it_comes_from_and_apart_from_others() {
    let house = House::new("read.user=2/60");
    let as_user = |name: &str, address: &str| {
        let token = house.setup.token(|claims| claims.sub = name.to_owned());
        from(address, get_request("/read")).header("authorization", token)
    };
    assert_eq!(house.ask(as_user("usr_1", "192.0.2.1")).await.status, 200);
    assert_eq!(house.ask(as_user("usr_1", "192.0.2.2")).await.status, 200);
    assert_eq!(house.ask(as_user("usr_1", "192.0.2.3")).await.status, 429);
    assert_eq!(house.ask(as_user("usr_2", "192.0.2.1")).await.status, 200);
}

#[tokio::test]
async fn a_plan_has_limits_of_its_own() {
    let house = House::new("read.user=1/60 read.user@gold=3/60");
    let token = house.setup.token(|claims| claims.roles = vec!["user".to_owned(), "plan:gold".to_owned()]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(house.ask(get_request("/read").header("authorization", &token)).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[tokio::test]
async fn a_token_never_lifts_a_limit_that_only_networks_have() {
    let house = House::new("credentials.address=2/60");
    let token = house.setup.token(|_| ());
    let confirm = || from("192.0.2.1", get_request("/confirm-address")).header("authorization", &token);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(house.ask(confirm()).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn a_network_is_counted_and_forged_addresses_change_nothing() {
    let house = House::new("read.address=2/60");
    // The header of the platform is the last one; an IPv6 address with its port stands in brackets.
    let forged = |n: usize| {
        let lie = format!("203.0.113.{n}");
        let request = get_request("/read").header("x-forwarded-for", &lie).header("forwarded", format!("for={lie}"));
        let request = request.header("spin-client-addr", format!("{lie}:1"));
        request.header("spin-client-addr", format!("[2001:db8::{n}]:4711"))
    };
    let mut statuses = Vec::new();
    for n in 1..5 {
        statuses.push(house.ask(forged(n)).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429], "one /64 is one neighbour");
    let neighbour = get_request("/read").header("spin-client-addr", "[2001:db8:0:1::1]:1");
    assert_eq!(house.ask(neighbour).await.status, 200);
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_counted_as_their_senders_network() {
    let house = House::new("read.address=3/60");
    let expired = house.setup.token(|claims| claims.exp = NOW_S - 3600);
    let guess = || from("192.0.2.1", get_request("/read")).header("authorization", &expired);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(house.ask(guess()).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(house.ran(), 0);
}

#[tokio::test]
async fn while_nobody_counts_reads_and_payments_go_on_and_credentials_are_closed() {
    let house = House::new("");
    house.limiter.go_away(true);
    for (request, status) in [
        (get_request("/read"), 200),
        (Request::post("/read"), 200),
        (Request::post("/pay"), 200),
        (get_request("/free"), 200),
        (Request::post("/log-in"), 503),
        (get_request("/confirm-address"), 503),
    ] {
        let before = house.ran();
        let answer = house.ask(request).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (status, ""));
        assert_eq!(house.ran() - before, usize::from(status == 200));
        if status == 503 {
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    house.limiter.go_away(false);
    assert_eq!(house.ask(Request::post("/log-in")).await.status, 200, "and opens again by itself");
}

#[tokio::test]
async fn a_dry_run_lets_everything_pass_and_says_what_it_would_have_said() {
    let house = House::new("observe write.address=1/60");
    for left in ["0;t=60", "0;t=60"] {
        let answer = house.ask(Request::post("/read")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit"), format!("\"write.address\";r={left}"));
    }
    let off = House::new("off write.address=1/60");
    for _ in 0..3 {
        assert_eq!(off.ask(Request::post("/read")).await.header("ratelimit"), "");
    }
    assert_eq!(off.limiter.calls(), 0);
}

#[tokio::test]
async fn an_instance_that_sees_one_caller_often_asks_seldom() {
    let house = House::new("read.address=1000/60");
    let instance = house.instance();
    for _ in 0..100 {
        let answer = instance.clone().oneshot(empty(get_request("/read"))).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert!(house.limiter.calls() <= 10, "{} calls for 100 requests", house.limiter.calls());
}

#[tokio::test]
async fn preflights_and_calls_between_services_are_not_counted() {
    let house = House::new("write.address=1/60 read.address=1/60");
    for _ in 0..3 {
        let preflight = Request::options("/read").header("origin", "https://app.example");
        let answer = house.ask(preflight.header("access-control-request-method", "POST")).await;
        assert_eq!(answer.status, 204);
        assert_eq!(house.ask(get_request("/internal/users/nothing")).await.status, 404);
    }
    assert_eq!(house.limiter.calls(), 0);
}

#[tokio::test]
async fn while_redis_is_slow_reads_are_turned_away_before_payments() {
    let house = House::new("");
    for _ in 0..60 {
        house.latency.record(Duration::from_millis(250));
    }
    let read = house.ask(get_request("/read")).await;
    assert_eq!((read.status, read.header("retry-after")), (503, "1"));
    assert_eq!(house.ask(Request::post("/log-in")).await.status, 503);
    assert_eq!(house.ask(get_request("/free")).await.status, 200);
    assert_eq!(house.ask(Request::post("/pay")).await.status, 200);
    house.setup.clock.advance_ms(1_000);
    assert_eq!(house.ask(get_request("/read")).await.status, 200, "a second later somebody finds out how Redis is");
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_hold_up_the_refusal() {
    let house = House::new("write.address=1/60");
    assert_eq!(house.ask(Request::post("/read")).await.status, 200);
    let endless = Body::from_stream(futures::stream::pending::<Result<&'static str, std::io::Error>>());
    let request = Request::post("/read").header("content-type", "application/json").body(endless).unwrap();
    assert_eq!(house.instance().oneshot(request).await.unwrap().status(), 429);
}
