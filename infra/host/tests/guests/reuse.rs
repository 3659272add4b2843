//! Instances: how many requests one serves, how many at a time, when it goes, and who goes with it.

use std::{collections::HashMap, thread, time::Duration};

use crate::harness::{Answer, App, Running};

/// `(instance, requests so far, most at a time)` as the counter guest tells it.
fn counted(answer: &Answer) -> (String, u32, u32) {
    let mut words = answer.body.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    (word(), word().parse().unwrap_or_default(), word().parse().unwrap_or_default())
}

fn counter(flags: &[(&str, &str)]) -> anyhow::Result<Running> {
    let mut app = App::new().http("/...", "counter", "counter", "")?.flag("--idle-instance-timeout", "60s");
    for (name, value) in flags {
        app = app.flag(name, value);
    }
    app.start()
}

fn in_parallel(app: &Running, path: &str, requests: usize) -> Vec<anyhow::Result<Answer>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..requests).map(|_| scope.spawn(|| app.get(path))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("the client panicked")))
            .collect()
    })
}

#[test]
fn an_instance_serves_128_requests_and_then_makes_room() {
    let app = counter(&[]).unwrap();
    let (first, _, _) = counted(&app.get("/").unwrap());
    for number in 2..=128 {
        assert_eq!(counted(&app.get("/").unwrap()), (first.clone(), number, 1));
    }
    let (second, number, _) = counted(&app.get("/").unwrap());
    assert_ne!(second, first);
    assert_eq!(number, 1);
}

#[test]
fn the_reuse_flag_sets_how_many() {
    let app = counter(&[("--max-instance-reuse-count", "2")]).unwrap();
    let instances: Vec<_> = (0..4).map(|_| counted(&app.get("/").unwrap())).collect();
    assert_eq!(instances[0].0, instances[1].0);
    assert_ne!(instances[1].0, instances[2].0);
    assert_eq!(instances[2].0, instances[3].0);
}

#[test]
fn an_instance_serves_at_most_16_at_a_time() {
    let app = counter(&[]).unwrap();
    let mut served: HashMap<String, u32> = HashMap::new();
    let mut most = 0;
    for answer in in_parallel(&app, "/wait", 40) {
        let (instance, _, at_a_time) = counted(&answer.unwrap());
        *served.entry(instance).or_default() += 1;
        most = most.max(at_a_time);
    }
    assert!((2..=16).contains(&most), "{most} at a time");
    assert!(served.len() >= 3 && served.values().all(|requests| *requests <= 16), "{served:?}");
}

#[test]
fn the_concurrency_flag_sets_how_many_at_a_time() {
    let app = counter(&[("--max-instance-concurrent-reuse-count", "1")]).unwrap();
    for answer in in_parallel(&app, "/wait", 4) {
        assert_eq!(counted(&answer.unwrap()).2, 1);
    }
}

#[test]
fn an_idle_instance_is_dropped_after_its_time() {
    let app = App::new()
        .http("/...", "counter", "counter", "")
        .unwrap()
        .flag("--idle-instance-timeout", "100ms")
        .start()
        .unwrap();
    let (first, _, _) = counted(&app.get("/").unwrap());
    thread::sleep(Duration::from_millis(600));
    let (second, number, _) = counted(&app.get("/").unwrap());
    assert_ne!(first, second);
    assert_eq!(number, 1);
}

#[test]
fn a_request_beyond_the_time_out_is_answered_by_an_empty_500() {
    let app = App::new().http("/...", "slow", "slow", "").unwrap().flag("--request-timeout", "300ms").start().unwrap();
    let answer = app.get("/600000").unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (500, ""));
    assert_eq!(app.get("/0").unwrap().status, 200);
}

#[test]
fn a_panic_ends_the_neighbours_in_the_same_instance_and_nobody_after_them() {
    let app = App::new().http("/...", "panic", "panic", "").unwrap().start().unwrap();
    app.get("/").unwrap();
    thread::scope(|scope| {
        let neighbour = scope.spawn(|| app.get("/wait"));
        thread::sleep(Duration::from_millis(500));
        let panicked = app.get("/panic").unwrap();
        assert_eq!((panicked.status, panicked.body.as_str()), (500, ""));
        let neighbour = neighbour.join().unwrap().unwrap();
        assert_eq!((neighbour.status, neighbour.body.as_str()), (500, ""));
    });
    assert_eq!(app.get("/").unwrap().body, "alive");
    assert!(app.errors().unwrap().contains("on purpose"));
}

#[test]
fn waiting_for_nothing_but_another_request_ends_the_instance() {
    let app = App::new().http("/...", "wake", "wake", "").unwrap().start().unwrap();
    assert_eq!(app.get("/sleep-for-ever").unwrap().status, 500);
    assert!(app.errors().unwrap().contains("waiting only on Rust-originating events"));
}

#[test]
fn waking_the_task_of_another_request_ends_the_instance() {
    let app = App::new().http("/...", "wake", "wake", "").unwrap().start().unwrap();
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| app.get("/sleep"));
        thread::sleep(Duration::from_millis(500));
        assert_eq!(app.get("/wake").unwrap().status, 500);
        assert_eq!(sleeper.join().unwrap().unwrap().status, 500);
    });
}

#[test]
fn what_is_too_much_is_shed_with_a_word_on_when_to_return() {
    let app =
        App::new().http("/...", "slow", "slow", "").unwrap().flag("--max-concurrent-requests", "1").start().unwrap();
    thread::scope(|scope| {
        let first = scope.spawn(|| app.get("/2000"));
        thread::sleep(Duration::from_millis(500));
        let shed = app.get("/0").unwrap();
        assert_eq!((shed.status, shed.header("retry-after")), (503, Some("1")));
        assert_eq!(app.get("/.well-known/spin/health").unwrap().status, 200);
        assert_eq!(first.join().unwrap().unwrap().status, 200);
    });
    assert_eq!(app.get("/0").unwrap().status, 200);
}
