//! `cargo xtask events`: what lies in the streams of a running system, what its workers gave up, and what is done about it.
//!
//! Everything goes through `/v1/operations` as any administrator's client would: with a token, under a key, into the audit
//! trail. What is not here: Redis; this program needs no way to it.
mod desk;
mod dlq;
mod selection;
mod tail;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use desk::Desk;
use dlq::DlqCommand;
use selection::Selection;

/// Flags of every command: which system, and who asks.
#[derive(Debug, Args)]
pub struct SystemFlags {
    /// The public entry of a system that is up.
    #[arg(long, global = true, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// An administrator's access token (`POST /v1/sessions` answers one).
    #[arg(long, global = true, env = "SPINDRIFT_TOKEN", hide_env_values = true, default_value = "")]
    pub token: String,
    /// Print JSON instead of lines: one document, or one a line for what is followed.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Commands about events.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Every stream: how many events, since when, and how far each group is.
    Streams,
    /// What a context told: the last events, all since a moment, or all that come from now on.
    Tail {
        /// Whose events, such as payments.
        context: String,
        /// Of which partition.
        #[arg(long, default_value_t = 0)]
        partition: u8,
        /// How many of the last ones.
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100))]
        last: u32,
        /// All that was told at this moment or later, such as 2026-01-01T00:00:00Z, also what is in the stream no more.
        #[arg(long, conflicts_with = "last")]
        since: Option<String>,
        /// All that was told, as far back as it is kept.
        #[arg(long, conflicts_with_all = ["last", "since"])]
        from_start: bool,
        /// Go on with what comes, until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
        /// Only events whose type begins so, such as payments.payment.
        #[arg(long, default_value = "")]
        kind: String,
    },
    /// Dead letters: what workers gave up.
    Dlq {
        /// What about them.
        #[command(subcommand)]
        command: DlqCommand,
    },
    /// Hand dead letters to their groups once more, each as it is.
    Replay {
        /// Whose dead letters, such as notifications.
        context: String,
        /// Which letters.
        #[command(flatten)]
        selection: Selection,
        /// Why; it stands in the audit trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// What operators did about dead letters, newest first, and whether the chain of it holds.
    Audit,
}

/// Runs a command about events.
///
/// # Errors
/// When the system is not there, refuses the caller or what is asked.
pub fn run(system: &SystemFlags, command: &EventsCommand) -> anyhow::Result<ExitCode> {
    let desk = Desk::new(system)?;
    match command {
        EventsCommand::Streams => tail::streams(&desk),
        EventsCommand::Tail { context, partition, last, since, from_start, follow, kind } => {
            let from = match since {
                Some(since) => tail::From::Moment(since.clone()),
                None if *from_start => tail::From::Start,
                None => tail::From::Last(*last),
            };
            tail::tail(&desk, (context, *partition), &from, *follow, kind)
        }
        EventsCommand::Dlq { command } => dlq::run(&desk, command),
        EventsCommand::Replay { context, selection, reason } => {
            dlq::many(&desk, "replay", context, selection, reason.as_deref())
        }
        EventsCommand::Audit => dlq::audit(&desk),
    }
}
