//! Events: what a context tells the others, and how a worker hears it.
//!
//! What lives here: the envelope, the consumer's verdict, the ports to the streams and the loop that drives a consumer.
//! What does not: appending events (only the commit of a record does that, see `records`) and Redis itself.
//!
//! At least once, each event to each group: a worker that dies leaves its entries to the next one, and what the loop
//! cannot have handled in [`WorkerConfig::max_deliveries`] deliveries lies among the dead letters. Exactly once is the
//! consumer's part, by [`Envelope::id`].

mod consumer;
mod dead_letters;
mod envelope;
mod history;
mod inspection;
mod log;
mod policy;
mod statistics;
mod stream;
mod tail;
mod worker;

pub use consumer::{Consumer, Verdict};
pub use dead_letters::{DeadLetter, DeadLetterPage, DeadLetters};
pub use envelope::{Envelope, EventId, EventVersion, InvalidEnvelope, NewEvent};
pub use history::{EventHistory, MAX_TOLD, ToldPage};
pub use inspection::{EventInspection, ReplayState, RetryStats, Span, StreamEntry, StreamStats};
pub use log::{Backoff, Delivery, EventLog, EventsError, Receipt, WhenEmpty};
pub use policy::{InvalidPolicy, WorkerPolicies};
pub use statistics::{EventStatistics, GroupStats};
pub use stream::{EntryId, InvalidStreamPart, StreamName};
pub use tail::{Reach, Tail, Told};
pub use worker::{Handled, Journal, LogJournal, Run, Settled, Worker, WorkerConfig};
