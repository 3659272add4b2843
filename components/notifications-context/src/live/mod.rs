//! The inbox as a stream of server-sent events.
//!
//! What lives here: who listens in this instance (`hub`), the one reader that hears for all of them (`follow`), one
//! stream from its opening to its end (`stream`), what was heard in words (`words`), the text on the wire (`frame`) and the
//! route (`http`). What does not:
//! the inbox itself, and how a task wakes another (`instance-tasks`).
//!
//! **Order.** The name of an event on the wire is its entry in the context's own stream of events, which the committing
//! script appends: the order in which messages came into inboxes, whatever the clocks of their makers said. So a client
//! that names the last entry it saw is told all that followed, once.

mod follow;
mod frame;
mod http;
mod hub;
mod stream;
mod words;

pub use follow::WAIT;
pub use http::{Live, Streams, api, public};

#[cfg(test)]
mod tests;
