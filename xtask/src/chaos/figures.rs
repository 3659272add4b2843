//! The figures of a run, for people and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use chaos::{Checked, Ended, Reading, Record, Tally, Violation};
use serde::Serialize;

use super::ChaosFlags;
use super::rounds::Rounds;
use crate::narration::words;

type Counts = BTreeMap<String, u64>;

/// Everything that a run tells.
#[derive(Debug, Serialize)]
pub struct Figures {
    seed: u64,
    clients: u16,
    minutes: f64,
    host_kills: u32,
    redis_kills: u32,
    /// From the start of a killed host to the first 200 of `/readyz`.
    back_after_p50_ms: u128,
    back_after_most_ms: u128,
    /// From the last call that ended until nothing waited.
    drained_after_s: f64,
    /// Requests that clients sent, by what they asked for.
    requests: Counts,
    /// Calls, each one key, however often it was sent.
    calls: u64,
    acknowledged: Counts,
    refused: Counts,
    /// Answers that say "later": 202, 409 in flight, 429, 5xx.
    come_back: Counts,
    /// Requests without an answer: their outcome was unknown until they were sent again.
    unanswered: Counts,
    /// Calls whose outcome nobody knows in the end.
    unknown: u64,
    slowest_ms: Counts,
    faults: Counts,
    payments: Counts,
    payouts: u64,
    ledger_rows: usize,
    sealed_and_open_rows_verified: u64,
    events: usize,
    replays_compared: usize,
    /// How often each invariant was held against something.
    invariants: BTreeMap<&'static str, u64>,
    violations: Vec<Violation>,
}

impl Figures {
    /// Puts them together.
    pub fn new(
        flags: &ChaosFlags,
        tally: &Tally,
        rounds: &Rounds,
        record: &Record,
        reading: &Reading,
        checked: &Checked,
        took: Duration,
    ) -> Self {
        let mut payments = Counts::new();
        for payment in reading.payments.values() {
            *payments.entry(payment.status.clone()).or_default() += 1;
        }
        let median = rounds.back_after.get(rounds.back_after.len() / 2);
        let verified = reading.verified.as_ref().and_then(|verified| verified.as_ref().ok());
        Self {
            seed: flags.seed,
            clients: flags.clients,
            minutes: (took.as_secs_f64() / 6.0).round() / 10.0,
            host_kills: rounds.host_kills,
            redis_kills: rounds.redis_kills,
            back_after_p50_ms: median.map_or(0, Duration::as_millis),
            back_after_most_ms: rounds.back_after.last().map_or(0, Duration::as_millis),
            drained_after_s: (rounds.drained_after.as_secs_f64() * 10.0).round() / 10.0,
            requests: tally.of(Tally::SENT),
            calls: record.calls.len() as u64,
            acknowledged: tally.of(Tally::ACKNOWLEDGED),
            refused: tally.of(Tally::REFUSED),
            come_back: tally.of(Tally::AGAIN),
            unanswered: tally.of(Tally::UNANSWERED),
            unknown: record.calls.iter().filter(|call| call.ended == Ended::Open).count() as u64,
            slowest_ms: tally.of(Tally::MOST_MS),
            faults: tally.of(Tally::FAULTS),
            payments,
            payouts: reading.payouts.len() as u64,
            ledger_rows: reading.rows.len(),
            sealed_and_open_rows_verified: verified.copied().unwrap_or_default(),
            events: reading.events.len(),
            replays_compared: reading.replays.len(),
            invariants: checked.invariants.clone(),
            violations: checked.violations.clone(),
        }
    }

    /// Prints them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn print(&self, as_json: bool) -> anyhow::Result<()> {
        if as_json {
            println!("{}", serde_json::to_string_pretty(self).context("writing JSON")?);
        } else {
            for line in self.lines() {
                println!("{line}");
            }
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("seed {}, {} clients, {} minutes", self.seed, self.clients, self.minutes),
            format!(
                "{} kills of the host (ready again after {} in the middle, {} at most), {} of Redis",
                self.host_kills,
                milliseconds(self.back_after_p50_ms),
                milliseconds(self.back_after_most_ms),
                self.redis_kills
            ),
            format!(
                "{} requests for {} calls; {} unknown in the end",
                self.requests.values().sum::<u64>(),
                self.calls,
                self.unknown
            ),
            format!("everything had drained {} s after the last call", self.drained_after_s),
            format!(
                "{} payouts, {} rows in the books, {} verified, {} events, {} replays compared",
                self.payouts, self.ledger_rows, self.sealed_and_open_rows_verified, self.events, self.replays_compared
            ),
        ];
        for (title, counts) in [
            ("requests", &self.requests),
            ("acknowledged", &self.acknowledged),
            ("refused", &self.refused),
            ("answered with: come back", &self.come_back),
            ("not answered", &self.unanswered),
            ("faults", &self.faults),
            ("payments in the end", &self.payments),
        ] {
            lines.push(format!("{title}: {}", counts.values().sum::<u64>()));
            lines.extend(counts.iter().map(|(word, count)| format!("  {count:>8}  {word}")));
        }
        lines.push("most milliseconds".to_owned());
        lines.extend(self.slowest_ms.iter().map(|(word, most)| format!("  {most:>8}  {word}")));
        lines.push("invariants".to_owned());
        lines.extend(self.invariants.iter().map(|(word, count)| format!("  {count:>8}  {word}")));
        for Violation { invariant, what, about } in &self.violations {
            lines.push(format!("VIOLATED {invariant}\n  {}: {what}", about.as_deref().unwrap_or("-")));
        }
        lines
    }
}

fn milliseconds(time: u128) -> String {
    words(Duration::from_millis(u64::try_from(time).unwrap_or(u64::MAX)))
}
