//! The shapes that leave or enter this context: requests, answers, stored bodies, events.

mod answer;
mod answer_after;
mod event;
mod ledger;
mod notice;
mod payout;
mod request;
mod saved_method;
pub(crate) mod schemas;
mod stored;
mod stored_after;

pub use answer::{NextAction, PaymentAnswer, PaymentPage, PaymentSummary};
pub use answer_after::{DisputeAnswer, RefundAnswer};
pub use event::{event, snapshot};
pub use ledger::{
    AccountAnswer, AccountPage, AccountQuery, BalanceAnswer, EntryAnswer, LegAnswer, ReversalAnswer, ReversalRequest,
    StatementItem, StatementPage, StatementQuery, TrialBalanceAnswer, TrialBalanceLine, VerifyAnswer, VerifyQuery,
    VerifyStatus, statement_csv,
};
pub use notice::{NoticeAnswer, NoticePage, NoticeState, NoticeSummary, StoredNotice};
pub use payout::{PayoutAnswer, PayoutMoveRequest, PayoutPage, PayoutRequest, PayoutStatus, StoredPayout};
pub use request::{CaptureMethod, CaptureRequest, CreateRequest, EmptyRequest, ListQuery, RefundRequest};
pub use saved_method::{SaveMethodRequest, SavedMethodAnswer, SavedMethodList, StoredMethod};
pub use stored::{OpenRequest, Stored, StoredError};
