//! `cargo xtask ci`: `test`, then what needs tools that a contributor may not have.
//!
//! A missing tool is a failure that names the command which installs it; nothing is skipped in silence. Advisories are
//! not asked for here: their database is out of reach on closed networks, so the release workflow does that.
use std::process::{Command, ExitCode};

use crate::narration;
use crate::process;
use crate::setup::SetUp;
use crate::test::{self, TestFlags, steps};
use crate::workspace::Workspace;

/// Tools, what they are asked, and the step's name. The host is a workspace of its own, so it is asked about apart.
const CHECKS: [(&str, &[&str], &str); 3] = [
    ("cargo-deny", &["deny", "check", "licenses", "bans", "sources"], "licences, bans, sources"),
    (
        "cargo-deny",
        &[
            "deny",
            "--manifest-path",
            "infra/host/Cargo.toml",
            "check",
            "--config",
            "deny.toml",
            "licenses",
            "bans",
            "sources",
        ],
        "licences, bans, sources, host",
    ),
    ("cargo-machete", &["machete"], "dependencies that nobody uses"),
];

/// Programs in other languages, what they are asked, and the step's name: what docs/webhooks tells receivers to do.
const EXAMPLES: [(&str, &str, &str); 2] = [
    ("python3", "docs/webhooks/verify.py", "the verifier of webhooks in Python"),
    ("node", "docs/webhooks/verify.mjs", "the verifier of webhooks in JavaScript"),
];

/// Runs everything and prints the report of `test` with the steps added.
///
/// # Errors
/// When the set-up cannot be completed.
pub fn run(workspace: &Workspace, setup: &SetUp, flags: &TestFlags) -> anyhow::Result<ExitCode> {
    let mut report = test::report_of(workspace, setup, flags)?;
    for (tool, arguments, name) in CHECKS {
        let there = process::answer(workspace.command(tool).arg("--version")).is_some();
        if there {
            let mut command: Command = workspace.command("cargo");
            command.args(arguments);
            steps::step(workspace, &mut report, name, &mut command)?;
        } else {
            narration::say(&format!("✗ {name}: {tool} is missing; install it with `cargo install --locked {tool}`"));
            report.step(name, false, std::time::Duration::ZERO);
        }
    }
    for (program, example, name) in EXAMPLES {
        if process::answer(workspace.command(program).arg("--version")).is_some() {
            let mut command: Command = workspace.command(program);
            command.args([example, "docs/webhooks/vectors.json"]);
            steps::step(workspace, &mut report, name, &mut command)?;
        } else {
            let package = if program == "node" { "nodejs" } else { program };
            narration::say(&format!("✗ {name}: {program} is missing; install it with `apt-get install {package}`"));
            report.step(name, false, std::time::Duration::ZERO);
        }
    }
    report.print(flags.json)?;
    Ok(report.exit_code())
}
