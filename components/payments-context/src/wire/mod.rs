//! The shapes that leave or enter this context: requests, answers, stored bodies, events.

mod answer;
mod answer_after;
mod event;
mod notice;
mod request;
mod saved_method;
mod stored;
mod stored_after;

pub use answer::{
    AccountAnswer, NextAction, PaymentAnswer, PaymentPage, PaymentSummary, TrialBalanceAnswer, TrialBalanceLine,
};
pub use answer_after::{DisputeAnswer, RefundAnswer};
pub use event::{event, snapshot};
pub use notice::{NoticeAnswer, NoticePage, NoticeState, NoticeSummary, StoredNotice};
pub use request::{CaptureMethod, CaptureRequest, CreateRequest, EmptyRequest, ListQuery, RefundRequest};
pub use saved_method::{SaveMethodRequest, SavedMethodAnswer, SavedMethodList, StoredMethod};
pub use stored::{OpenRequest, Stored, StoredError};
