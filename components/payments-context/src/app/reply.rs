//! What a change is answered with. Status and body are made here and not at the edge because they are stored in the
//! once-row, in the same commit, and replayed byte for byte.

use crate::domain::{FailureCode, Payment};
use crate::http::problems::ACQUIRER_REFUSED;
use crate::wire::PaymentAnswer;
use problem::Problem;
use records::Answer;

/// When to look again at a payment whose outcome is open, in seconds.
const LOOK_AGAIN_S: u32 = 5;

/// An answer on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status and body.
    pub answer: Answer,
    /// Whether it was given before.
    pub replayed: bool,
    /// Where the created thing is.
    pub location: Option<String>,
    /// When to look again, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Reply {
    /// An answer given for the first time.
    pub fn first(answer: Answer) -> Self {
        Self { answer, replayed: false, location: None, retry_after_s: None }
    }

    /// An answer given before.
    pub fn again(answer: Answer) -> Self {
        Self { replayed: true, ..Self::first(answer) }
    }

    /// The outcome is not known yet: the payment as it stands, 202. Never stored: the key keeps waiting for the outcome.
    pub fn open(payment: &Payment) -> Result<Self, serde_json::Error> {
        Ok(Self { retry_after_s: Some(LOOK_AGAIN_S), ..Self::first(shown(202, payment)?) })
    }
}

/// The payment as an answer.
pub(crate) fn shown(status: u16, payment: &Payment) -> Result<Answer, serde_json::Error> {
    Ok(Answer { status, body: serde_json::to_string(&PaymentAnswer::from(payment))? })
}

/// The acquirer refused a capture or cancellation.
pub(crate) fn refused(code: &FailureCode) -> Answer {
    let problem = Problem::new(ACQUIRER_REFUSED)
        .detail("the acquirer refused this step; the payment stands as before")
        .member("failure_code", code.as_str());
    Answer { status: ACQUIRER_REFUSED.status, body: problem.to_json().to_string() }
}
