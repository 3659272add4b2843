//! What an operator asks of the ledger: who, under which key, and how the ledger refuses.

use super::{Reply, StoreError, store};
use crate::Payments;
use crate::domain::IllegalPayoutMove;
use crate::wire::ReconciliationStatus;
use principal::{Idempotency, RequestScope};
use records::{
    Answer, Change, Content, Fingerprint, Meta, Once, OnceKey, OnceState, OnceStep, Outcome, RecordKey, RecordsError,
    Refusal, Version,
};
use serde::Serialize;

/// An operator who asks for a change.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The account.
    pub subject: String,
    /// Key and fingerprint of the request.
    pub idempotency: Idempotency,
    /// Trace and deadline.
    pub scope: RequestScope,
}

impl Operator {
    /// Who and why, for a change now.
    pub(crate) fn meta(&self, payments: &Payments) -> Meta {
        payments.meta(self.scope.trace.to_string(), self.subject.clone())
    }

    fn once_key(&self) -> OnceKey {
        OnceKey { kind: "request", who: self.subject.clone(), key: self.idempotency.key.as_str().to_owned() }
    }

    /// The once-row of a request that this change ends.
    pub(crate) fn finish(&self, answer: Answer) -> Once {
        let fingerprint = Fingerprint(self.idempotency.fingerprint);
        Once { key: self.once_key(), fingerprint, step: OnceStep::Finish { attempt: None, answer } }
    }

    /// What this request was answered before, if it was.
    pub(crate) async fn answered(&self, payments: &Payments) -> Result<Option<Reply>, LedgerError> {
        match payments.records.once(&self.once_key()).await? {
            Some(OnceState::Done { fingerprint, answer }) if fingerprint.0 == self.idempotency.fingerprint => {
                Ok(Some(Reply::again(answer)))
            }
            Some(_) => Err(LedgerError::KeyReused),
            None => Ok(None),
        }
    }
}

/// Why the ledger does not do what an operator asks.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A value that the caller chose is not acceptable.
    #[error("`{field}` is not acceptable: {why}")]
    Invalid {
        /// Its name in the request.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// There is nothing of this name.
    #[error("nothing of this name")]
    NotFound,
    /// The entry was reversed before.
    #[error("the entry was reversed before")]
    EntryReversed,
    /// The entry moved what is held; whoever holds it undoes it.
    #[error("the entry moved what is held")]
    EntryHolds,
    /// Less is available than is asked for.
    #[error("only {available_minor} is available")]
    Short {
        /// What is available now, in minor units.
        available_minor: i64,
    },
    /// The payout does not allow the move now.
    #[error(transparent)]
    PayoutMove(IllegalPayoutMove),
    /// The reconciliation does not allow it now.
    #[error("the reconciliation is {}", status.word())]
    ReconciliationState {
        /// Where it stands.
        status: ReconciliationStatus,
        /// The chunk that is next.
        next_chunk: u64,
    },
    /// The statement is there with other days.
    #[error("the statement is there with other days")]
    StatementTaken,
    /// Another chunk was sent under this number.
    #[error("another chunk was sent under this number")]
    ChunkDiffers,
    /// The difference was resolved before.
    #[error("the difference was resolved before")]
    DifferenceResolved,
    /// A line shows what looks like a card number.
    #[error("a line shows what looks like a card number")]
    CardNumber,
    /// The key was used so long ago that its answer is no longer kept.
    #[error("the idempotency key was used more than seven days ago")]
    KeySpent,
    /// Others changed the same thing in between, too often to go on.
    #[error("it changed at the same time")]
    Contended,
    /// The key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The same request is still being carried out.
    #[error("the same request is under way")]
    InFlight {
        /// When to come back, in seconds.
        retry_after_s: u32,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordsError> for LedgerError {
    fn from(error: RecordsError) -> Self {
        Self::Store(error.into())
    }
}

impl LedgerError {
    /// A value that is none.
    pub(crate) fn invalid(field: &'static str, why: &str) -> Self {
        Self::Invalid { field, why: why.to_owned() }
    }
}

/// What became of a change of the ledger, as far as the use case goes on.
#[derive(Debug)]
pub(crate) enum Noted {
    /// It is true and durable.
    Done,
    /// Somebody else was faster, or it was there before.
    Overtaken,
    /// The request was answered before.
    Replay(Answer),
}

/// Commits a change of the ledger.
pub(crate) async fn commit(payments: &Payments, change: Change) -> Result<Noted, LedgerError> {
    let floored = change.postings.iter().find(|posting| posting.floor_minor.is_some());
    let taken = floored.map_or(0, |posting| posting.posted_minor.saturating_sub(posting.held_minor));
    match payments.records.commit(change).await? {
        Outcome::Committed(_) => Ok(Noted::Done),
        Outcome::Conflict { .. } => Ok(Noted::Overtaken),
        Outcome::Replay(answer) => Ok(Noted::Replay(answer)),
        Outcome::Mismatch => Err(LedgerError::KeyReused),
        Outcome::InFlight { retry_after_ms } => {
            Err(LedgerError::InFlight { retry_after_s: store::patience_s(retry_after_ms) })
        }
        Outcome::Refused(Refusal::Floor { available_minor, floor_minor, .. }) => {
            // What would be left is told; what is asked for is what the legs take.
            let taken_minor = taken.saturating_neg();
            let available_minor = available_minor.saturating_sub(floor_minor).saturating_add(taken_minor);
            Err(LedgerError::Short { available_minor })
        }
        Outcome::Refused(refusal) => Err(StoreError::Ledger(refusal).into()),
    }
}

/// A change that writes this content, keeping what was there: the ledger's documents are history.
pub(crate) fn change<T: Serialize>(
    name: String,
    expected: Option<Version>,
    content: &T,
    meta: Meta,
) -> Result<Change, StoreError> {
    let body = serde_json::to_vec(content).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let key = RecordKey::new(name).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    Ok(Change::new(key, expected, Content::Body(body.into()), meta).keeping_previous())
}
