//! An address that takes no messages, as its provider told.

use crate::domain::{Channel, Kind};
use ambient::Timestamp;
use ids::{NotificationId, UserId};

/// Why it takes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no such mailbox or telephone.
    Bounce,
    /// Whoever reads it said that they do not want it.
    Complaint,
}

impl Reason {
    /// The word on the wire and in stored shapes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
        }
    }

    /// The reason of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Bounce, Self::Complaint].into_iter().find(|reason| reason.word() == word)
    }
}

/// One address that takes no messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Of which channel the address is.
    pub channel: Channel,
    /// The address. Personal: it lies in the record's body alone.
    pub address: String,
    /// Why.
    pub reason: Reason,
    /// Who told.
    pub provider: String,
    /// When that was heard; its place in the list.
    pub at: Timestamp,
    /// The message that it followed from.
    pub message: NotificationId,
    /// Whose address it was: it goes when they go.
    pub user_id: UserId,
}

impl Suppression {
    /// Whether a message of this kind is kept back. Who called a receipt spam must still be able to set a new password; a
    /// mailbox that does not exist gets nothing.
    pub const fn keeps_back(&self, kind: Kind) -> bool {
        match self.reason {
            Reason::Bounce => true,
            Reason::Complaint => !kind.is_critical(),
        }
    }

    /// The address as lists show it: enough to know it again, too little to use it. **Shape** `a…@example.com`, `…78`.
    pub fn hint(&self) -> String {
        let last = |text: &str, count: usize| {
            text.chars().rev().take(count).collect::<Vec<_>>().into_iter().rev().collect::<String>()
        };
        match self.address.rsplit_once('@') {
            Some((name, domain)) => {
                let first: String = name.chars().take(1).collect();
                format!("{first}…@{}", last(domain, 20))
            }
            None => format!("…{}", last(&self.address, 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suppression(address: &str, reason: Reason) -> Suppression {
        Suppression {
            channel: Channel::Email,
            address: address.into(),
            reason,
            provider: "generic".into(),
            at: Timestamp::from_unix_ms(1),
            message: NotificationId::derived(0, &[b"m"]),
            user_id: UserId::derived(0, &[b"ada"]),
        }
    }

    #[test]
    fn a_complaint_keeps_back_all_but_what_is_critical_and_a_bounce_everything() {
        assert!(suppression("a@b.c", Reason::Bounce).keeps_back(Kind::Security));
        assert!(!suppression("a@b.c", Reason::Complaint).keeps_back(Kind::Security));
        assert!(suppression("a@b.c", Reason::Complaint).keeps_back(Kind::PaymentReceipt));
    }

    #[test]
    fn lists_show_a_hint_of_the_address() {
        assert_eq!(suppression("ada@example.com", Reason::Bounce).hint(), "a…@example.com");
        assert_eq!(suppression("+4915112345678", Reason::Bounce).hint(), "…78");
        assert_eq!(suppression("", Reason::Bounce).hint(), "…");
        assert!(suppression(&format!("a@{}", "é".repeat(500)), Reason::Bounce).hint().len() < 60);
    }
}
