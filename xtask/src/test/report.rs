//! What the steps and floors came to, and the last lines.
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::tally::Tally;
use crate::narration::words;

/// Steps in the order they ran, floors with their counts.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    steps: Vec<Step>,
    floors: Vec<FloorCount>,
}

/// A step that is no test: format, lints, documentation, a build.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    passed: bool,
    seconds: f64,
}

/// A floor that was run.
#[derive(Debug, Serialize)]
struct FloorCount {
    floor: String,
    #[serde(flatten)]
    tally: Tally,
    seconds: f64,
}

impl Report {
    /// Notes a step.
    pub fn step(&mut self, name: &str, passed: bool, took: Duration) {
        self.steps.push(Step { name: name.to_owned(), passed, seconds: took.as_secs_f64() });
    }

    /// Notes a floor.
    pub fn floor(&mut self, floor: String, tally: Tally, took: Duration) {
        self.floors.push(FloorCount { floor, tally, seconds: took.as_secs_f64() });
    }

    /// Takes over what another part of the run came to.
    pub fn add(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.floors.extend(other.floors);
    }

    /// Puts the floors into this order.
    pub fn sort_floors(&mut self, names: &[&str]) {
        self.floors.sort_by_key(|floor| names.iter().position(|name| floor.floor == *name));
    }

    /// All tests; a failed step counts as one failure.
    pub fn total(&self) -> Tally {
        let failed_steps = self.steps.iter().filter(|step| !step.passed).count();
        let mut total = Tally { passed: 0, failed: u64::try_from(failed_steps).unwrap_or(u64::MAX) };
        for floor in &self.floors {
            total.add(floor.tally);
        }
        total
    }

    /// Success only when nothing failed.
    pub fn exit_code(&self) -> ExitCode {
        if self.total().failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Prints the table and, last, the line that a machine may look for.
    ///
    /// **Shape** of the last line: `412 passed, 0 failed`.
    ///
    /// # Errors
    /// When the report cannot be written as JSON.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self).context("writing JSON")?);
        } else {
            print!("{}", self.table());
        }
        let total = self.total();
        let line = format!("{} passed, {} failed", total.passed, total.failed);
        if json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
        Ok(())
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            let mark = if step.passed { "✓" } else { "✗" };
            text.push_str(&format!("{mark} {:<44} {:>12}\n", step.name, words(Duration::from_secs_f64(step.seconds))));
        }
        for floor in &self.floors {
            let mark = if floor.tally.failed == 0 { "✓" } else { "✗" };
            let counts = format!("{} passed, {} failed", floor.tally.passed, floor.tally.failed);
            let took = words(Duration::from_secs_f64(floor.seconds));
            text.push_str(&format!("{mark} {:<20} {counts:<23} {took:>12}\n", floor.floor));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_makes_the_whole_fail() {
        let mut report = Report::default();
        report.floor("unit".to_owned(), Tally { passed: 3, failed: 0 }, Duration::ZERO);
        assert_eq!(report.total(), Tally { passed: 3, failed: 0 });
        report.step("format", false, Duration::ZERO);
        assert_eq!(report.total(), Tally { passed: 3, failed: 1 });
        let mut other = Report::default();
        other.step("embedded host", false, Duration::ZERO);
        report.add(other);
        assert_eq!(report.total(), Tally { passed: 3, failed: 2 });
    }
}
