//! `cargo xtask bench`: measurements that can be repeated, as ratios within one run.
//!
//! What lives here: starting what is measured, the load, the reading of processor time, the statistics. What does not:
//! the components that are measured (`bench/`), and any bound that a test would depend on.

pub mod edge;
mod house;
pub mod latency;
pub mod live;
mod load;
mod processor_time;

use clap::Subcommand;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// What the edge's layers add to a small authenticated read, with a token known to the instance and with a new one.
    Edge {
        /// How long and how much.
        #[command(flatten)]
        flags: edge::EdgeFlags,
    },
    /// From an event to its effects on an idle system: on an open stream, in the inbox, in the overview.
    Latency {
        /// How long.
        #[command(flatten)]
        flags: latency::LatencyFlags,
    },
    /// Many open streams of the inbox in one host: what each costs, and how long a message takes to all of them.
    Live {
        /// How many.
        #[command(flatten)]
        flags: live::LiveFlags,
    },
}
