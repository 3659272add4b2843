//! A small Postmark and a small Twilio for tests, over real sockets on the loopback interface: what our adapters use of
//! their documented requests, answers and notices.
//!
//! They are as strict as the documentation: a request that they would refuse is refused here, so that an adapter which
//! passes has sent what they take. As they do, both take every request anew: they keep no idempotency keys.
//!
//! **Source** <https://postmarkapp.com/developer/api/email-api>, `…/messages-api`, `…/webhooks/bounce-webhook`;
//! <https://www.twilio.com/docs/messaging/api/message-resource>, `…/usage/security`.

mod postmark;
mod twilio;

pub use postmark::{FakePostmark, TOKEN};
pub use twilio::{ACCOUNT, AUTH_TOKEN, FakeTwilio};

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What befalls the next request that sends something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is carried out; the connection breaks before the answer.
    AnswerLost,
    /// It is refused before it is carried out, because there were too many.
    TooMany,
    /// It is carried out; the answer takes so long.
    Slow(Duration),
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
