//! Port: what was told, as far back as it is kept: the pages of the archive first, then the stream.
//!
//! What lives here: one look, from an entry on or back. What does not: who keeps it (the context that told it: its archive
//! lies in its own store) and what lies in the stream alone ([`crate::EventInspection`]).

use crate::{EventsError, Span, StreamEntry, StreamName};
use async_trait::async_trait;

/// The most entries of one look.
pub const MAX_TOLD: u32 = 100;

/// Part of what was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldPage {
    /// In the order of the span. The last one is where the next look begins.
    pub entries: Vec<StreamEntry>,
    /// Whether there is more behind the last one now.
    pub has_more: bool,
    /// Whether events are missing that are not kept any more: between the entry that was asked from and the first of these;
    /// going back, before the last of these.
    pub has_gap: bool,
}

/// What was told, across the archive and the stream. Reads only, so that each call may be repeated.
///
/// **Invariant** walking on from the last entry of each page shows every event that is kept, in order, none twice, whatever
/// is archived and trimmed in the meantime: one page is one look at one instant, and entries keep their names.
#[async_trait]
pub trait EventHistory: Send + Sync {
    /// At most `limit` entries (1 to [`MAX_TOLD`]) of a stream; fewer are not the end of it, [`ToldPage::has_more`] says.
    ///
    /// # Errors
    /// [`EventsError::Unavailable`] where whoever keeps it does not answer, [`EventsError::Unexpected`] for a stream that it
    /// does not keep, and for a page that cannot be read.
    async fn told(&self, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, EventsError>;
}
