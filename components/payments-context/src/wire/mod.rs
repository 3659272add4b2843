//! The shapes that leave or enter this context: requests, answers, stored bodies, events.

mod answer;
mod event;
mod request;
mod stored;

pub use answer::{
    AccountAnswer, NextAction, PaymentAnswer, PaymentPage, PaymentSummary, TrialBalanceAnswer, TrialBalanceLine,
};
pub use event::{event, snapshot};
pub use request::{CaptureMethod, CaptureRequest, CreateRequest, EmptyRequest, ListQuery};
pub use stored::{OpenRequest, Stored, StoredError};
