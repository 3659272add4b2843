//! Use cases, one a file: three projections, each one commit an event, and the overview that reads them.

mod as_of;
mod erase;
mod export;
mod overview;
mod project_notification;
mod project_payment;
mod project_profile;
mod step;

pub use as_of::{Freshness, SOURCES};
pub use erase::{EraseError, erase};
pub use export::export;
pub use overview::{OverviewError, overview};
pub use project_notification::project_notification;
pub use project_payment::project_payment;
pub use project_profile::project_profile;

use crate::domain::Contradiction;
use records::RecordsError;

/// How often a change by another delivery in between is borne.
const TRIES: usize = 8;

/// Why an event was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// It cannot be true beside what is known.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// Another delivery changed the view each time in between.
    #[error("the view changed {TRIES} times in between")]
    Contended,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}
