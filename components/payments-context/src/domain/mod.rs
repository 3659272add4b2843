//! What a payment is and what may become of it: pure decisions, no clock, no wire, no store.

mod card_number;
mod charge;
mod chart;
mod decide;
mod decision;
mod difference;
mod dispute;
mod fees;
mod ledger;
mod payment;
mod payout;
mod provider;
mod provider_costs;
mod refund;
mod report;
mod routes;
mod saved_method;
mod settle;
mod settlement_item;
mod step_up;
mod values;

pub use card_number::holds_card_number;
pub use charge::{Charge, ChargeId, ChargeStanding, FailureCode, RefundProgress, RefundReport};
pub use chart::{Account, CHART, ChartRow, Role};
pub use decide::{Command, Move, Refusal, allowed, decide};
pub(crate) use decision::SETTLE_AFTER;
pub use decision::{Alarms, Decision, PaymentEvent};
pub use difference::{Difference, DifferenceKind, SettledLine, compare, fee_legs};
pub use dispute::{Dispute, DisputeId, DisputeReport, DisputeStanding};
pub use fees::{FEES, FeeRule, fee_minor};
pub use ledger::Leg;
pub use payment::{Payment, Pending, Stage, Step};
pub use payout::{IllegalPayoutMove, Payout, PayoutId, PayoutMove, PayoutStage, payout_legs};
pub use provider::{InvalidProvider, ProviderName};
pub use provider_costs::{COSTS, CostRule, cost_minor};
pub use refund::{MAX_REFUNDS, Refund, RefundId, RefundReason, RefundStanding, UnknownReason};
pub use routes::{InvalidRoutes, Routes};
pub use saved_method::{Label, MAX_SAVED_METHODS, SavedMethod, SavedMethodId};
pub use settle::{Unsettled, refused, settle};
pub use settlement_item::{ItemKind, ItemName, ItemNews, ItemStanding, ItemState, UnknownWord, item_news, items_of};
pub use step_up::{InvalidLimits, StepUpLimits, StepUpRequired};
pub use values::{CaptureMethod, Description, InvalidValue, MAX_AMOUNT_MINOR, PaymentToken, ReturnUrl, payable};

#[cfg(test)]
pub(crate) mod properties;
