//! Webhooks: what happened in the house is told to the endpoints of those who asked, signed, and told again until it was heard.
//!
//! What lives here: the nouns (`domain`), the use cases (`app`), stored and public shapes (`wire`), which events leave the
//! house (`catalogue`), secrets at rest (`vault`), the port to the endpoints (`courier`), event dispatch (`consume`), the
//! worker's rounds (`work`) and the routes (`http`). What does not: the platform, the streams' mechanics and the edge.
//!
//! **Once and at least once.** A message is named by the event and the endpoint and created only if absent: a repeated event
//! finds it. Towards the endpoint it is at least once: each try is noted before it is made, and carries the message's name
//! as `webhook-id`, by which the endpoint tells repetitions.

pub mod app;
pub mod catalogue;
mod consume;
mod courier;
pub mod domain;
#[cfg(test)]
mod fixtures;
pub mod http;
mod keys;
mod policies;
mod vault;
pub mod wire;
mod work;

pub use consume::{Announcer, GROUP, HEARS};
pub use courier::{Courier, HttpCourier, Parcel, TIMEOUT};
pub use http::PROBLEMS;
pub use keys::GATHERED;
pub use policies::{KEY_SCOPES, POLICIES};
pub use vault::{DoesNotOpen, InvalidVaultKey, Vault};
pub use work::{Drained, Round, RoundError, Work};

use ambient::{Clock, Random};
use domain::OpenedReceivers;
use records::Records;
use std::sync::Arc;

/// What every use case of this context needs: axum's state, cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    /// Where everything lies.
    pub records: Arc<dyn Records>,
    /// Secrets at rest.
    pub vault: Vault,
    /// What development opens beside the public world.
    pub opened: OpenedReceivers,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Secrets, jitter.
    pub random: Arc<dyn Random>,
}
