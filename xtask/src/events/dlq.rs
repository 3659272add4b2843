//! Dead letters: listed, shown, replayed, edited, purged; and what was done about them.
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::desk::{Desk, items, number, text};
use super::selection::Selection;

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// How many dead letters each context has, or those of one, newest first.
    List {
        /// Whose; all contexts in numbers where nothing is said.
        context: Option<String>,
        /// Which letters.
        #[command(flatten)]
        selection: Selection,
        /// The most letters that are listed.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// One letter, with its cause, its trace and the event.
    Show {
        /// Whose.
        context: String,
        /// Which letter.
        letter: String,
    },
    /// Hand a letter to its group once more with other data. The event keeps its id: what was done under it is not done
    /// again.
    Edit {
        /// Whose.
        context: String,
        /// Which letter.
        letter: String,
        /// A file with what takes the place of the event's `data`: a JSON object; `-` for standard input.
        #[arg(long)]
        data: PathBuf,
        /// Why; it stands in the audit trail.
        #[arg(long)]
        reason: String,
    },
    /// Forget letters: their group never handles them.
    Purge {
        /// Whose.
        context: String,
        /// Which letters.
        #[command(flatten)]
        selection: Selection,
        /// Why; it stands in the audit trail.
        #[arg(long)]
        reason: String,
    },
}

/// Runs a command about dead letters.
///
/// # Errors
/// When the system is not there, or refuses.
pub fn run(desk: &Desk, command: &DlqCommand) -> anyhow::Result<ExitCode> {
    match command {
        DlqCommand::List { context: None, .. } => depths(desk),
        DlqCommand::List { context: Some(context), selection, limit } => list(desk, context, selection, *limit),
        DlqCommand::Show { context, letter } => show(desk, context, letter),
        DlqCommand::Edit { context, letter, data, reason } => edit(desk, context, letter, data, reason),
        DlqCommand::Purge { context, selection, reason } => many(desk, "purge", context, selection, Some(reason)),
    }
}

fn depths(desk: &Desk) -> anyhow::Result<ExitCode> {
    let found = desk.get("/dead-letters")?;
    if desk.json {
        desk.print(&found)?;
    } else {
        for context in items(&found) {
            let oldest = text(context, "oldest_at");
            let since = if oldest.is_empty() { String::new() } else { format!("  oldest {oldest}") };
            println!("{:<16} {:>7}{since}", text(context, "context"), number(context, "letters"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(desk: &Desk, context: &str, selection: &Selection, limit: usize) -> anyhow::Result<ExitCode> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    while found.len() < limit {
        let size = (limit - found.len()).min(100);
        let page = desk.get(&format!("/dead-letters/{context}?limit={size}{}{cursor}", selection.query()))?;
        found.extend(items(&page).iter().cloned());
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if desk.json {
        desk.print(&json!({ "items": found }))?;
    } else {
        found.iter().for_each(|letter| println!("{}", line(letter)));
        println!("{} dead letters", found.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// **Shape**: `1767225600000-0  2026-01-01T00:00:00.000Z  notifications-worker  payments.payment.captured.v1  the cause`.
fn line(letter: &Value) -> String {
    let kind = if text(letter, "type").is_empty() { "no event" } else { text(letter, "type") };
    format!(
        "{:<18} {}  {:<22} {:<40} {}",
        text(letter, "id"),
        text(letter, "at"),
        text(letter, "group"),
        kind,
        text(letter, "cause")
    )
}

fn show(desk: &Desk, context: &str, letter: &str) -> anyhow::Result<ExitCode> {
    let found = desk.get(&format!("/dead-letters/{context}/{letter}"))?;
    if desk.json {
        desk.print(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (what, value) in [
        ("letter", text(&found, "id")),
        ("given up", text(&found, "at")),
        ("by", text(&found, "group")),
        ("cause", text(&found, "cause")),
        ("trace", text(&found, "trace")),
    ] {
        println!("{what:<12} {value}");
    }
    println!("{:<12} {} at {}", "from", text(&found, "stream"), text(&found, "entry"));
    println!("{:<12} {}", "deliveries", number(&found, "deliveries"));
    if let Some(replay) = found.get("replay") {
        let edited = if replay.get("edited") == Some(&Value::Bool(true)) { " with other data" } else { "" };
        println!(
            "{:<12} asked for{edited}, due {}, handed out {} times",
            "replay",
            text(replay, "due_at"),
            number(replay, "deliveries")
        );
    }
    match found.get("event") {
        Some(event) => println!("{}", serde_json::to_string_pretty(event).context("writing JSON")?),
        None => println!("{:<12} {}", "no event", found.pointer("/unreadable/why").unwrap_or(&Value::Null)),
    }
    Ok(ExitCode::SUCCESS)
}

fn edit(desk: &Desk, context: &str, letter: &str, file: &PathBuf, reason: &str) -> anyhow::Result<ExitCode> {
    let read =
        if file.as_os_str() == "-" { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let written = read.with_context(|| format!("reading {}", file.display()))?;
    let data: Value = serde_json::from_str(&written).with_context(|| format!("{} is no JSON", file.display()))?;
    let body = json!({ "data": data, "reason": reason });
    let done = desk.act(&format!("/dead-letters/{context}/{letter}/edit"), &body, 0)?;
    told(desk, "edit", &[done])
}

/// Replays or purges what is selected, a hundred a request; shows how far it is where a terminal looks on.
///
/// # Errors
/// When the system is not there, or refuses.
pub fn many(
    desk: &Desk,
    act: &str,
    context: &str,
    selection: &Selection,
    reason: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let path = format!("/dead-letters/{context}/{act}");
    let bar = bar(desk, context)?;
    let mut acts = Vec::new();
    for mut body in selection.bodies()? {
        if let Some(reason) = reason {
            body.insert("reason".to_owned(), reason.into());
        }
        loop {
            let done = desk.act(&path, &Value::Object(body.clone()), acts.len())?;
            bar.inc(number(&done, "done") + number(&done, "gone"));
            let next = done.get("next_cursor").cloned();
            acts.push(done);
            match next {
                Some(cursor) if !cursor.is_null() => drop(body.insert("cursor".to_owned(), cursor)),
                _ => break,
            }
        }
    }
    bar.finish_and_clear();
    told(desk, act, &acts)
}

/// What was done; fails where nothing was there for it.
fn told(desk: &Desk, act: &str, acts: &[Value]) -> anyhow::Result<ExitCode> {
    let sum = |name: &str| acts.iter().map(|act| number(act, name)).sum::<u64>();
    let (done, gone) = (sum("done"), sum("gone"));
    if desk.json {
        desk.print(&json!({ "done": done, "gone": gone, "acts": acts }))?;
    } else {
        let word = match act {
            "purge" => "forgotten",
            "edit" => "handed to its group with other data",
            _ => "handed to their groups once more",
        };
        let ids: Vec<&str> = acts.iter().map(|act| text(act, "id")).collect();
        println!("{done} dead letters {word}, {gone} were not there any more ({})", ids.join(", "));
    }
    Ok(if gone > 0 && done == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Prints the newest rows of the audit trail, and whether its chain holds; fails where it does not.
///
/// # Errors
/// When the system is not there, or refuses.
pub fn audit(desk: &Desk) -> anyhow::Result<ExitCode> {
    let page = desk.get("/audit?limit=100")?;
    let mut checked = desk.get("/audit/verify")?;
    while let Some(cursor) = checked.get("next_cursor").and_then(Value::as_str) {
        checked = desk.get(&format!("/audit/verify?cursor={cursor}"))?;
    }
    if desk.json {
        desk.print(&json!({ "items": items(&page), "chain": checked }))?;
    } else {
        for row in items(&page) {
            println!(
                "{:>6} {}  {:<7} {:<6} {:>4} letters of {:<14} {}  {}",
                number(row, "seq"),
                text(row, "at"),
                text(row, "act"),
                text(row, "step"),
                number(row, "letters"),
                text(row, "context"),
                text(row, "actor"),
                text(row, "reason")
            );
        }
        println!("the chain of {} rows is {}", number(&checked, "rows"), text(&checked, "status"));
    }
    Ok(if text(&checked, "status") == "intact" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress over the letters that there are when it begins.
fn bar(desk: &Desk, context: &str) -> anyhow::Result<ProgressBar> {
    if desk.json {
        return Ok(ProgressBar::hidden());
    }
    let depths = desk.get("/dead-letters")?;
    let letters = items(&depths).iter().find(|depth| text(depth, "context") == context);
    let style = ProgressStyle::with_template("{bar:40} {pos} of at most {len} letters")
        .context("the shape of the progress bar")?;
    Ok(ProgressBar::new(letters.map_or(0, |depth| number(depth, "letters"))).with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_one_line_with_its_cause() {
        let letter = json!({ "id": "1-0", "at": "t", "group": "g", "type": "a.b.c.v1", "cause": "why" });
        assert!(line(&letter).ends_with(" why") && line(&letter).contains("a.b.c.v1"));
        assert!(line(&json!({ "id": "1-0" })).contains("no event"));
    }
}
