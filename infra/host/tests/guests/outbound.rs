//! Outbound HTTP: the allow-list and its absence, the application itself, pooling, time-outs, blocked networks.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::harness::{Answer, App, Running};

/// An upstream that answers every request, and counts its connections; or accepts and never answers.
struct Upstream {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    fn start(answers: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                counted.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).is_ok_and(|length| length > 0) {
                        if answers && stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nupstream").is_err()
                        {
                            return;
                        }
                    }
                });
            }
        });
        Ok(Self { url, connections })
    }
}

fn app(allowed: &str) -> anyhow::Result<App> {
    App::new().http("/...", "outbound", "outbound", &format!("allowed_outbound_hosts = [{allowed}]"))
}

fn fetch(app: &Running, url: &str) -> anyhow::Result<Answer> {
    app.get_with("/", &[("x-url", url)])
}

#[test]
fn an_allowed_host_is_reached_over_one_kept_connection() {
    let upstream = Upstream::start(true).unwrap();
    let app = app(&format!("\"{}\"", upstream.url)).unwrap().start().unwrap();
    for _ in 0..3 {
        let answer = fetch(&app, &upstream.url).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "200 upstream"));
    }
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 1);
}

#[test]
fn pooling_goes_off_when_the_table_exists_without_it() {
    let upstream = Upstream::start(true).unwrap();
    let app = app(&format!("\"{}\"", upstream.url)).unwrap().runtime_config("[outbound_http]").start().unwrap();
    for _ in 0..3 {
        assert_eq!(fetch(&app, &upstream.url).unwrap().status, 200);
    }
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 3);
}

#[test]
fn a_host_that_is_not_allowed_is_denied_and_the_host_says_how_to_allow_it() {
    let upstream = Upstream::start(true).unwrap();
    let app = app("\"https://example.com\", \"http://127.0.0.1:1\"").unwrap().start().unwrap();
    let answer = fetch(&app, &upstream.url).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (502, "ErrorCode::HttpRequestDenied"));
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 0);
    let hint = format!("allowed_outbound_hosts = [\"{}\"]", upstream.url);
    assert!(app.errors().unwrap().contains(&hint));
}

#[test]
fn a_host_can_be_allowed_by_a_variable() {
    let upstream = Upstream::start(true).unwrap();
    let app = app("\"{{ upstream }}\", \"{{ optional }}\"")
        .unwrap()
        .lines("[variables]\nupstream = { required = true }\noptional = { default = \"\" }")
        .environment("SPIN_VARIABLE_UPSTREAM", &upstream.url)
        .start()
        .unwrap();
    assert_eq!(fetch(&app, &upstream.url).unwrap().status, 200);
}

#[test]
fn the_application_itself_is_reached_only_if_self_is_allowed() {
    for (allowed, status) in [("\"http://self\"", 200), ("\"http://127.0.0.1:1\"", 502)] {
        let app = app(allowed).unwrap().http("/hello", "hello", "hello", "").unwrap().start().unwrap();
        assert_eq!(fetch(&app, "http://self.alt/hello").unwrap().status, status, "{allowed}");
    }
}

#[test]
fn failures_have_the_error_codes_of_wasi_http() {
    let silent = Upstream::start(false).unwrap();
    let app = app("\"*://*:*\"").unwrap().start().unwrap();
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).unwrap();
    assert_eq!(fetch(&app, &format!("http://{closed}")).unwrap().body, "ErrorCode::ConnectionRefused");
    assert!(fetch(&app, "http://nobody.invalid").unwrap().body.starts_with("ErrorCode::DnsError"));
    let late = app.get_with("/", &[("x-url", &silent.url), ("x-first-byte-ms", "200")]).unwrap();
    assert_eq!(late.body, "ErrorCode::ConnectionReadTimeout");
    // An address of the documentation range: nobody answers there, or the network says so at once.
    let nowhere = app.get_with("/", &[("x-url", "http://192.0.2.1"), ("x-connect-ms", "200")]).unwrap();
    assert!(
        ["ErrorCode::ConnectionTimeout", "ErrorCode::ConnectionRefused"].contains(&nowhere.body.as_str()),
        "{}",
        nowhere.body
    );
}

#[test]
fn a_blocked_network_is_out_of_reach_whatever_the_manifest_allows() {
    let upstream = Upstream::start(true).unwrap();
    let app = app("\"*://*:*\"")
        .unwrap()
        .runtime_config("[outbound_networking]\nblock_networks = [\"127.0.0.0/8\"]")
        .start()
        .unwrap();
    assert_eq!(fetch(&app, &upstream.url).unwrap().body, "ErrorCode::DestinationIpProhibited");
    assert_eq!(upstream.connections.load(Ordering::Relaxed), 0);
}

#[test]
fn a_malformed_entry_is_refused_at_start() {
    let refusal = app("\"example.com\"").unwrap().refused().unwrap();
    assert!(refusal.contains("example.com") && refusal.contains("scheme"), "{refusal}");
}
