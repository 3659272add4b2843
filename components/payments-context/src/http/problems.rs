//! The kinds of problem of this context, and which error becomes which: the only place with status codes.

use crate::app::{CommandError, HearError, LedgerError, QueryError, StoreError};
use crate::domain::{Move, Refusal};
use payments_wire::PaymentStatus;
use principal::step_up_required;
use problem::{CONFLICT, IN_FLIGHT, INTERNAL, INVALID, KEY_REUSED, Kind, MALFORMED, NOT_FOUND, Problem, UNAVAILABLE};
use records::RecordsError;

/// The payment does not allow this move now; `status` and `allowed` say what it does.
pub const PAYMENT_STATE: Kind =
    Kind { slug: "payment-state", status: 409, title: "The payment does not allow this move now." };
/// The Idempotency-Key made a payment more than seven days ago.
pub const KEY_SPENT: Kind =
    Kind { slug: "idempotency-key-spent", status: 409, title: "The Idempotency-Key was used long ago." };
/// The acquirer refused a capture or a cancellation; `failure_code` says why.
pub const ACQUIRER_REFUSED: Kind =
    Kind { slug: "acquirer-refused", status: 409, title: "The acquirer refused this step." };
/// The request holds what looks like a card number; only tokens are taken.
pub const CARD_NUMBER: Kind =
    Kind { slug: "card-number", status: 422, title: "Card numbers are never taken, only tokens." };

/// A notice is not the provider's, was changed, or is not of now.
pub const NOTICE_SIGNATURE: Kind =
    Kind { slug: "notice-signature", status: 400, title: "The signature of the notice does not hold." };

/// The entry was reversed before: each is reversed once, for ever.
pub const ENTRY_REVERSED: Kind = Kind { slug: "entry-reversed", status: 409, title: "The entry was reversed before." };
/// The entry moved what is held: the payment's own moves undo it.
pub const ENTRY_HOLDS: Kind =
    Kind { slug: "entry-not-reversible", status: 409, title: "The entry moved what is held and is not reversed here." };

/// Less is available than is asked for; `available_minor` says how much.
pub const INSUFFICIENT_FUNDS: Kind =
    Kind { slug: "insufficient-funds", status: 409, title: "The balance does not cover this." };
/// The payout does not allow this move now; `payout_status` and `allowed` say what it does.
pub const PAYOUT_STATE: Kind =
    Kind { slug: "payout-state", status: 409, title: "The payout does not allow this move now." };

/// The reconciliation does not allow this now; `reconciliation_status` and `next_chunk` say where it stands.
pub const RECONCILIATION_STATE: Kind =
    Kind { slug: "reconciliation-state", status: 409, title: "The reconciliation does not allow this now." };
/// The statement is being reconciled with other days.
pub const STATEMENT_TAKEN: Kind =
    Kind { slug: "statement-taken", status: 409, title: "The statement is there with other days." };
/// A chunk with this number and another text was sent before.
pub const CHUNK_DIFFERS: Kind =
    Kind { slug: "chunk-differs", status: 409, title: "Another chunk was sent under this number." };
/// Somebody has resolved the difference.
pub const DIFFERENCE_RESOLVED: Kind =
    Kind { slug: "difference-resolved", status: 409, title: "The difference was resolved before." };

/// Every kind of this context.
pub const PROBLEMS: &[Kind] = &[
    PAYMENT_STATE,
    KEY_SPENT,
    ACQUIRER_REFUSED,
    CARD_NUMBER,
    ENTRY_REVERSED,
    ENTRY_HOLDS,
    INSUFFICIENT_FUNDS,
    PAYOUT_STATE,
    NOTICE_SIGNATURE,
    RECONCILIATION_STATE,
    STATEMENT_TAKEN,
    CHUNK_DIFFERS,
    DIFFERENCE_RESOLVED,
];

/// When to try again after the store did not answer, in seconds.
const STORE_BACK_S: u32 = 1;
/// When to look again where the acquirer's answer is awaited, in seconds.
const AWAITED_S: u32 = 5;

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Invalid { field, why } => {
                Self::new(INVALID).member("field", field).member("why", why.to_string())
            }
            CommandError::NotFound => Self::new(NOT_FOUND),
            CommandError::Refused(refusal) => refused(&refusal),
            CommandError::StepUp(required) => step_up_required()
                .detail(required.to_string())
                .member("limit_minor", required.limit.minor())
                .member("currency", required.limit.currency().code()),
            CommandError::KeyReused => Self::new(KEY_REUSED),
            CommandError::KeySpent => Self::new(KEY_SPENT)
                .detail("the payment exists, its first answer is no longer kept; use a new key for a new payment"),
            CommandError::InFlight { retry_after_s } => Self::new(IN_FLIGHT).retry_after_s(retry_after_s),
            CommandError::Contended => Self::new(CONFLICT).retry_after_s(STORE_BACK_S),
            CommandError::Store(error) => store(&error),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Invalid { field, why } => Self::new(INVALID).member("field", field).member("why", why),
            QueryError::NotFound => Self::new(NOT_FOUND),
            QueryError::Store(error) => store(&error),
        }
    }
}

impl From<HearError> for Problem {
    fn from(error: HearError) -> Self {
        match error {
            HearError::UnknownProvider => Self::new(NOT_FOUND),
            HearError::Signature(why) => Self::new(NOTICE_SIGNATURE).detail(why.to_string()),
            HearError::Malformed => Self::new(MALFORMED).detail("the notice has another shape"),
            HearError::Store(error) => store(&error),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Invalid { field, why } => Self::new(INVALID).member("field", field).member("why", why),
            LedgerError::NotFound => Self::new(NOT_FOUND),
            LedgerError::EntryReversed => Self::new(ENTRY_REVERSED),
            LedgerError::EntryHolds => Self::new(ENTRY_HOLDS)
                .detail("what a payment holds is undone by its own moves: capture, cancel, refund"),
            LedgerError::Short { available_minor } => {
                Self::new(INSUFFICIENT_FUNDS).member("available_minor", available_minor)
            }
            LedgerError::PayoutMove(illegal) => {
                let allowed: Vec<String> = illegal.allowed.iter().map(ToString::to_string).collect();
                Self::new(PAYOUT_STATE).member("payout_status", illegal.stage.word()).member("allowed", allowed)
            }
            LedgerError::ReconciliationState { status, next_chunk } => Self::new(RECONCILIATION_STATE)
                .member("reconciliation_status", status.word())
                .member("next_chunk", next_chunk),
            LedgerError::StatementTaken => Self::new(STATEMENT_TAKEN),
            LedgerError::ChunkDiffers => {
                Self::new(CHUNK_DIFFERS).detail("send what was sent under this number, or go on with the next one")
            }
            LedgerError::DifferenceResolved => Self::new(DIFFERENCE_RESOLVED),
            LedgerError::CardNumber => Self::new(CARD_NUMBER)
                .detail("something in the lines looks like a card number; settlements name charges, never cards"),
            LedgerError::KeySpent => Self::new(KEY_SPENT)
                .detail("what it created exists, the first answer is no longer kept; use a new key for a new one"),
            LedgerError::Contended => Self::new(CONFLICT).retry_after_s(STORE_BACK_S),
            LedgerError::KeyReused => Self::new(KEY_REUSED),
            LedgerError::InFlight { retry_after_s } => Self::new(IN_FLIGHT).retry_after_s(retry_after_s),
            LedgerError::Store(error) => store(&error),
        }
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::IllegalMove { status, allowed, awaiting } => {
            let status = serde_json::to_value(status).unwrap_or_default();
            let allowed: Vec<String> = allowed.iter().map(Move::to_string).collect();
            let problem = Problem::new(PAYMENT_STATE).member("payment_status", status).member("allowed", allowed);
            match awaiting {
                None => problem.detail(
                    "the payment does not stand where this move starts; `allowed` names the moves that are open",
                ),
                Some(step) => problem
                    .detail("the acquirer's answer to the step in `awaiting` is not there yet; read the payment again")
                    .member("awaiting", *step)
                    .retry_after_s(AWAITED_S),
            }
        }
        Refusal::HoldExpired { .. } | Refusal::NotDue { .. } => {
            let held = serde_json::to_value(PaymentStatus::Authorized).unwrap_or_default();
            Problem::new(PAYMENT_STATE)
                .detail(refusal.to_string())
                .member("payment_status", held)
                .member("allowed", Vec::<String>::new())
        }
        Refusal::TooManyRefunds => Problem::new(PAYMENT_STATE)
            .detail(refusal.to_string())
            .member("payment_status", serde_json::to_value(PaymentStatus::PartiallyRefunded).unwrap_or_default())
            .member("allowed", Vec::<String>::new()),
        Refusal::CaptureOutOfRange { .. } | Refusal::RefundOutOfRange { .. } => {
            Problem::new(INVALID).member("field", "amount_minor").member("why", refusal.to_string())
        }
    }
}

fn store(error: &StoreError) -> Problem {
    match error {
        StoreError::Records(RecordsError::Unavailable(_) | RecordsError::RolledBack { .. })
        | StoreError::Ledger(records::Refusal::Stale) => Problem::new(UNAVAILABLE)
            .detail("whether the request had an effect is unknown; try again with the same key")
            .retry_after_s(STORE_BACK_S),
        StoreError::Records(RecordsError::Corrupt { .. } | RecordsError::Invalid(_) | RecordsError::Layout(_))
        | StoreError::Unreadable(_)
        | StoreError::Unwritable(_)
        | StoreError::Ledger(
            records::Refusal::Floor { .. } | records::Refusal::Unbalanced { .. } | records::Refusal::OutOfRange { .. },
        ) => Problem::new(INTERNAL),
    }
    .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::PROBLEMS;

    #[test]
    fn each_kind_has_a_row_in_the_documentation() {
        let documented = include_str!("../../../../docs/problems.md");
        for kind in PROBLEMS {
            assert!(documented.contains(&format!("| `{}` | {} |", kind.slug, kind.status)), "{}", kind.slug);
        }
    }
}
