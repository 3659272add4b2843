//! What components print and what environment they have.

use crate::harness::{App, Running};

const GUEST: &str = "env_and_stdio";

fn app() -> anyhow::Result<App> {
    App::new().http("/...", "printer", GUEST, "environment = { ONE = \"1\", TWO = \"2\" }")
}

fn log(app: &Running, file: &str) -> String {
    std::fs::read_to_string(app.dir().join(".spin/logs").join(file)).unwrap_or_else(|error| error.to_string())
}

#[test]
fn output_goes_to_files_and_is_shown_on_stderr() {
    let app = app().unwrap().start().unwrap();
    app.get("/").unwrap();
    assert_eq!(log(&app, "printer_stdout.txt"), "a line for stdout\n");
    assert_eq!(log(&app, "printer_stderr.txt"), "a line for stderr\n");
    let shown = app.errors().unwrap();
    assert!(shown.contains("a line for stdout\n") && shown.contains("a line for stderr\n"), "{shown}");
}

#[test]
fn quiet_keeps_the_files_only() {
    let app = app().unwrap().switch("--quiet").start().unwrap();
    app.get("/").unwrap();
    assert_eq!(log(&app, "printer_stdout.txt"), "a line for stdout\n");
    assert!(!app.errors().unwrap().contains("a line"));
}

#[test]
fn follow_shows_the_named_component_only() {
    let app = app().unwrap().http("/other", "other", GUEST, "").unwrap().flag("--follow", "other").start().unwrap();
    app.get("/").unwrap();
    assert!(!app.errors().unwrap().contains("a line"));
    app.get("/other").unwrap();
    assert!(app.errors().unwrap().contains("a line for stdout"));
}

#[test]
fn logs_are_appended_to_unless_they_are_truncated() {
    let state = tempfile::tempdir().unwrap();
    let lines = |app: App| {
        let app = app.state_dir(state.path()).start().unwrap();
        app.get("/").unwrap();
        std::fs::read_to_string(state.path().join("logs/printer_stdout.txt")).unwrap().lines().count()
    };
    assert_eq!(lines(app().unwrap()), 1);
    assert_eq!(lines(app().unwrap()), 2);
    assert_eq!(lines(app().unwrap().switch("--truncate-logs")), 1);
}

#[test]
fn the_environment_is_what_the_manifest_says_and_nothing_of_the_hosts() {
    let app = app().unwrap().environment("SECRET_OF_THE_HOST", "1").start().unwrap();
    assert_eq!(app.get("/").unwrap().body, "ONE=1\nTWO=2");
}
