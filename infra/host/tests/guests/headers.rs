//! Requests and responses: what a component sees of a request, what a client sees of a response, what the host
//! answers by itself.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    time::{Duration, Instant},
};

use crate::harness::App;

fn lines(body: &str, prefix: &str) -> Vec<String> {
    body.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

#[test]
fn a_component_answers_and_a_path_without_a_route_is_not_found() {
    let app = App::new().http("/hello", "hello", "hello", "").unwrap().start().unwrap();
    for path in ["/hello", "/hello/", "//hello", "/hello?query"] {
        let answer = app.get(path).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{path}");
    }
    for path in ["/", "/hello/there", "/Hello", "/%68ello"] {
        let answer = app.get(path).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
}

#[test]
fn a_component_sees_the_headers_that_spin_adds() {
    let app = App::new().http("/a/:id/...", "echo", "echo_headers", "").unwrap().start().unwrap();
    let answer = app.get("/a/7/b/c?d=e").unwrap();
    let authority = app.authority();
    assert_eq!(lines(&answer.body, "GET"), [format!("GET http://{authority}/a/7/b/c?d=e")]);
    for (name, value) in [
        ("spin-path-info", "/b/c".to_owned()),
        ("spin-full-url", format!("http://{authority}/a/7/b/c?d=e")),
        ("spin-matched-route", "/a/:id/...".into()),
        ("spin-base-path", "/".into()),
        ("spin-raw-component-route", "/a/:id/...".into()),
        ("spin-component-route", "/a/:id".into()),
        ("spin-path-match-id", "7".into()),
    ] {
        assert_eq!(lines(&answer.body, &format!("{name}:")), [format!("{name}: {value}")]);
    }
    let client = lines(&answer.body, "spin-client-addr:");
    assert!(client.len() == 1 && client[0].starts_with("spin-client-addr: 127.0.0.1:"), "{client:?}");
}

#[test]
fn spin_headers_of_the_client_are_kept_and_come_first() {
    let app = App::new().http("/...", "echo", "echo_headers", "").unwrap().start().unwrap();
    let answer = app.get_with("/", &[("spin-client-addr", "forged")]).unwrap();
    let client = lines(&answer.body, "spin-client-addr:");
    assert_eq!(client.len(), 2, "{client:?}");
    assert_eq!(client[0], "spin-client-addr: forged");
    assert!(client[1].contains("127.0.0.1"));
}

#[test]
fn a_header_that_is_not_utf8_is_answered_by_an_empty_500() {
    let app = App::new().http("/...", "echo", "echo_headers", "").unwrap().start().unwrap();
    let answer = app.raw(b"GET / HTTP/1.1\r\nhost: a\r\nx-odd: \xff\xfe\r\nconnection: close\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_request_without_a_usable_host_gets_no_answer() {
    let app = App::new().http("/...", "echo", "echo_headers", "").unwrap().start().unwrap();
    for host in ["", "host: echo.spin.internal\r\n"] {
        let request = format!("GET / HTTP/1.1\r\n{host}\r\n");
        assert_eq!(app.raw(request.as_bytes()).unwrap(), "", "{host:?}");
    }
}

#[test]
fn health_and_info_are_the_hosts_own() {
    let app = App::new().http("/...", "hello", "hello", "").unwrap().start().unwrap();
    assert_eq!(app.get("/.well-known/spin/health").unwrap().body, "OK");
    let info = app.get("/.well-known/spin/info").unwrap();
    assert_eq!(info.header("content-type"), Some("application/json"));
    let info: serde_json::Value = serde_json::from_str(&info.body).unwrap();
    assert_eq!(info, serde_json::json!({ "name": "test", "version": "1.2.3" }));
    assert_eq!(app.get("/.well-known/spin/else").unwrap().status, 404);
}

#[test]
fn a_big_body_goes_in_and_comes_back() {
    let app = App::new().http("/...", "big", "big_body", "").unwrap().start().unwrap();
    let body: Vec<u8> = (0..8 << 20).map(|index| b'a' + (index % 26) as u8).collect();
    let answer = app.post("/", &body).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.as_bytes() == body, "{} bytes came back", answer.body.len());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the pauses between the pieces are what it is about")]
fn a_stream_arrives_piece_by_piece() {
    let app = App::new().http("/...", "stream", "stream", "").unwrap().start().unwrap();
    let mut stream = app.connect().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("line 0") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the stream ended early");
    }
    let first = Instant::now();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("line 4"), "{rest}");
    // Five lines with a tenth of a second after each; half of it is ample proof that they were not held back.
    assert!(first.elapsed() >= Duration::from_millis(200), "{:?}", first.elapsed());
}
