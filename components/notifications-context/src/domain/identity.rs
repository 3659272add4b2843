//! What makes two messages the same message.

use crate::domain::Template;
use events::EventId;
use ids::{NotificationId, UserId};

/// The way by which a message reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The inbox.
    InApp,
    /// E-mail.
    Email,
    /// A short message to a telephone.
    Sms,
}

impl Channel {
    /// Every channel.
    pub const ALL: &[Self] = &[Self::InApp, Self::Email, Self::Sms];

    /// The word for identities and stored shapes; stable for ever.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The channel of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|channel| channel.word() == word)
    }
}

/// The identity of a message: derived from the event, the template, the channel and the recipient, so that creating it
/// twice creates it once.
///
/// The template's version is not part of it: an upgrade between two deliveries of one event must not send a second.
pub fn notification_id(event: &EventId, template: Template, channel: Channel, recipient: UserId) -> NotificationId {
    NotificationId::derived(
        recipient.partition(),
        &[
            event.as_str().as_bytes(),
            template.name().as_bytes(),
            channel.word().as_bytes(),
            recipient.to_string().as_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn event(text: &str) -> EventId {
        serde_json::from_value(text.into()).unwrap()
    }

    #[test]
    fn each_part_of_the_cause_makes_another_identity_and_the_same_cause_the_same() {
        let (ada, bob) = (UserId::derived(0, &[b"ada"]), UserId::derived(0, &[b"bob"]));
        let mut seen = HashSet::new();
        for id in ["evt_a_0", "evt_a_1"] {
            for template in [Template::Welcome, Template::PaymentReceipt] {
                for &channel in Channel::ALL {
                    for recipient in [ada, bob] {
                        let made = notification_id(&event(id), template, channel, recipient);
                        assert_eq!(made, notification_id(&event(id), template, channel, recipient));
                        assert!(seen.insert(made));
                    }
                }
            }
        }
        assert_eq!(seen.len(), 24);
    }
}
