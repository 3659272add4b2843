//! The shapes that leave or enter this context: requests, answers, stored bodies, events.

mod answer;
mod answer_after;
mod event;
mod ledger;
mod notice;
mod payout;
mod reconciliation;
mod request;
mod saved_method;
pub(crate) mod schemas;
mod settlement_file;
mod stored;
mod stored_after;

pub use answer::{NextAction, PaymentAnswer, PaymentPage, PaymentSummary};
pub use answer_after::{DisputeAnswer, RefundAnswer};
pub use event::{event, snapshot};
pub use ledger::{
    AccountAnswer, AccountPage, AccountQuery, BalanceAnswer, EntryAnswer, LegAnswer, ReversalAnswer, ReversalRequest,
    StatementItem, StatementPage, StatementQuery, StoredWatch, TrialBalanceAnswer, TrialBalanceLine,
    VerificationAnswer, VerifyAnswer, VerifyQuery, VerifyStatus, reversal_event, statement_csv,
};
pub use notice::{NoticeAnswer, NoticePage, NoticeState, NoticeSummary, StoredNotice};
pub use payout::{PayoutAnswer, PayoutMoveRequest, PayoutPage, PayoutRequest, StoredPayout, payout_event};
pub use reconciliation::{
    AdjustmentLeg, BegunChunk, ChunkRequest, CloseRequest, Comparing, DifferenceAnswer, DifferencePage,
    DifferenceQuery, DiscardRequest, FeeAnswer, ReconciliationAnswer, ReconciliationId, ReconciliationPage,
    ReconciliationRequest, ReconciliationStatus, ReconciliationSummary, Resolution, ResolutionAction,
    ResolutionRequest, Side, StoredDifference, StoredItem, StoredReconciliation,
};
pub use request::{CaptureMethod, CaptureRequest, CreateRequest, EmptyRequest, ListQuery, RefundRequest};
pub use saved_method::{SaveMethodRequest, SavedMethodAnswer, SavedMethodList, StoredMethod};
pub use settlement_file::{Columns, InvalidHeading, lines_of, shows_card_number};
pub use stored::{OpenRequest, Stored, StoredError};
