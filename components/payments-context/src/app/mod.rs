//! Use cases: parse, load, decide, commit, answer.

mod advance;
mod ask;
mod cancel;
mod capture;
mod confirm;
mod create;
mod entries;
mod erase;
mod error;
mod export_person;
mod hear;
mod ledger;
mod list;
mod list_notices;
mod notice_store;
mod operator;
mod payouts;
mod reconcile;
mod refund;
mod reply;
mod saved_methods;
mod seal;
mod show;
mod statement;
mod store;
mod timers;
mod verify;
mod watch;

pub use cancel::cancel;
pub use capture::capture;
pub use confirm::confirm;
pub use create::create;
pub use entries::{entry, reverse};
pub use erase::{EraseError, erase};
pub use error::{CommandError, QueryError, StoreError};
pub use export_person::export_person;
pub use hear::{HearError, Heard, hear};
pub(crate) use ledger::account_key;
pub use ledger::{account, accounts, trial_balance};
pub use list::list;
pub use list_notices::list_notices;
pub use operator::{LedgerError, Operator};
pub use payouts::{create_payout, move_payout, payout, payouts};
pub use reconcile::{
    Clerk, close_reconciliation, create_reconciliation, difference, differences, discard_reconciliation,
    reconciliation, reconciliations, resolve_difference, take_chunk,
};
pub use refund::refund;
pub use reply::Reply;
pub use saved_methods::{forget_method, list_methods, save_method};
pub use seal::{SealReport, seal};
pub use show::show;
pub use statement::{Export, export, statement};
pub use timers::{PulseReport, Unfinished, on_pulse};
pub use verify::verify;
pub use watch::{verification, watch_journal};

use ids::UserId;
use principal::{Idempotency, RequestScope};
use records::{Fingerprint, OnceKey};

/// Whose payments a caller reaches; all others are not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Their own.
    Own(UserId),
    /// Everybody's: an operator.
    All,
}

impl Reach {
    /// Whether a payment of this payer's is within reach.
    pub(crate) fn covers(self, payer: UserId) -> bool {
        match self {
            Self::Own(user) => user == payer,
            Self::All => true,
        }
    }
}

/// Who asks for a change, with which key, until when.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// Whose payments it may move.
    pub reach: Reach,
    /// How strongly the person proved who they are: 1 is a password, 2 a second factor.
    pub assurance: u8,
    /// Key and fingerprint of the request.
    pub idempotency: Idempotency,
    /// Trace and deadline.
    pub scope: RequestScope,
}

impl Caller {
    /// The once-row of this request.
    pub(crate) fn once_key(&self) -> OnceKey {
        request_row(self.user, self.idempotency.key.as_str())
    }

    /// What was asked.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.idempotency.fingerprint)
    }
}

/// The once-row of one of a caller's requests.
pub(crate) fn request_row(user: UserId, key: &str) -> OnceKey {
    OnceKey { kind: "request", who: user.to_string(), key: key.to_owned() }
}

#[cfg(test)]
mod faulty;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod once_tests;
#[cfg(test)]
mod played;
