//! `cargo xtask doctor`: what is here, what is missing, and the command that mends it.
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::process;
use crate::setup::redis;
use crate::setup::wasm::{self, WasmState};
use crate::up::application;
use crate::version::Version;
use crate::workspace::{WASM_TARGET, Workspace};

/// The oldest compiler that builds the workspace (`rust-version` of the top-level manifest).
const OLDEST_RUST: Version = Version::new(1, 95, 0);

/// What the whole build and its tests take on disk, rounded up.
const NEEDED_DISK_BYTES: u64 = 12 * 1024 * 1024 * 1024;

/// One thing that was looked at.
///
/// **Shape** in JSON: `{"name":"redis-server","state":"missing","found":null,"mend":"apt-get install …"}`.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    /// What is there, in words.
    found: Option<String>,
    /// The command that mends it.
    mend: Option<String>,
}

/// How a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// There and fit.
    Good,
    /// Not there; things work without it.
    Optional,
    /// Not there, but `up`, `test` and `build` see to it themselves.
    Fetchable,
    /// Not there and needed.
    Missing,
}

impl Finding {
    fn good(name: &'static str, found: String) -> Self {
        Self { name, state: State::Good, found: Some(found), mend: None }
    }

    fn lacking(name: &'static str, state: State, found: Option<String>, mend: &str) -> Self {
        Self { name, state, found, mend: Some(mend.to_owned()) }
    }
}

/// Prints what was found; fails when something needed is missing.
///
/// # Errors
/// When the answer cannot be written as JSON.
pub fn run(workspace: &Workspace, json: bool) -> anyhow::Result<ExitCode> {
    let findings = [
        rust(workspace),
        wasm_target(workspace),
        redis_server(workspace),
        disk(workspace),
        spin(workspace),
        cargo_tool(workspace, "cargo-deny"),
        cargo_tool(workspace, "cargo-machete"),
    ];
    if json {
        println!("{}", serde_json::to_string_pretty(&findings).context("writing JSON")?);
    } else {
        for finding in &findings {
            println!("{}", line(finding));
        }
    }
    let missing = findings.iter().any(|finding| matches!(finding.state, State::Missing | State::Fetchable));
    Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => "✓",
        State::Optional => "–",
        State::Fetchable | State::Missing => "✗",
    };
    let found = finding.found.as_deref().unwrap_or("not found");
    let mend = match (&finding.mend, finding.state) {
        (None, _) => String::new(),
        (Some(command), State::Optional) => format!("\n    optional: {command}"),
        (Some(command), State::Fetchable) => {
            format!("\n    `cargo xtask up` and `test` see to it, or: {command}")
        }
        (Some(command), _) => format!("\n    mend it: {command}"),
    };
    format!("{mark} {:<16} {found}{mend}", finding.name)
}

fn rust(workspace: &Workspace) -> Finding {
    let text = process::answer(workspace.command("rustc").arg("--version"));
    match text.as_deref().and_then(Version::find) {
        Some(version) if version >= OLDEST_RUST => Finding::good("rustc", version.to_string()),
        other => Finding::lacking(
            "rustc",
            State::Missing,
            other.map(|version| format!("{version}, older than {OLDEST_RUST}")),
            "rustup update stable",
        ),
    }
}

fn wasm_target(workspace: &Workspace) -> Finding {
    match wasm::state(workspace) {
        WasmState::InToolchain => Finding::good("wasm target", format!("{WASM_TARGET}, in the toolchain")),
        WasmState::InSysroot(root) => Finding::good(
            "wasm target",
            format!(
                "{WASM_TARGET}, from packages; for a cargo of your own: export CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS=--sysroot={}",
                root.display()
            ),
        ),
        WasmState::Missing => {
            Finding::lacking("wasm target", State::Fetchable, None, &format!("rustup target add {WASM_TARGET}"))
        }
    }
}

fn redis_server(workspace: &Workspace) -> Finding {
    let mend = redis::install_command(workspace).unwrap_or("install Redis 7 or later by hand");
    match redis::installed(workspace) {
        Some(version) if version >= redis::OLDEST => Finding::good("redis-server", version.to_string()),
        Some(version) => Finding::lacking(
            "redis-server",
            State::Missing,
            Some(format!("{version}, older than {}", redis::OLDEST)),
            mend,
        ),
        None => Finding::lacking("redis-server", State::Fetchable, None, mend),
    }
}

fn disk(workspace: &Workspace) -> Finding {
    let free = rustix::fs::statvfs(&workspace.root).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let gib = |bytes: u64| format!("{} GiB free", bytes / (1024 * 1024 * 1024));
    let built = workspace.target.join("debug").exists();
    match free {
        Ok(bytes) if bytes >= NEEDED_DISK_BYTES || built => Finding::good("disk", gib(bytes)),
        Ok(bytes) => Finding::lacking(
            "disk",
            State::Missing,
            Some(format!("{}, {} wanted", gib(bytes), gib(NEEDED_DISK_BYTES))),
            "free some space, or set CARGO_TARGET_DIR to another disk",
        ),
        Err(error) => Finding::lacking("disk", State::Optional, Some(error.to_string()), "look with `df -h .`"),
    }
}

fn spin(workspace: &Workspace) -> Finding {
    match application::stock_spin(workspace) {
        Some(version) if version >= application::OLDEST_SPIN => {
            Finding::good("spin", format!("{version}, used by `up`"))
        }
        other => Finding::lacking(
            "spin",
            State::Optional,
            Some(match other {
                Some(version) => {
                    format!("{version} is older than {}; the embedded host is used", application::OLDEST_SPIN)
                }
                None => "not on the PATH; the embedded host is used".to_owned(),
            }),
            "https://spinframework.dev/install",
        ),
    }
}

fn cargo_tool(workspace: &Workspace, name: &'static str) -> Finding {
    match process::answer(workspace.command(name).arg("--version")) {
        Some(text) => Finding::good(name, text),
        None => Finding::lacking(
            name,
            State::Optional,
            Some("not installed; only `cargo xtask ci` uses it".to_owned()),
            &format!("cargo install --locked {name}"),
        ),
    }
}
