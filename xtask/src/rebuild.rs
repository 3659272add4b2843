//! `cargo xtask rebuild CONTEXT`: heads, balances, indexes and events from the key-value store, after Redis came back with
//! less than was acknowledged (docs/recovery.md).
//!
//! Bodies are read by the worker of the context, which alone may; it takes an order from Redis and tells there how far it
//! is. What is here: the order, with an operator's rights, moving aside what Redis has left before, and the report. Every
//! step may be interrupted and started again with the same command.
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::resp::{Connection, Reply};
use crate::up::secrets::{Secrets, random};
use crate::up::state::{REDIS_ADDRESS, SECRETS};
use crate::workspace::Workspace;

/// How often the report is looked at.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a worker may take to show up: it works once a pulse.
const SHOWS_UP_WITHIN: Duration = Duration::from_secs(30);
/// How many names one SCAN looks at.
const AT_ONCE: &str = "1000";
/// The most partitions that data may have (`ids::MOST_PARTITIONS`).
const MOST_PARTITIONS: u64 = 64;
/// Kinds of keys that a rebuild makes anew: those with a name behind them, and single ones.
const NAMED: [&str; 7] = ["h", "o", "b", "j", "i", "s", "trail"];
const SINGLE: [&str; 12] = [
    "epoch",
    "commits",
    "timers",
    "garbage",
    "trial",
    "books",
    "journal",
    "accounts",
    "full",
    "sealer",
    "archive",
    "archivist",
];

/// Flags of `rebuild`.
#[derive(Debug, Args)]
pub struct RebuildFlags {
    /// Whose data: `users`, `payments`, … Several are rebuilt in this order.
    #[arg(required = true)]
    pub contexts: Vec<String>,
    /// Say what a rebuild would do, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask between the dry run and the real one.
    #[arg(long, short)]
    pub yes: bool,
    /// Rebuild although nothing is missing.
    #[arg(long)]
    pub force: bool,
    /// Give up a rebuild that was begun: what was moved aside comes back.
    #[arg(long, conflicts_with_all = ["dry_run", "force"])]
    pub abort: bool,
    /// Print the reports as one JSON document.
    #[arg(long)]
    pub json: bool,
    /// The state folder of the local system.
    #[arg(long, default_value = ".spindrift")]
    pub state: PathBuf,
    /// Another Redis, as an operator who may do everything: `redis://operator:password@host:port`.
    #[arg(long, env = "SPINDRIFT_OPERATOR_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
}

/// Runs the command; fails where a rebuild does, or where the books do not sum to zero afterwards.
///
/// # Errors
/// When Redis is out of reach, no worker takes the order, or the rebuild fails.
pub fn run(workspace: &Workspace, flags: &RebuildFlags) -> anyhow::Result<ExitCode> {
    let mut redis = connect(workspace, flags)?;
    let mut reports = Vec::new();
    for context in &flags.contexts {
        if !context.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
            bail!("`{context}` is no context");
        }
        if flags.abort {
            abort(&mut redis, context, flags.json)?;
            continue;
        }
        // The report of the first says how many there are.
        let (mut partition, mut partitions) = (0, 1);
        while partition < partitions {
            let mut desk = Desk::of(&mut redis, context, partition, flags.json);
            let name = if partitions == 1 { context.clone() } else { format!("{context}/{partition}") };
            let made = rebuild(&mut desk, &name, flags)?;
            partitions = made.first().map_or(1, |dry| number_of(dry, "partitions").max(1));
            reports.extend(made);
            partition += 1;
        }
    }
    if flags.json {
        println!("{}", serde_json::to_string_pretty(&reports).context("writing JSON")?);
    }
    let is_off = |report: &Value| trial_balance(report).any(|(_, sum_minor, _)| sum_minor != 0);
    Ok(if reports.iter().any(is_off) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Rebuilds one partition of a context: the report of the dry run, and that of the real one where there was any.
fn rebuild(desk: &mut Desk<'_>, name: &str, flags: &RebuildFlags) -> anyhow::Result<Vec<Value>> {
    let dry = desk.carry_out("dry")?;
    desk.say(&words(name, &dry));
    if let Some(why) = failure(&dry) {
        bail!("the dry run for {name} failed: {why}");
    }
    if flags.dry_run {
        return Ok(vec![dry]);
    }
    if desk.is_whole(&dry)? && !flags.force {
        desk.say(&format!("{name}: nothing is missing, nothing is rebuilt (--force does it all the same)"));
        return Ok(vec![dry]);
    }
    if !flags.yes && !confirmed(name)? {
        bail!("not rebuilt");
    }
    desk.move_aside()?;
    let real = desk.carry_out("real")?;
    desk.say(&words(name, &real));
    if let Some(why) = failure(&real) {
        bail!(
            "the rebuild of {name} failed: {why}\nmend it and start the same command again, or give it up with --abort"
        );
    }
    desk.forget_all()?;
    Ok(vec![dry, real])
}

/// Gives up what was begun in any partition of a context.
fn abort(redis: &mut Connection, context: &str, quiet: bool) -> anyhow::Result<()> {
    let mut begun = 0;
    for partition in 0..MOST_PARTITIONS {
        let mut desk = Desk::of(redis, context, partition, quiet);
        if desk.text("rebuild:moved")?.is_some() || desk.text("rebuild:order")?.is_some() {
            desk.abort()?;
            begun += 1;
        }
    }
    if begun == 0 && !quiet {
        println!("no rebuild was begun");
    }
    Ok(())
}

fn connect(workspace: &Workspace, flags: &RebuildFlags) -> anyhow::Result<Connection> {
    if let Some(url) = &flags.redis_url {
        let rest = url.strip_prefix("redis://").context("the address begins with redis://")?;
        let (login, host) = rest.rsplit_once('@').context("the address names a user and a password")?;
        let (user, password) = login.split_once(':').context("the address names a user and a password")?;
        let host = host.trim_end_matches('/');
        let address = host.to_socket_addrs().with_context(|| format!("looking up {host}"))?.next();
        return Connection::open_as(address.context("no such host")?, user, password);
    }
    let state = workspace.root.join(&flags.state);
    let path = state.join(REDIS_ADDRESS);
    let address: SocketAddr = std::fs::read_to_string(&path)
        .with_context(|| format!("reading {}: is the system up?", path.display()))?
        .trim()
        .parse()
        .context("reading the address of Redis")?;
    let secrets = Secrets::load(&state.join(SECRETS))?;
    let password = secrets.redis.get("operator").context("the access rules have no user `operator`")?;
    Connection::open_as(address, "operator", password)
}

/// What an operator does to one context's data.
struct Desk<'a> {
    redis: &'a mut Connection,
    /// `{payments/0}:`
    tag: String,
    quiet: bool,
}

impl<'a> Desk<'a> {
    fn of(redis: &'a mut Connection, context: &str, partition: u64, quiet: bool) -> Self {
        Self { redis, tag: format!("{{{context}/{partition}}}:"), quiet }
    }

    fn say(&self, words: &str) {
        if !self.quiet {
            println!("{words}");
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.tag)
    }

    fn call(&mut self, words: &[&str]) -> anyhow::Result<Reply> {
        match self.redis.call(words)? {
            Reply::Refusal(why) => bail!("Redis refused {}: {why}", words.first().unwrap_or(&"")),
            reply => Ok(reply),
        }
    }

    fn text(&mut self, name: &str) -> anyhow::Result<Option<String>> {
        let key = self.key(name);
        Ok(match self.call(&["GET", &key])? {
            Reply::Text(text) => Some(text),
            _ => None,
        })
    }

    /// Orders a dry or a real run, watches it, and returns its report.
    fn carry_out(&mut self, mode: &str) -> anyhow::Result<Value> {
        self.forget_scratch()?;
        let id = random()?;
        let order = self.key("rebuild:order");
        self.call(&["SET", &order, &json!({ "id": id, "mode": mode }).to_string()])?;
        let mut looks_left = SHOWS_UP_WITHIN.as_millis() / GLANCE.as_millis();
        let mut shown = String::new();
        loop {
            let report = self.text("rebuild:report")?.and_then(|text| serde_json::from_str::<Value>(&text).ok());
            let Some(report) = report.filter(|report| text_of(report, "id") == id) else {
                looks_left = looks_left.saturating_sub(1);
                if looks_left == 0 {
                    bail!("no worker took the order within {} s: does the pulse ring?", SHOWS_UP_WITHIN.as_secs());
                }
                std::thread::sleep(GLANCE);
                continue;
            };
            let phase = text_of(&report, "phase");
            let [names, records, rows, events] =
                ["names", "records", "journal_rows", "archived_events"].map(|name| number_of(&report, name));
            let line = format!("  {mode}: {phase} ({names} names, {records} records, {rows} rows, {events} events)");
            if line != shown {
                self.say(&line);
                shown = line;
            }
            if phase == "done" || phase == "failed" {
                self.call(&["DEL", &order])?;
                return Ok(report);
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Whether Redis knows all that was acknowledged and takes commits.
    fn is_whole(&mut self, dry: &Value) -> anyhow::Result<bool> {
        let open = self.text("epoch")?.is_some() && self.text("frozen")?.is_none();
        let was_moved = self.text("rebuild:moved")?.is_some();
        Ok(open && !was_moved && number_of(dry, "found_commits") >= number_of(dry, "acknowledged_commits"))
    }

    /// Every key of the context's below a prefix.
    fn keys(&mut self, below: &str) -> anyhow::Result<Vec<String>> {
        let pattern = format!("{}{below}*", self.tag);
        let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
        loop {
            let Reply::List(parts) = self.call(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", AT_ONCE])? else {
                bail!("SCAN answered with something else than a list");
            };
            let (Some(Reply::Text(next)), Some(Reply::List(keys))) = (parts.first(), parts.get(1)) else {
                bail!("SCAN answered with something else than a cursor and names");
            };
            found.extend(
                keys.iter().filter_map(|key| if let Reply::Text(text) = key { Some(text.clone()) } else { None }),
            );
            cursor.clone_from(next);
            if cursor == "0" {
                found.sort();
                found.dedup();
                return Ok(found);
            }
        }
    }

    /// Keys that a rebuild makes anew, as they are called after the tag; the epoch first, which closes the data.
    fn made_anew(&mut self) -> anyhow::Result<Vec<String>> {
        let tag = self.tag.clone();
        let mut names: Vec<String> = self
            .keys("")?
            .iter()
            .filter_map(|key| key.strip_prefix(&tag))
            .filter(|name| match name.split_once(':') {
                Some((kind, _)) => NAMED.contains(&kind),
                None => SINGLE.contains(name),
            })
            .map(str::to_owned)
            .collect();
        names.sort_by_key(|name| name != "epoch");
        Ok(names)
    }

    /// Moves what Redis has aside, once: what an interrupted rebuild has made since is dropped instead.
    fn move_aside(&mut self) -> anyhow::Result<()> {
        let moved = self.key("rebuild:moved");
        if self.text("rebuild:moved")?.as_deref() == Some("all") {
            return self.drop_made();
        }
        self.call(&["SET", &moved, "some"])?;
        for name in self.made_anew()? {
            let (from, to) = (self.key(&name), self.key(&format!("rebuild:old:{name}")));
            // A key may have expired in between.
            let _ = self.redis.call(&["RENAME", &from, &to])?;
        }
        self.call(&["SET", &moved, "all"])?;
        Ok(())
    }

    fn drop_made(&mut self) -> anyhow::Result<()> {
        for name in self.made_anew()? {
            let key = self.key(&name);
            self.call(&["UNLINK", &key])?;
        }
        Ok(())
    }

    /// Brings back what was moved aside.
    fn abort(&mut self) -> anyhow::Result<()> {
        let order = self.key("rebuild:order");
        self.call(&["DEL", &order])?;
        let Some(moved) = self.text("rebuild:moved")? else {
            self.say("no rebuild was begun");
            return self.forget_scratch();
        };
        if moved == "all" {
            self.drop_made()?;
        }
        let prefix = self.key("rebuild:old:");
        let mut names: Vec<String> =
            self.keys("rebuild:old:")?.iter().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect();
        // The epoch last: it opens what is there, and the next pulse looks whether it may stay open.
        names.sort_by_key(|name| name == "epoch");
        for name in names {
            let (from, to) = (self.key(&format!("rebuild:old:{name}")), self.key(&name));
            let _ = self.redis.call(&["RENAME", &from, &to])?;
        }
        self.say("what was moved aside is back");
        self.forget_all()
    }

    /// Drops what a run remembered and what a dry one wrote, but nothing that was moved aside.
    fn forget_scratch(&mut self) -> anyhow::Result<()> {
        let kept = [self.key("rebuild:old:"), self.key("rebuild:moved")];
        for key in self.keys("rebuild:")? {
            if !kept.iter().any(|kept| key.starts_with(kept)) {
                self.call(&["UNLINK", &key])?;
            }
        }
        Ok(())
    }

    fn forget_all(&mut self) -> anyhow::Result<()> {
        for key in self.keys("rebuild:")? {
            self.call(&["UNLINK", &key])?;
        }
        Ok(())
    }
}

fn failure(report: &Value) -> Option<&str> {
    (text_of(report, "phase") == "failed").then(|| text_of(report, "failed"))
}

fn text_of<'a>(report: &'a Value, name: &str) -> &'a str {
    report.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number_of(report: &Value, name: &str) -> u64 {
    report.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn list_of<'a>(report: &'a Value, name: &str) -> &'a [Value] {
    report.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Currency, sum and legs of each line of the trial balance.
fn trial_balance(report: &Value) -> impl Iterator<Item = (&str, i64, u64)> {
    list_of(report, "trial_balance").iter().filter_map(|line| match line.as_array()?.as_slice() {
        [currency, sum, legs] => Some((currency.as_str()?, sum.as_i64()?, legs.as_u64()?)),
        _ => None,
    })
}

/// A report in a few lines.
fn words(context: &str, report: &Value) -> String {
    let number = |name: &str| number_of(report, name);
    let mut text = format!(
        "{context} ({} run)\n  commits     {} acknowledged, Redis knew {}\n  epoch       {} → {}\n  bodies      {}: {} states, \
         {} refused, {} never committed, {} names of others\n  records     {}, {} of them erased\n  ties        {}\n  missing     \
         {}\n  indexes     {} entries\n  timers      {}\n  answers     {}\n  journal     {} rows found, {} posted again\n  \
         trail       {} rows found, {} written again\n  events      {} in the archive, {} put back, {} told again\n",
        text_of(report, "mode"),
        number("acknowledged_commits"),
        number("found_commits"),
        number("epoch"),
        number("next_epoch"),
        number("bodies"),
        number("states"),
        number("refused"),
        number("orphans"),
        number("foreign_names"),
        number("records"),
        number("tombstones"),
        number("ties"),
        number("missing"),
        number("index_entries"),
        number("timers"),
        number("answers"),
        number("journal_rows"),
        number("posted_again"),
        number("trail_rows"),
        number("noted_again"),
        number("archived_events"),
        number("put_back"),
        number("told_again"),
    );
    for (currency, sum_minor, legs) in trial_balance(report) {
        text.push_str(&format!("  {currency} sums to   {sum_minor} over {legs} legs\n"));
    }
    for problem in list_of(report, "problems") {
        text.push_str(&format!("  ! {}\n", problem.as_str().unwrap_or_default()));
    }
    if number("further_problems") > 0 {
        text.push_str(&format!("  ! and {} more\n", number("further_problems")));
    }
    text.pop();
    text
}

fn confirmed(context: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: --yes rebuilds without a question");
    }
    print!("Rebuild {context} like this? [y/N] ");
    std::io::stdout().flush().context("asking")?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading the answer")?;
    Ok(matches!(line.trim(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_with_its_problems() {
        let report = json!({
            "mode": "dry", "phase": "done", "records": 3, "acknowledged_commits": 9, "found_commits": 0, "epoch": 1,
            "next_epoch": 2, "trial_balance": [["EUR", 0, 4]], "problems": ["a tie of r: x was taken, not y"],
        });
        let told = words("payments", &report);
        assert!(
            told.starts_with("payments (dry run)\n  commits     9 acknowledged, Redis knew 0\n  epoch       1 → 2\n"),
            "{told}"
        );
        assert!(
            told.contains("EUR sums to   0 over 4 legs") && told.ends_with("! a tie of r: x was taken, not y"),
            "{told}"
        );
        assert_eq!(failure(&report), None);
        assert_eq!(failure(&json!({ "phase": "failed", "failed": "no" })), Some("no"));
    }
}
