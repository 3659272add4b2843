//! Nouns and decisions: pure, without clock, chance and store.

mod attempt;
mod endpoint;
mod message;
mod queue;
mod rate;
mod receiver_url;
mod schedule;
mod signing;

pub use attempt::{Attempt, Ending, LOG_BYTES, LOG_LENGTH, MAX_ANSWER_BYTES, bounded, redacted};
pub use endpoint::{
    Audience, Endpoint, EndpointStatus, Filter, InvalidEndpoint, MAX_RATE, OVERLAP, SecretPair, description, rate_per_s,
};
pub use message::{Begun, Cause, KEPT, Message, MessageState, Settled, Subject};
pub use queue::{GIVE_UP_AFTER, Lane, Queue, SLOW_AFTER};
pub use rate::Rate;
pub use receiver_url::{InvalidPattern, OpenedReceivers, PORTS, ReceiverUrl, RefusedUrl};
pub use schedule::{MOST_ASKED, TRIES, WAITS, wait_after};
pub use signing::{InvalidSecret, Secret, signatures};
