//! Requests between components of one application: reached in process, allowed or not, unknown targets.

use std::{thread, time::Duration};

use crate::harness::App;

const WILDCARD: &str = "allowed_outbound_hosts = [\"http://*.spin.internal\"]";

#[test]
fn a_private_neighbour_is_reached_and_sees_a_chained_request() {
    let app = App::new()
        .http("/...", "caller", "outbound", "allowed_outbound_hosts = [\"http://echo.spin.internal\"]")
        .unwrap()
        .private("echo", "echo_headers", "")
        .unwrap()
        .start()
        .unwrap();
    let answer = app.get_with("/", &[("x-url", "http://echo.spin.internal/a/b?c=d")]).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    for line in [
        "200 GET http://echo.spin.internal/a/b?c=d",
        "spin-path-info: /a/b",
        "spin-raw-component-route: /...",
        "spin-matched-route: /...",
        "spin-client-addr: 0.0.0.0:0",
        "spin-full-url: http://localhost/a/b?c=d",
    ] {
        assert!(answer.body.lines().any(|other| other == line), "{line} in {}", answer.body);
    }
    assert_eq!(app.get_with("/", &[("x-url", "http://caller.spin.internal/")]).unwrap().status, 502, "not allowed");
}

#[test]
fn a_neighbour_that_is_not_allowed_is_denied() {
    let app = App::new()
        .http("/...", "caller", "outbound", "")
        .unwrap()
        .private("hello", "hello", "")
        .unwrap()
        .start()
        .unwrap();
    let answer = app.get_with("/", &[("x-url", "http://hello.spin.internal/")]).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (502, "ErrorCode::HttpRequestDenied"));
}

#[test]
fn the_wildcard_allows_the_applications_components_only() {
    let app = App::new()
        .http("/...", "caller", "outbound", WILDCARD)
        .unwrap()
        .private("hello", "hello", "")
        .unwrap()
        .start()
        .unwrap();
    assert_eq!(app.get_with("/", &[("x-url", "http://hello.spin.internal/")]).unwrap().body, "200 hello");
    let answer = app.get_with("/", &[("x-url", "http://nobody.spin.internal/")]).unwrap();
    assert_eq!(answer.body, "ErrorCode::HttpRequestDenied");
}

#[test]
fn an_unknown_target_ends_the_caller_with_all_its_requests() {
    let grant = "allowed_outbound_hosts = [\"http://nobody.spin.internal\", \"http://slow.spin.internal\"]";
    let app = App::new()
        .http("/...", "caller", "outbound", grant)
        .unwrap()
        .private("slow", "slow", "")
        .unwrap()
        .start()
        .unwrap();
    assert_eq!(app.get_with("/", &[("x-url", "http://slow.spin.internal/0")]).unwrap().status, 200);
    thread::scope(|scope| {
        let neighbour = scope.spawn(|| app.get_with("/", &[("x-url", "http://slow.spin.internal/5000")]));
        thread::sleep(Duration::from_millis(500));
        let answer = app.get_with("/", &[("x-url", "http://nobody.spin.internal/")]).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (500, ""));
        assert_eq!(neighbour.join().unwrap().unwrap().status, 500);
    });
    assert!(app.errors().unwrap().contains("unknown routing destination 'nobody'"));
    assert_eq!(app.get_with("/", &[("x-url", "http://slow.spin.internal/0")]).unwrap().body, "200 awake");
}

#[test]
fn a_neighbour_that_panics_is_a_500_to_its_caller() {
    let app = App::new()
        .http("/...", "caller", "outbound", WILDCARD)
        .unwrap()
        .private("panic", "panic", "")
        .unwrap()
        .start()
        .unwrap();
    let answer = app.get_with("/", &[("x-url", "http://panic.spin.internal/panic")]).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "500 "));
}
