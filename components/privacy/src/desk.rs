//! Port: the desk of the users context, as the workers of the others see it.

use crate::{ErasurePart, ExportPage, Service, SubjectKey};
use async_trait::async_trait;
use ids::{ErasureId, ExportId, UserId};

/// Why the desk did not take or give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// It is gone or slow: come back. What was handed in may have arrived; handing it in again does no harm.
    #[error("the privacy desk does not answer: {0}")]
    Unavailable(String),
    /// It will never take this: a mistake of ours.
    #[error("the privacy desk refused: {0}")]
    Refused(String),
}

/// Gives keys out and takes parts in. Every call may be repeated.
#[async_trait]
pub trait PrivacyDesk: Send + Sync {
    /// The key of a person's sealed data; `None` where the person was erased, and then for ever.
    async fn subject_key(&self, subject: UserId) -> Result<Option<SubjectKey>, DeskError>;

    /// Hands in what a service did for an erasure.
    async fn erased(&self, erasure: ErasureId, service: Service, part: &ErasurePart) -> Result<(), DeskError>;

    /// Hands in a page of an export: whether it is still wanted.
    async fn exported(
        &self,
        subject: UserId,
        export: ExportId,
        service: Service,
        page: &ExportPage,
    ) -> Result<bool, DeskError>;
}
