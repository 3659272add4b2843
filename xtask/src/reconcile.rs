//! `cargo xtask reconcile FILE`: streams a provider's settlement into a running system and prints what differs.
//!
//! The file is read line by line and sent in chunks of whole lines, so that its size does not matter. Chunks are cut the
//! same way each time: whoever is interrupted starts the same command again, and what is in is not taken in twice.
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use indicatif::{ProgressBar, ProgressStyle};
use journey::{Answer, Api};
use serde_json::{Value, json};

/// A chunk ends with the line that reaches one of these: a request may have 1 MiB and ten seconds.
const CHUNK_LINES: usize = 2_000;
const CHUNK_BYTES: usize = 400 * 1024;
/// How often a request without an answer is sent again, and how long to wait in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// Flags of `reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileFlags {
    /// The settlement: CSV with a heading (docs/ledger.md says which columns).
    pub file: PathBuf,
    /// Whose settlement it is.
    #[arg(long, default_value = "acquirer")]
    pub provider: String,
    /// The provider's name for it; the file's own where nothing is said.
    #[arg(long)]
    pub statement: Option<String>,
    /// The first day that it covers, such as 2026-01-01.
    #[arg(long)]
    pub from: String,
    /// The last day; the first one where nothing is said.
    #[arg(long)]
    pub to: Option<String>,
    /// The public entry of a system that is up.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// An operator's access token.
    #[arg(long, env = "SPINDRIFT_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// Imports the file, closes the reconciliation and prints its open differences; fails where there are any.
///
/// # Errors
/// When the file cannot be read, or the system refuses something.
pub fn run(flags: &ReconcileFlags) -> anyhow::Result<ExitCode> {
    let desk = Desk { api: Api::new(&flags.url), token: &flags.token };
    let statement = match &flags.statement {
        Some(statement) => statement.clone(),
        None => flags.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let mut request = json!({ "provider": flags.provider, "statement": statement, "from": flags.from });
    if let (Some(to), Some(members)) = (&flags.to, request.as_object_mut()) {
        members.insert("to".to_owned(), to.as_str().into());
    }
    let key = format!("reconcile-{}-{statement}-{}", flags.provider, crate::demo::somebody()?);
    let begun = desk.insist(|| desk.api.post("/v1/reconciliations", &request, Some(desk.token), Some(&key)))?;
    let path = format!("/v1/reconciliations/{}", begun.text_of("id")?);

    let bar = bar(&flags.file, flags.json)?;
    let mut lines = 0;
    let mut number = 0;
    for_each_chunk(&flags.file, |chunk, in_chunk, at_byte| {
        number += 1;
        let body = json!({ "csv": chunk });
        desk.insist(|| desk.api.put(&format!("{path}/chunks/{number}"), &body, Some(desk.token)))?;
        lines += in_chunk;
        bar.set_position(at_byte);
        Ok(())
    })?;
    bar.finish_and_clear();

    let body = json!({ "lines": lines });
    let closed = desk
        .insist(|| desk.api.post(&format!("{path}/close"), &body, Some(desk.token), Some(&format!("{key}-close"))))?;
    let differences = desk.differences(&path)?;
    if flags.json {
        let told = json!({ "reconciliation": closed.json, "open_differences": differences });
        println!("{}", serde_json::to_string_pretty(&told).context("writing JSON")?);
    } else {
        let count = |word: &str| closed.json.get(word).and_then(Value::as_u64).unwrap_or_default();
        differences.iter().for_each(|found| println!("{}", line(found)));
        println!(
            "{path}: {} lines, {} as in our books, {} differences, {} of them open",
            count("lines"),
            count("matched"),
            count("differences"),
            differences.len()
        );
    }
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who sends, and where to.
struct Desk<'a> {
    api: Api,
    token: &'a str,
}

impl Desk<'_> {
    /// Sends until it is answered for good: 202 goes on where it stopped, what was not answered is sent again.
    fn insist(&self, send: impl Fn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
        let mut failures = 0;
        loop {
            let failure = match send() {
                Ok(answer) if answer.status == 202 => continue,
                Ok(answer) if answer.status < 300 => return Ok(answer),
                // Somebody else is at it, or we are not to come so often.
                Ok(answer) if is_passing(&answer) => anyhow::anyhow!("{} answered {}", answer.request, answer.text),
                Ok(answer) => bail!("{} answered {}: {}", answer.request, answer.status, answer.text),
                Err(error) => error,
            };
            failures += 1;
            if failures == TRIES {
                return Err(failure);
            }
            std::thread::sleep(PAUSE * failures);
        }
    }

    /// Every open difference.
    fn differences(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
            let page = self.insist(|| self.api.get(&format!("{path}/differences{query}"), Some(self.token)))?.json;
            found.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Whether the same request may be answered otherwise in a moment.
fn is_passing(answer: &Answer) -> bool {
    let kind = answer.json.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(answer.status, 429 | 503 | 504) || kind.ends_with("/conflict") || kind.ends_with("/in-flight")
}

/// Cuts a file into chunks of whole lines and hands each over with the number of its lines (without the heading) and the
/// place in the file that is reached. Never more than one chunk is in memory.
fn for_each_chunk(file: &Path, mut take: impl FnMut(&str, u64, u64) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let open = File::open(file).with_context(|| format!("opening {}", file.display()))?;
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(open);
    let mut record = StringRecord::new();
    let mut heading = 1;
    loop {
        let mut chunk = WriterBuilder::new().flexible(true).from_writer(Vec::new());
        let (mut lines, mut bytes) = (0, 0);
        while lines < CHUNK_LINES && bytes < CHUNK_BYTES {
            if !reader.read_record(&mut record).with_context(|| format!("reading {}", file.display()))? {
                break;
            }
            bytes += record.as_slice().len() + record.len();
            lines += 1;
            chunk.write_record(&record).context("writing a chunk")?;
        }
        if lines == 0 {
            return Ok(());
        }
        let text = String::from_utf8(chunk.into_inner().context("writing a chunk")?).context("writing a chunk")?;
        take(&text, lines as u64 - heading, reader.position().byte())?;
        heading = 0;
    }
}

/// **Shape**: `missing_here, fee  line 12  charge:ch_1  here: nothing  there: captured 1000 EUR`.
fn line(found: &Value) -> String {
    let text = |word: &str| found.get(word).and_then(Value::as_str).unwrap_or_default();
    let kinds: Vec<&str> =
        found.get("kinds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let side = |word: &str| match found.get(word) {
        Some(side) => {
            let of = |word: &str| side.get(word).and_then(Value::as_str).unwrap_or_default();
            let minor = side.get("amount_minor").and_then(Value::as_i64).unwrap_or_default();
            format!("{} {minor} {}", of("state"), of("currency"))
        }
        None => "nothing".to_owned(),
    };
    let place =
        found.get("line").and_then(Value::as_u64).map_or_else(|| "no line".to_owned(), |line| format!("line {line}"));
    if kinds == ["unreadable"] {
        return format!("{:<24} {place:<14} {}", "unreadable", text("why"));
    }
    format!(
        "{:<24} {place:<14} {:<40} here: {}  there: {}",
        kinds.join(", "),
        text("item"),
        side("here"),
        side("there")
    )
}

/// Progress through the file, where a terminal looks on.
fn bar(file: &Path, quiet: bool) -> anyhow::Result<ProgressBar> {
    let bytes = std::fs::metadata(file).with_context(|| format!("looking at {}", file.display()))?.len();
    if quiet {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left")
        .context("the shape of the progress bar")?;
    Ok(ProgressBar::new(bytes).with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(text: &str) -> Vec<(String, u64)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settlement.csv");
        std::fs::write(&file, text).unwrap();
        let mut found = Vec::new();
        for_each_chunk(&file, |chunk, lines, _| {
            found.push((chunk.to_owned(), lines));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn a_file_is_cut_between_lines_and_nothing_is_lost() {
        let mut text = "kind,reference\n".to_owned();
        for number in 0..4_500 {
            text.push_str(&format!("charge,\"ch,{number}\nx\"\n"));
        }
        let found = chunks(&text);
        assert_eq!(found.iter().map(|(_, lines)| *lines).collect::<Vec<_>>(), [1_999, 2_000, 501]);
        assert_eq!(found.iter().map(|(chunk, _)| chunk.as_str()).collect::<String>(), text);
        assert_eq!(chunks(""), []);
    }

    #[test]
    fn a_chunk_of_long_lines_stays_within_a_request() {
        let text = format!("charge,{}\n", "x".repeat(1_000)).repeat(2_000);
        assert!(chunks(&text).iter().all(|(chunk, _)| chunk.len() < 512 * 1024));
    }

    #[test]
    fn a_difference_is_one_line() {
        let found = json!({"id":"3","kinds":["amount","fee"],"line":3,"item":"charge:ch_1",
            "here":{"state":"captured","amount_minor":1000,"currency":"EUR"},
            "there":{"state":"captured","amount_minor":1100,"currency":"EUR"}});
        let line = line(&found);
        assert!(line.starts_with("amount, fee") && line.contains("line 3"), "{line}");
        assert!(line.ends_with("here: captured 1000 EUR  there: captured 1100 EUR"), "{line}");
    }
}
