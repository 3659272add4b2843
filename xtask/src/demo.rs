//! `cargo xtask demo`: one person's journey through a running system, each request and answer on a line.
//!
//! The journey itself is the crate `journey`, which the end-to-end tests play too; here it is shown.
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use journey::{Api, Step};

use crate::narration::{Stopwatch, words};

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoFlags {
    /// The public entry of a system that is up, whatever runs it.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
}

/// Plays the journey as somebody new and prints it; fails at the first step that does not hold.
///
/// # Errors
/// When the system is not there or a step fails, with the answer that it got.
pub fn run(flags: &DemoFlags) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let mut effects = Vec::new();
    let mut steps = 0_u32;
    journey::play(&Api::new(&flags.url), &somebody()?, &mut |step| {
        steps += 1;
        if step.is_effect {
            effects.push(format!("{} {}", step.what, milliseconds(step)));
        }
        println!("{}", line(step));
    })?;
    println!("\n{steps} steps in {}; from an event to its effect: {}", words(stopwatch.elapsed()), effects.join(", "));
    Ok(ExitCode::SUCCESS)
}

/// **Shape**: `✓ pay                 POST /v1/payments  201    12.3 ms  pay_00…`.
fn line(step: &Step) -> String {
    format!(
        "✓ {:<42} {:<42} {} {:>10}  {}",
        step.what,
        shortened(&step.request),
        step.status,
        milliseconds(step),
        step.answer.replace('\n', " ")
    )
}

/// The request line, with what is longer than a column cut out of its middle.
fn shortened(request: &str) -> String {
    let letters: Vec<char> = request.chars().collect();
    let (Some(first), Some(last)) =
        (letters.get(..24), letters.len().checked_sub(17).and_then(|from| letters.get(from..)))
    else {
        return request.to_owned();
    };
    if letters.len() <= 42 {
        return request.to_owned();
    }
    first.iter().chain(&['…']).chain(last).collect()
}

fn milliseconds(step: &Step) -> String {
    format!("{:.1} ms", step.took.as_secs_f64() * 1000.0)
}

/// A name that nobody had before: the journey registers an account under it.
fn somebody() -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("asking the system for randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_is_one_line_with_its_time_in_milliseconds() {
        let step = Step {
            what: "pay",
            request: "POST /v1/payments".to_owned(),
            status: 201,
            answer: "pay_00\n1099 EUR".to_owned(),
            took: Duration::from_micros(12_340),
            is_effect: false,
        };
        let line = line(&step);
        assert!(line.contains("POST /v1/payments") && line.contains("12.3 ms") && !line.contains('\n'), "{line}");
    }

    #[test]
    fn a_long_request_keeps_its_beginning_and_its_end() {
        assert_eq!(shortened("GET /v1/users/me"), "GET /v1/users/me");
        assert_eq!(
            shortened("POST /v1/payments/pay_001yvnjp4kg9hrnrbfg8f10r7xwa/confirm"),
            "POST /v1/payments/pay_00…8f10r7xwa/confirm"
        );
    }

    #[test]
    fn everybody_has_a_name_of_their_own() {
        assert_ne!(somebody().unwrap(), somebody().unwrap());
    }
}
