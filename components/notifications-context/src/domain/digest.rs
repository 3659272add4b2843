//! Letters of one kind that come together: one window after the other.

use ambient::Timestamp;
use ids::NotificationId;

/// The most messages that one summary names; what is left comes with the next one, at once.
pub const MAX_ITEMS: u32 = 50;

/// How far the summaries of one person and kind are.
///
/// **Invariant** a window that is being closed has fixed what is in it, so that whoever goes on after a crash writes the
/// same letter under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DigestState {
    /// Nothing waits.
    Idle {
        /// How many windows there were.
        windows: u64,
    },
    /// Something waits until the window is closed.
    Open {
        /// Which window.
        window: u64,
        /// When it is closed.
        due: Timestamp,
    },
    /// The letter is being written.
    Closing {
        /// Which window.
        window: u64,
        /// What is in it, newest first.
        items: Vec<NotificationId>,
        /// How often something came while it was being closed: each time is another version of the record, so that
        /// whoever closes it looks again.
        came_late: u32,
    },
}

impl DigestState {
    /// The state after something was put in; `None` where nothing has to be noted.
    pub fn on_arrival(&self, due: Timestamp) -> Option<Self> {
        match self {
            Self::Idle { windows } => Some(Self::Open { window: windows.saturating_add(1), due }),
            Self::Open { .. } => None,
            Self::Closing { window, items, came_late } => {
                let came_late = came_late.saturating_add(1);
                Some(Self::Closing { window: *window, items: items.clone(), came_late })
            }
        }
    }
}
