//! Starting and ending: the compile cache, selected components, the port, draining.

use std::{net::TcpStream, thread, time::Duration};

use crate::harness::{App, eventually};

#[test]
fn the_second_start_takes_compiled_components_from_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let compiled = || {
        let mut files = Vec::new();
        let mut folders = vec![cache.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_none() {
                    files.push((path.clone(), std::fs::metadata(&path).unwrap().modified().unwrap()));
                }
            }
        }
        files.sort();
        files
    };
    let start = || {
        let app =
            App::new().http("/...", "hello", "hello", "").unwrap().flag("--cache-dir", cache.path().to_str().unwrap());
        assert_eq!(app.start().unwrap().get("/").unwrap().body, "hello");
    };
    start();
    let first = eventually(|| Ok(Some(compiled()).filter(|files| !files.is_empty()))).unwrap();
    start();
    assert_eq!(compiled(), first);
}

#[test]
fn only_selected_components_run() {
    let app = App::new()
        .http("/one", "one", "hello", "")
        .unwrap()
        .http("/two", "two", "hello", "")
        .unwrap()
        .flag("--component-id", "two")
        .start()
        .unwrap();
    assert_eq!(app.get("/one").unwrap().status, 404);
    assert_eq!(app.get("/two").unwrap().status, 200);
}

#[test]
fn a_selected_component_that_chains_to_an_unselected_one_is_refused() {
    let app = |host: &str| {
        App::new()
            .http("/one", "one", "outbound", &format!("allowed_outbound_hosts = [\"{host}\"]"))
            .unwrap()
            .http("/two", "two", "hello", "")
            .unwrap()
            .flag("--component-id", "one")
            .refused()
            .unwrap()
    };
    assert!(app("http://two.spin.internal").contains("service chaining to unselected component"));
    assert!(app("http://*.spin.internal").contains("wildcard service chaining"));
}

#[test]
fn a_templated_peer_is_not_checked_when_components_are_selected() {
    let app = App::new()
        .lines("[variables]\npeer = { default = \"http://two.spin.internal\" }")
        .http("/one", "one", "outbound", "allowed_outbound_hosts = [\"{{ peer }}\"]")
        .unwrap()
        .http("/two", "two", "hello", "")
        .unwrap()
        .flag("--component-id", "one")
        .start()
        .unwrap();
    assert_eq!(app.get("/two").unwrap().status, 404);
}

#[test]
fn a_taken_port_is_an_error() {
    let first = App::new().http("/...", "hello", "hello", "").unwrap().start().unwrap();
    let refusal =
        App::new().http("/...", "hello", "hello", "").unwrap().flag("--listen", first.authority()).refused().unwrap();
    assert!(refusal.contains(&format!("Unable to listen on {}", first.authority())), "{refusal}");
}

#[test]
fn at_a_signal_requests_in_flight_are_answered_and_the_host_ends_well() {
    let mut app = App::new().http("/...", "slow", "slow", "").unwrap().start().unwrap();
    let idle = app.connect().unwrap();
    thread::scope(|scope| {
        let flying = scope.spawn(|| app.get("/2000"));
        thread::sleep(Duration::from_millis(500));
        app.terminate().unwrap();
        eventually(|| Ok(TcpStream::connect(app.authority()).err())).unwrap();
        let answer = flying.join().unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "awake"));
    });
    assert_eq!(app.ended().unwrap().code(), Some(0));
    assert!(!app.errors().unwrap().contains("failed"), "{}", app.errors().unwrap());
    drop(idle);
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_host() {
    let mut app = App::new().http("/...", "slow", "slow", "").unwrap().start().unwrap();
    thread::scope(|scope| {
        let flying = scope.spawn(|| app.get("/600000"));
        thread::sleep(Duration::from_millis(500));
        app.terminate().unwrap();
        assert!(flying.join().unwrap().is_err());
    });
    assert_eq!(app.ended().unwrap().code(), Some(0));
}
