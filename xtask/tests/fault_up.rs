//! `cargo xtask up` when it is stopped, killed, started twice, or loses a child. The functions' host is a stand-in: a
//! script named `spin`, for which the test answers the readiness route. Redis is real.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of tests fails by panicking")]
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use xtask::child::holder;
use xtask::narration::Stopwatch;
use xtask::redis_server::free_port;
use xtask::resp::{Connection, Reply};

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What the stand-in does: it says its version, remembers what it was told, and ends when asked.
const STAND_IN: &str = r#"#!/bin/sh
[ "$1" = --version ] && { echo "spin 4.1.0 (stand-in)"; exit; }
echo "$@" > "$NOTES/arguments"
echo "$SPIN_VARIABLE_PAYMENTS_REDIS_URL" > "$NOTES/variable"
trap 'echo asked > "$NOTES/stopped"; exit 0' TERM
echo "the stand-in runs"
while [ ! -e "$NOTES/die" ]; do sleep 0.05; done
echo "the stand-in dies"
exit 3
"#;

/// A folder with the stand-in, its notes and the state.
struct Stage {
    folder: TempDir,
    listen: SocketAddr,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("spin");
        fs::write(&script, STAND_IN).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        Self { folder, listen: SocketAddr::from(([127, 0, 0, 1], free_port().unwrap())) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Starts `up` and waits until it says that the system is up.
    fn up(&self) -> Up {
        let _ = fs::remove_file(self.path("notes/arguments"));
        let child = self.command().spawn().unwrap();
        let up = Up { child };
        wait_for("the stand-in's start", || self.path("notes/arguments").exists());
        answer_readiness(self.listen);
        wait_for("the addresses", || self.output().contains("Ctrl-C stops it."));
        up
    }

    fn command(&self) -> Command {
        let output = fs::File::create(self.path("output")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let path = std::env::var("PATH").unwrap();
        command
            .args(["up", "--stock", "--no-build", "--listen", &self.listen.to_string(), "--state"])
            .arg(self.path("state"))
            .env("PATH", format!("{}:{path}", self.folder.path().display()))
            .env("NOTES", self.path("notes"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        command
    }

    fn output(&self) -> String {
        fs::read_to_string(self.path("output")).unwrap()
    }

    /// The processes that still hold a lock of the state folder.
    fn left_running(&self) -> Vec<u32> {
        ["up", "application", "redis"]
            .iter()
            .filter_map(|name| holder(&self.path("state").join(format!("{name}.lock"))).unwrap())
            .collect()
    }
}

/// A running `up`; killed when the test ends early.
struct Up {
    child: Child,
}

impl Up {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> std::process::ExitStatus {
        let mut status = None;
        wait_for("the end of up", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

#[track_caller]
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let stopwatch = Stopwatch::start();
    while !is_so() {
        assert!(stopwatch.elapsed() < LIMIT, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Answers one request with 200, as the gateway would.
fn answer_readiness(listen: SocketAddr) {
    let (mut stream, _): (TcpStream, _) = TcpListener::bind(listen).unwrap().accept().unwrap();
    let mut request = [0; 1024];
    let length = stream.read(&mut request).unwrap();
    assert!(request[..length].starts_with(b"GET /readyz"));
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
}

/// Every file below a folder.
fn files(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { 1 }
        })
        .sum()
}

#[test]
fn stops_the_functions_then_redis_and_leaves_no_process() {
    for signal in [Signal::INT, Signal::TERM] {
        let stage = Stage::new();
        let mut up = stage.up();
        assert_eq!(stage.left_running().len(), 3);
        up.signal(signal);
        assert!(up.end().success(), "{}", stage.output());
        assert!(stage.path("notes/stopped").exists(), "the stand-in was killed, not asked");
        assert_eq!(stage.left_running().len(), 0);
        let log = fs::read_to_string(stage.path("state/logs/redis.log")).unwrap();
        assert!(log.contains("Redis is now ready to exit"), "{log}");
    }
}

#[test]
fn gives_secrets_in_the_environment_and_never_on_a_command_line() {
    let stage = Stage::new();
    let mut up = stage.up();
    let arguments = fs::read_to_string(stage.path("notes/arguments")).unwrap();
    let variable = fs::read_to_string(stage.path("notes/variable")).unwrap();
    let secrets = fs::read_to_string(stage.path("state/secrets.json")).unwrap();
    let password = variable.split_once("redis://payments:").unwrap().1.split_once('@').unwrap().0;
    assert!(secrets.contains(password) && !arguments.contains(password), "{variable} {arguments}");
    assert!(!variable.contains("development"), "{variable}");
    for file in ["secrets.json", "users.acl", "runtime-config.toml"] {
        let mode = fs::metadata(stage.path("state").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is readable by others");
    }
    up.signal(Signal::TERM);
    up.end();
    let before = secrets;
    let mut again = stage.up();
    assert_eq!(fs::read_to_string(stage.path("state/secrets.json")).unwrap(), before, "secrets are made once");
    again.signal(Signal::TERM);
    again.end();
}

#[test]
fn rings_the_pulse_every_second_and_says_that_it_is_one() {
    let stage = Stage::new();
    let _up = stage.up();
    let variable = fs::read_to_string(stage.path("notes/variable")).unwrap();
    let (credentials, address) = variable.trim().trim_start_matches("redis://").split_once('@').unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    let mut listener = Connection::open_as(address.parse().unwrap(), user, password).unwrap();
    listener.call(&["SUBSCRIBE", "pulse"]).unwrap();
    let stopwatch = Stopwatch::start();
    let word = |text: &str| Reply::Text(text.to_owned());
    for _ in 0..3 {
        let message = listener.next_message().unwrap();
        assert_eq!(message, Reply::List(vec![word("message"), word("pulse"), word("pulse")]));
    }
    let took = stopwatch.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_secs(5), "three pulses took {took:?}");
}

#[test]
fn a_second_one_on_the_same_state_is_refused_with_the_process_id() {
    let stage = Stage::new();
    let up = stage.up();
    let refused = stage.command().stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains(&format!("process {}", up.child.id())), "{words}");
    assert_eq!(stage.left_running().len(), 3, "the first is not disturbed");
}

#[test]
fn after_a_kill_the_next_one_starts_and_finds_the_data() {
    let stage = Stage::new();
    let mut up = stage.up();
    up.signal(Signal::KILL);
    up.end();
    let mut next = stage.up();
    assert_eq!(stage.left_running().len(), 3);
    let log = fs::read_to_string(stage.path("state/logs/redis.log")).unwrap();
    assert!(log.contains("DB loaded from"), "the append-only file was not read again: {log}");
    next.signal(Signal::TERM);
    assert!(next.end().success());
    assert_eq!(stage.left_running().len(), 0);
}

#[test]
fn a_host_that_dies_is_reported_with_its_last_words_and_ends_everything() {
    let stage = Stage::new();
    let mut up = stage.up();
    fs::write(stage.path("notes/die"), "").unwrap();
    assert!(!up.end().success());
    assert!(stage.output().contains("the stand-in dies"), "{}", stage.output());
    assert_eq!(stage.left_running().len(), 0);
}

#[test]
fn a_redis_that_dies_ends_everything() {
    let stage = Stage::new();
    let mut up = stage.up();
    let redis = holder(&stage.path("state/redis.lock")).unwrap().unwrap();
    kill_process(Pid::from_raw(i32::try_from(redis).unwrap()).unwrap(), Signal::KILL).unwrap();
    assert!(!up.end().success());
    assert!(stage.output().contains("Redis ended by itself"), "{}", stage.output());
    assert_eq!(stage.left_running().len(), 0);
}

#[test]
fn writes_nothing_outside_the_state_folder() {
    let stage = Stage::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let count = || {
        fs::read_dir(project)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = count();
    let mut up = stage.up();
    up.signal(Signal::TERM);
    up.end();
    assert_eq!(count(), before);
    assert!(files(&stage.path("state")) > 3);
}
