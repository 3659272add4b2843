//! `cargo xtask demo`: one person's journey through a running system, each request and answer on a line.
//!
//! The journey itself is the crate `journey`, which the end-to-end tests play too; here it is shown.
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use journey::{Api, Effects, Step};
use serde::Serialize;

use crate::narration::{Stopwatch, words};

/// Flags of `demo`.
#[derive(Debug, Args)]
pub struct DemoFlags {
    /// The public entry of a system that is up, whatever runs it.
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// Then let somebody pay so many times, one after the other, and print how long the effects took.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub rounds: u32,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// Everything that was played.
///
/// **Shape** in JSON: `{"steps":[{"what":"pay","request":"POST /v1/payments","status":201,"milliseconds":12.3,"answer":
/// "pay_00…"}],"effects":[{"effect":"receipt","payments":100,"p50_ms":9.1,"p90_ms":12.0,"p99_ms":18.2,"max_ms":21.4}]}`.
#[derive(Debug, Default, Serialize)]
struct Played {
    steps: Vec<PlayedStep>,
    effects: Vec<Spread>,
}

/// One step.
#[derive(Debug, Serialize)]
struct PlayedStep {
    what: &'static str,
    request: String,
    status: u16,
    milliseconds: f64,
    answer: String,
}

/// How long one effect took over many payments, in milliseconds.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) effect: &'static str,
    pub(crate) payments: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// Plays the journey as somebody new and prints it; fails at the first step that does not hold.
///
/// # Errors
/// When the system is not there or a step fails, with the answer that it got.
pub fn run(flags: &DemoFlags) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let api = Api::new(&flags.url);
    let mut effects = Vec::new();
    let mut played = Played::default();
    journey::play(&api, &somebody()?, &mut |step| {
        if step.is_effect {
            effects.push(format!("{} {}", step.what, milliseconds(step)));
        }
        if !flags.json {
            println!("{}", line(step));
        }
        played.steps.push(PlayedStep {
            what: step.what,
            request: step.request.clone(),
            status: step.status,
            milliseconds: as_ms(step.took),
            answer: step.answer.clone(),
        });
    })?;
    if !flags.json {
        let (steps, took) = (played.steps.len(), words(stopwatch.elapsed()));
        println!("\n{steps} steps in {took}; from an event to its effect: {}", effects.join(", "));
    }
    if flags.rounds > 0 {
        let Effects { receipt, overview } = journey::measure(&api, &somebody()?, flags.rounds)?;
        played.effects = [spread("receipt", receipt), spread("overview", overview)].into_iter().flatten().collect();
    }
    if flags.json {
        println!("{}", serde_json::to_string_pretty(&played).context("writing JSON")?);
    } else {
        for Spread { effect, payments, p50_ms, p90_ms, p99_ms, max_ms } in &played.effects {
            println!(
                "{effect:<9} of {payments} payments, from the acknowledged capture: \
                 p50 {p50_ms:.1} ms, p90 {p90_ms:.1} ms, p99 {p99_ms:.1} ms, most {max_ms:.1} ms"
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The spread of one effect's times; none of no time.
pub(crate) fn spread(effect: &'static str, mut times: Vec<Duration>) -> Option<Spread> {
    times.sort_unstable();
    // The nearest rank: the smallest time that so many percent do not exceed.
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied().map(as_ms);
    Some(Spread {
        effect,
        payments: times.len(),
        p50_ms: rank(50)?,
        p90_ms: rank(90)?,
        p99_ms: rank(99)?,
        max_ms: rank(100)?,
    })
}

fn as_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
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
    format!("{:.1} ms", as_ms(step.took))
}

/// A name that nobody had before: the journey registers an account under it.
pub(crate) fn somebody() -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("asking the system for randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
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
    fn the_spread_is_by_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let found = spread("receipt", times).unwrap();
        assert_eq!((found.payments, found.p50_ms, found.p90_ms), (200, 100.0, 180.0));
        assert_eq!((found.p99_ms, found.max_ms), (198.0, 200.0));
        assert_eq!(spread("receipt", vec![Duration::from_millis(7)]).unwrap().p50_ms, 7.0);
        assert_eq!(spread("receipt", Vec::new()), None);
    }

    #[test]
    fn everybody_has_a_name_of_their_own() {
        assert_ne!(somebody().unwrap(), somebody().unwrap());
    }
}
