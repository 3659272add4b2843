//! `cargo xtask fuzz-api`: thousands of requests, good and bad, against a running system; each answer must be one that
//! the API's document describes, and none may be a failure of ours.
//!
//! The tool is schemathesis, in a virtual environment of its own below the build folder; its reports stay there. It goes
//! round twice: as somebody who has just registered, and as an administrator, who gets further.
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use journey::{Api, Person};
use serde_json::Value;
use toml::Table;

use crate::process;
use crate::workspace::Workspace;

/// The tool, pinned: another version generates other requests.
const TOOL: &str = "schemathesis==4.32.5";
/// What must hold of each answer. Left out: whether every request that the document allows is accepted, because a
/// document cannot say that an address is taken or a payment gone.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth,\
    negative_data_rejection,missing_required_header";
/// What a request without a header that it needs may be answered by: the Idempotency-Key has a status of its own.
const WITHOUT_HEADER: [&str; 5] = ["400", "401", "403", "422", "428"];
/// What is generated otherwise than by the document alone, and why.
const HOOKS: &str = include_str!("fuzz_api/spindrift_hooks.py");
/// Its name as a module.
const HOOKS_MODULE: &str = "spindrift_hooks";
/// Fewer cases than this in one round prove too little, and the command fails.
const LEAST_CASES: u64 = 2_000;
/// Who the administrator is: `person-administrator@example.com`.
const ADMINISTRATOR: &str = "administrator";

/// Flags of `fuzz-api`.
#[derive(Debug, Args)]
pub struct FuzzFlags {
    /// The public entry of a system that is up, with the variables `rate_limits` set to `off` and `first_admins` to
    /// `person-administrator@example.com`.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// The most cases an operation in each phase.
    #[arg(long, default_value_t = 40)]
    pub cases: u32,
    /// Repeats a run.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Leave out the round as an administrator.
    #[arg(long)]
    pub without_administrator: bool,
}

/// Sends the requests and prints what was found.
///
/// # Errors
/// When the tool cannot be had, the system is not there, something was found, or there were too few cases.
pub fn run(workspace: &Workspace, flags: &FuzzFlags) -> anyhow::Result<ExitCode> {
    let tool = tool(workspace)?;
    let api = Api::new(&flags.url);
    api.soon_ready()?;

    // Both enter before the first round: its thousands of wrong passwords slow down whoever logs in from a new device.
    let somebody = enter(Person::new(api.clone(), &crate::demo::somebody()?))?;
    let administrator = if flags.without_administrator { None } else { Some(administrator(api)?) };
    let found = round(workspace, &tool, flags, "somebody", &somebody);
    let Some(administrator) = administrator else {
        println!("left out, as asked: the round as an administrator");
        return found.map(|()| ExitCode::SUCCESS);
    };
    let found_too = round(workspace, &tool, flags, ADMINISTRATOR, &administrator);
    found.and(found_too).map(|()| ExitCode::SUCCESS)
}

/// Somebody whose address the system was told to be an administrator's.
fn administrator(api: Api) -> anyhow::Result<Person> {
    let mut administrator = enter(Person::new(api, ADMINISTRATOR))?;
    administrator.prove_address()?;
    ensure!(
        administrator.roles()?.iter().any(|role| role == "admin"),
        "{} is no administrator: start the system with SPIN_VARIABLE_FIRST_ADMINS={0}, or ask for --without-administrator",
        administrator.email()
    );
    Ok(administrator)
}

/// Registers and pays: without something to find every list is empty.
fn enter(mut person: Person) -> anyhow::Result<Person> {
    person.register()?;
    person.log_in()?;
    person.create_payment(1099, "tok_visa")?;
    person.confirm()?;
    Ok(person)
}

/// Goes round all operations as one person.
fn round(workspace: &Workspace, tool: &Path, flags: &FuzzFlags, who: &str, person: &Person) -> anyhow::Result<()> {
    let folder = workspace.scratch().join("fuzz-api").join(who);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let (configuration, report) = (folder.join("schemathesis.toml"), folder.join("report.ndjson"));
    let text = configuration_of(&person.credentials()).to_string();
    let hooks = folder.join(format!("{HOOKS_MODULE}.py"));
    for (file, text) in [(&configuration, text.as_str()), (&hooks, HOOKS)] {
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }

    println!("as {who}:");
    let mut command = workspace.command(tool.to_str().context("the build folder's path is not UTF-8")?);
    command
        .current_dir(&folder)
        .env("SCHEMATHESIS_HOOKS", HOOKS_MODULE)
        .env("PYTHONPATH", &folder)
        .arg("--config-file")
        .arg(&configuration)
        .arg("run")
        .arg(format!("{}/openapi.json", flags.url.trim_end_matches('/')))
        .args(["--url", &flags.url, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", &flags.cases.to_string(), "--seed", &flags.seed.to_string(), "--workers", "1"])
        .args(["--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all"])
        .args(["--generation-database", "none", "--no-color"])
        // It ends after minutes: its own tests read it.
        .args(["--exclude-path", "/v1/notifications/stream"])
        .arg("--report-ndjson-path")
        .arg(&report)
        .arg("--report-dir")
        .arg(&folder);
    let ended_well = process::openly("schemathesis", &mut command);
    let cases = cases(&report)?;
    println!("{cases} cases, seed {}; report: {}", flags.seed, report.display());
    ended_well?;
    ensure!(
        cases >= LEAST_CASES,
        "{cases} cases are too few to prove anything, at least {LEAST_CASES} are wanted: raise --cases"
    );
    Ok(())
}

/// The tool's configuration: it logs in by itself, and again before a token expires.
fn configuration_of(credentials: &[(&str, &str)]) -> Table {
    let text = |text: &str| toml::Value::String(text.to_owned());
    let payload: Table = credentials.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
    let log_in = Table::from_iter([
        ("path".to_owned(), text("/v1/sessions")),
        ("extract_selector".to_owned(), text("/access_token")),
        // Many requests are refused on purpose: that is no reason to log in.
        ("retry_on".to_owned(), toml::Value::Array(Vec::new())),
        ("payload".to_owned(), toml::Value::Table(payload)),
    ]);
    let inside = |name: &str, table: Table| Table::from_iter([(name.to_owned(), toml::Value::Table(table))]);
    let mut auth = inside("dynamic", inside("openapi", inside("bearer", log_in)));
    auth.insert("auto-signup".to_owned(), toml::Value::Boolean(false));
    let statuses = WITHOUT_HEADER.into_iter().map(text).collect();
    let expected = Table::from_iter([("expected-statuses".to_owned(), toml::Value::Array(statuses))]);
    let mut configuration = inside("auth", auth);
    // Nothing is remembered from run to run: a seed repeats one.
    let off = Table::from_iter([("enabled".to_owned(), toml::Value::Boolean(false))]);
    configuration.extend(inside("cache", off));
    configuration.extend(inside("checks", inside("missing_required_header", expected)));
    configuration
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
    let mut cases = 0;
    for line in text.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { bail!("{} is cut off", report.display()) };
        cases += cases_of(&event);
    }
    Ok(cases)
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
    fn cases_are_counted_over_finished_scenarios_of_a_whole_report() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.ndjson");
        let whole = "{\"Initialize\":{}}\n{\"ScenarioFinished\":{\"recorder\":{\"cases\":{\"a\":{},\"b\":{}}}}}\n\
                     {\"ScenarioFinished\":{\"recorder\":{\"cases\":{\"c\":{}}}}}\n";
        std::fs::write(&report, whole).unwrap();
        assert_eq!(cases(&report).unwrap(), 3);
        std::fs::write(&report, format!("{whole}{{\"Scenario")).unwrap();
        assert!(cases(&report).is_err());
    }

    #[test]
    fn the_tool_logs_in_by_itself_and_signs_nobody_up() {
        let written = configuration_of(&[("email", "a@example.com"), ("password", "quo\"te")]).to_string();
        let auth: Table = written.parse().unwrap();
        assert_eq!(auth["auth"]["auto-signup"].as_bool(), Some(false));
        let log_in = &auth["auth"]["dynamic"]["openapi"]["bearer"];
        assert_eq!(log_in["payload"]["password"].as_str(), Some("quo\"te"));
        assert_eq!(
            (log_in["path"].as_str(), log_in["extract_selector"].as_str()),
            (Some("/v1/sessions"), Some("/access_token"))
        );
    }
}
