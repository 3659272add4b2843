//! Events: what a context tells the others, and how a worker hears it.
//!
//! What lives here: the envelope, the consumer's verdict, the port to a stream and the loop that drives a consumer.
//! What does not: appending events (only the commit of a record does that, see `records`) and Redis itself.

mod consumer;
mod envelope;

pub use consumer::{Consumer, Verdict};
pub use envelope::{Envelope, EventId, EventVersion, InvalidEnvelope, NewEvent};
