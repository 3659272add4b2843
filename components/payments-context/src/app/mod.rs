//! Use cases: parse, load, decide, commit, answer.

mod advance;
mod ask;
mod cancel;
mod capture;
mod confirm;
mod create;
mod error;
mod ledger;
mod list;
mod reply;
mod show;
mod store;
mod timers;

pub use cancel::cancel;
pub use capture::capture;
pub use confirm::confirm;
pub use create::create;
pub use error::{CommandError, QueryError, StoreError};
pub use ledger::{account, trial_balance};
pub use list::list;
pub use reply::Reply;
pub use show::show;
pub use timers::{PulseReport, Unfinished, on_pulse};

use ids::UserId;
use principal::{Idempotency, RequestScope};
use records::{Fingerprint, OnceKey};

/// Who asks for a change, with which key, until when.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub user: UserId,
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

/// The once-row of one of a payer's requests.
pub(crate) fn request_row(user: UserId, key: &str) -> OnceKey {
    OnceKey { kind: "request", who: user.to_string(), key: key.to_owned() }
}

#[cfg(test)]
pub(crate) mod fixture;
