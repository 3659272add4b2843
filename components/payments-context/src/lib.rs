//! Payments and their ledger: from the first wish to pay to the money taken, each step once.
//!
//! What lives here: states and decisions (`domain`), use cases (`app`), shapes (`wire`), the route table (`http`), the
//! acquirer port and its adapters (`acquirer`), what providers tell us (`notices`). What does not: who the caller is
//! (the edge says it), stores (records), clocks. docs/payments.md shows the states, docs/ledger.md the chart of accounts.

pub mod acquirer;
pub mod app;
mod consume;
pub mod domain;
pub mod http;
pub mod notices;
mod policies;
mod providers;
pub mod setup;
pub mod wire;
mod work;

pub use crate::http::problems::PROBLEMS;
pub use crate::policies::{KEY_SCOPES, POLICIES};
pub use consume::{GROUP, HEARS, PrivacyClerk};
pub use providers::{Provider, Providers, UnknownProvider};
pub use work::{Drained, Round, Work};

use ambient::{Clock, Random, Timestamp};
use records::{Journal, Meta, Records};
use std::sync::Arc;

/// What every use case of this context needs: axum's state, cheap to clone.
#[derive(Clone)]
pub struct Payments {
    /// Payments and ledger.
    pub records: Arc<dyn Records>,
    /// The ledger's journal, as it is read and sealed.
    pub journal: Arc<dyn Journal>,
    /// Who asks the card's bank.
    pub providers: Providers,
    /// Above which amounts a second factor is needed.
    pub step_up: domain::StepUpLimits,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Attempts of requests.
    pub random: Arc<dyn Random>,
}

impl Payments {
    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who and why, for a change at this moment.
    pub(crate) fn meta(&self, trace: String, actor: String) -> Meta {
        Meta { at: self.now(), trace, cause: None, actor: Some(actor) }
    }
}
