//! How progress is shown: a spinner where a terminal looks on, plain lines elsewhere.
use std::io::IsTerminal as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// All spinners of this program: two steps may run at once.
static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Time since a start. The one place of this program that looks at the clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "a program that times its own steps needs the real clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// **Shape**: `0.4 s`, `83 s`, `12 min 05 s`.
    pub fn words(&self) -> String {
        words(self.elapsed())
    }
}

/// A duration as a reader wants it.
///
/// **Shape**: `0.4 s`, `83 s`, `12 min 05 s`.
pub fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 10 {
        format!("{:.1} s", duration.as_secs_f64())
    } else if seconds < 120 {
        format!("{seconds} s")
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// Whether somebody at a terminal can answer a question.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// One line of progress on standard error, above the spinners.
pub fn say(text: &str) {
    SPINNERS.suspend(|| eprintln!("{text}"));
}

/// Something under way: a spinner with the time where a terminal looks on, one line at the start elsewhere.
#[derive(Debug)]
pub struct Task {
    what: String,
    bar: ProgressBar,
    stopwatch: Stopwatch,
}

impl Task {
    /// Begins to show `what`.
    pub fn start(what: &str) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            let bar = SPINNERS.add(ProgressBar::new_spinner().with_message(what.to_owned()));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        } else {
            say(&format!("… {what}"));
            ProgressBar::hidden()
        };
        Self { what: what.to_owned(), bar, stopwatch: Stopwatch::start() }
    }

    /// Adds a detail behind what is under way; shown by the spinner only.
    pub fn detail(&self, detail: &str) {
        self.bar.set_message(format!("{}: {detail}", self.what));
    }

    /// Ends it as done, with the time it took.
    pub fn done(self) -> Duration {
        self.end("✓", "")
    }

    /// Ends it as failed.
    pub fn failed(self) -> Duration {
        self.end("✗", " failed after")
    }

    fn end(self, mark: &str, verb: &str) -> Duration {
        self.bar.finish_and_clear();
        let elapsed = self.stopwatch.elapsed();
        if verb.is_empty() {
            say(&format!("{mark} {} ({})", self.what, words(elapsed)));
        } else {
            say(&format!("{mark} {}{verb} {}", self.what, words(elapsed)));
        }
        elapsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_get_coarser_as_time_grows() {
        assert_eq!(words(Duration::from_millis(420)), "0.4 s");
        assert_eq!(words(Duration::from_secs(83)), "83 s");
        assert_eq!(words(Duration::from_secs(725)), "12 min 05 s");
    }
}
