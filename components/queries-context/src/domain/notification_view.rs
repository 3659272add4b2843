//! A notification as this context knows it: only whether it lies in an inbox, and read or not.

use ambient::Timestamp;
use events::EventVersion;
use ids::{NotificationId, UserId};

/// The newest snapshot of a notification that was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationView {
    /// Which one.
    pub id: NotificationId,
    /// Whose inbox it lies in.
    pub user_id: UserId,
    /// Whether it was read.
    pub read: bool,
    /// When it came.
    pub created_at: Timestamp,
    /// The version that this was read from.
    pub version: EventVersion,
}

/// What a newer snapshot changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationStep {
    /// Whether it is new here.
    pub is_new: bool,
    /// Whether it counts as unread afterwards.
    pub unread: bool,
}

impl NotificationView {
    /// Takes in a snapshot: `None` where it is not newer than what is known.
    pub fn take_in(known: Option<&Self>, told: &Self) -> Option<NotificationStep> {
        match known {
            Some(known) if told.version <= known.version => None,
            known => Some(NotificationStep { is_new: known.is_none(), unread: !told.read }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(read: bool, version: &str) -> NotificationView {
        NotificationView {
            id: NotificationId::derived(0, &[b"n"]),
            user_id: UserId::derived(0, &[b"ada"]),
            read,
            created_at: Timestamp::from_unix_ms(1),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn an_overtaken_creation_does_not_make_it_unread_again() {
        let read = view(true, "1.2");
        assert_eq!(NotificationView::take_in(None, &read), Some(NotificationStep { is_new: true, unread: false }));
        assert_eq!(NotificationView::take_in(Some(&read), &view(false, "1.1")), None);
    }
}
