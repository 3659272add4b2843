//! One message in one person's inbox.

use crate::domain::{Kind, TextRef};
use ambient::Timestamp;
use ids::{NotificationId, PaymentId, UserId};

/// A notification, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Which one.
    pub id: NotificationId,
    /// Whose inbox it lies in; nobody else may see that it exists.
    pub user_id: UserId,
    /// What it is about.
    pub kind: Kind,
    /// The payment that it is about, where it is about one.
    pub about: Option<PaymentId>,
    /// One line for lists; no personal data, because indexes repeat it.
    pub title: String,
    /// The whole text.
    pub body: String,
    /// When that happened which it tells about.
    pub occurred_at: Timestamp,
    /// When it came into the inbox.
    pub created_at: Timestamp,
    /// When its owner read it.
    pub read_at: Option<Timestamp>,
    /// When its owner put it away; put away is read, too.
    pub archived_at: Option<Timestamp>,
    /// Which text it is; notifications of before texts were remembered have none.
    pub text_ref: Option<TextRef>,
}

impl Notification {
    /// The notification after its owner read it; `None` where nothing is left to do.
    pub fn read(&self, at: Timestamp) -> Option<Self> {
        match self.read_at {
            Some(_) => None,
            None => Some(Self { read_at: Some(at), ..self.clone() }),
        }
    }

    /// The notification after its owner put it away; `None` where nothing is left to do. What is put away counts as read:
    /// a count of what is unread is a count of what somebody has still to look at.
    pub fn archive(&self, at: Timestamp) -> Option<Self> {
        match self.archived_at {
            Some(_) => None,
            None => Some(Self { archived_at: Some(at), read_at: self.read_at.or(Some(at)), ..self.clone() }),
        }
    }

    /// The notification after its owner took it out again; `None` where nothing is left to do.
    pub fn restore(&self) -> Option<Self> {
        self.archived_at.map(|_| Self { archived_at: None, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reading_counts_and_the_second_changes_nothing() {
        let at = Timestamp::from_unix_ms;
        let unread = Notification {
            id: NotificationId::derived(0, &[b"n"]),
            user_id: UserId::derived(0, &[b"ada"]),
            kind: Kind::Welcome,
            about: None,
            title: "Welcome".into(),
            body: "Hello".into(),
            occurred_at: at(1),
            created_at: at(2),
            read_at: None,
            archived_at: None,
            text_ref: None,
        };
        let read = unread.read(at(3)).unwrap();
        assert_eq!(read.read_at, Some(at(3)));
        assert_eq!(read.read(at(4)), None);
        let archived = unread.archive(at(5)).unwrap();
        assert_eq!((archived.read_at, archived.archived_at, archived.archive(at(6))), (Some(at(5)), Some(at(5)), None));
        assert_eq!(read.archive(at(5)).unwrap().read_at, Some(at(3)), "it was read before");
        let restored = archived.restore().unwrap();
        assert_eq!((restored.archived_at, restored.restore()), (None, None));
    }
}
