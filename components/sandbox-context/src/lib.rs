//! The sandbox: a card acquirer whose cards behave as their tokens say, and a mailbox that shows what it was sent.
//!
//! For development and tests only: the routes that look and the payer's bank are open to anybody. What lives here: one
//! charge an idempotency key and one letter an idempotency key, kept in records, so that tests can count them across
//! restarts. What does not: money, mail, and anything that belongs into production.

pub mod app;
pub mod domain;
pub mod http;
pub mod wire;

pub use crate::http::problems::PROBLEMS;

use ambient::{Clock, Sleep};
use records::Records;
use std::sync::Arc;

/// What every use case of this context needs: axum's state, cheap to clone.
#[derive(Clone)]
pub struct Sandbox {
    /// Charges and letters.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The waits of slow cards.
    pub sleep: Arc<dyn Sleep>,
    /// The bearer key of the acquirer's API.
    pub acquirer_key: Arc<str>,
    /// The bearer key of the mailbox.
    pub mail_key: Arc<str>,
}
