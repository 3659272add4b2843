//! `cargo xtask fuzz-api`: thousands of requests, good and bad, against a running system; each answer must be one that
//! the API's document describes, and none may be a failure of ours.
//!
//! The tool is schemathesis, in a virtual environment of its own below the build folder. Its report stays there.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use journey::{Api, Person};
use serde_json::Value;

use crate::process;
use crate::workspace::Workspace;

/// The tool, pinned: another version generates other requests.
const TOOL: &str = "schemathesis==4.32.5";
/// What must hold of each answer. Left out: whether every request that the document allows is accepted, because a
/// document cannot say that an address is taken or a payment gone.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth";
/// Fewer cases than this prove too little, and the command fails.
const LEAST_CASES: u64 = 2_000;

/// Flags of `fuzz-api`.
#[derive(Debug, Args)]
pub struct FuzzFlags {
    /// The public entry of a system that is up; best with the variable `rate_limits` set to `off`.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The most cases an operation in each phase.
    #[arg(long, default_value_t = 120)]
    pub cases: u32,
    /// Repeats a run.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Sends the requests as somebody new and prints what was found.
///
/// # Errors
/// When the tool cannot be had, the system is not there, or there were too few cases.
pub fn run(workspace: &Workspace, flags: &FuzzFlags) -> anyhow::Result<ExitCode> {
    let tool = tool(workspace)?;
    let api = Api::new(&flags.url);
    api.ready()?;
    let mut person = Person::new(api, &crate::demo::somebody()?);
    person.register()?;
    person.log_in()?;
    // Something to find: without it every list is empty.
    person.create_payment(1099, "tok_visa")?;
    person.confirm()?;

    let folder = workspace.scratch().join("fuzz-api");
    let report = folder.join("report.ndjson");
    let mut command = workspace.command(tool.to_str().context("the build folder's path is not UTF-8")?);
    command
        .arg("run")
        .arg(format!("{}/openapi.json", flags.url.trim_end_matches('/')))
        .args(["--url", &flags.url, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", &flags.cases.to_string(), "--seed", &flags.seed.to_string()])
        .args(["--header", &format!("Authorization: Bearer {}", person.access_token())])
        .args(["--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all"])
        .args(["--report-ndjson-path", &report.to_string_lossy(), "--report-dir", &folder.to_string_lossy()]);
    let ended_well = process::openly("schemathesis", &mut command);
    let cases = cases(&report)?;
    println!("{cases} cases, seed {}; report: {}", flags.seed, report.display());
    ended_well?;
    if cases < LEAST_CASES {
        bail!("{cases} cases are too few to prove anything, at least {LEAST_CASES} are wanted: raise --cases");
    }
    Ok(ExitCode::SUCCESS)
}

/// The tool, installed where it is not.
fn tool(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let home = workspace.scratch().join(TOOL);
    let tool = home.join("bin/schemathesis");
    if !tool.is_file() {
        let log = workspace.scratch().join("fuzz-api-install.log");
        let python = workspace.command("python3");
        make(python, &home, &log).context("python3 with venv is needed: apt-get install python3-venv")?;
        let mut install = workspace.command(&home.join("bin/pip").to_string_lossy());
        install.args(["install", "--disable-pip-version-check", TOOL]);
        process::quietly(&format!("installing {TOOL}"), &mut install, &log)?;
    }
    Ok(tool)
}

fn make(mut python: std::process::Command, home: &Path, log: &Path) -> anyhow::Result<()> {
    python.args(["-m", "venv", "--clear"]).arg(home);
    process::quietly("making a virtual environment", &mut python, log)
}

/// How many requests a report holds: the cases of all its finished scenarios.
fn cases(report: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(report).with_context(|| format!("reading {}", report.display()))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|event| cases_of(&event)).sum())
}

/// **Shape** `{"ScenarioFinished": {"recorder": {"cases": {"<id>": …}}}}`.
fn cases_of(event: &Value) -> u64 {
    let cases = event.pointer("/ScenarioFinished/recorder/cases").and_then(Value::as_object);
    cases.map_or(0, |cases| cases.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_over_finished_scenarios() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.ndjson");
        std::fs::write(
            &report,
            "{\"Initialize\":{}}\n{\"ScenarioFinished\":{\"recorder\":{\"cases\":{\"a\":{},\"b\":{}}}}}\nbroken\n\
             {\"ScenarioFinished\":{\"recorder\":{\"cases\":{\"c\":{}}}}}\n",
        )
        .unwrap();
        assert_eq!(cases(&report).unwrap(), 3);
    }
}
