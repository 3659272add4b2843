//! The question before the system is changed.
use std::io::Write as _;

use anyhow::{Context as _, bail};

use super::SetUp;
use crate::narration;

/// Says what is about to change and asks, unless told not to or nobody could answer.
///
/// # Errors
/// When the answer is no.
pub fn ask(setup: &SetUp, change: &str, command: &str) -> anyhow::Result<()> {
    narration::say(&format!("{change}:\n    {command}"));
    if setup.yes {
        return Ok(());
    }
    if !narration::can_ask() {
        narration::say("    (no terminal to ask on, so going ahead)");
        return Ok(());
    }
    eprint!("Go ahead? [Y/n] ");
    std::io::stderr().flush().context("showing the question")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("reading the answer")?;
    if is_yes(&answer) {
        return Ok(());
    }
    bail!("not done; run `{command}` yourself, then try again")
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_an_empty_line_or_a_yes_is_consent() {
        for yes in ["\n", "y\n", "YES\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["n\n", "no\n", "maybe\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
