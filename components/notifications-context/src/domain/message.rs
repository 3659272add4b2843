//! One message on its way to a provider: what is known of it, and what may be tried next.
//!
//! ```text
//! queued ──▶ sending ──▶ sent
//!    ▲          │ ├────▶ failed   (refused for good, or never accepted in all tries)
//!    └──────────┘ └────▶ unknown  (the answer was lost; tried again with the same key while tries are left)
//! ```

use ambient::Timestamp;
use core::time::Duration;
use ids::{NotificationId, UserId};

/// How long to wait after the first, second, … try that did not end it; after the last there is no other.
///
/// **Invariant** their sum (10 h 36 m) stays below the 24 h for which providers remember an idempotency key.
pub const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(8 * 60 * 60),
];

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// To be sent; nothing that went out before was accepted.
    Queued,
    /// A call to the provider is under way, or was when somebody died.
    Sending,
    /// The provider has taken it.
    Sent {
        /// When.
        at: Timestamp,
        /// The provider's name for it.
        provider_id: Option<String>,
    },
    /// It will not be sent.
    Failed {
        /// When that became clear.
        at: Timestamp,
        /// Why; no personal data.
        reason: String,
    },
    /// The provider's answer was lost: it may have been sent.
    Unknown {
        /// Since when.
        since: Timestamp,
        /// What happened; no personal data.
        reason: String,
    },
}

/// What the provider's answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailOutcome {
    /// Taken, now or by an earlier call with the same key.
    Accepted {
        /// The provider's name for it.
        provider_id: Option<String>,
    },
    /// It will never be taken: the address or the content is at fault.
    Rejected {
        /// Why; no personal data.
        reason: String,
    },
    /// Not taken this time: no connection, too many, closed.
    NotTaken {
        /// Why; no personal data.
        reason: String,
    },
    /// The answer was lost; it may have been taken.
    Lost {
        /// What happened; no personal data.
        reason: String,
    },
}

/// What follows from an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The message afterwards.
    pub message: Message,
    /// When to try again; `None` where it has ended.
    pub again_at: Option<Timestamp>,
}

/// What may be done with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Commit this, then call the provider.
    Try(Message),
    /// Commit this; nothing may be tried any more.
    GiveUp(Message),
    /// Nothing: it has ended.
    Ended,
}

/// A message to one address by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which one; also the idempotency key at the provider.
    pub id: NotificationId,
    /// Who gets it.
    pub user_id: UserId,
    /// The address, taken from the contact when the message was made, so that each try is the same request.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The trace of what caused it: 32 hexadecimal digits.
    pub trace: String,
    /// What is known of it.
    pub state: MessageState,
    /// How many tries were begun.
    pub attempts: u32,
}

impl Message {
    /// What may be done with it now.
    ///
    /// Beginning again from `sending` or `unknown` is safe because the provider knows the idempotency key.
    pub fn next(&self, now: Timestamp) -> Next {
        let tries_left = self.attempts == 0 || self.delay().is_some();
        match self.state {
            MessageState::Sent { .. } | MessageState::Failed { .. } => Next::Ended,
            MessageState::Unknown { .. } if !tries_left => Next::Ended,
            // Whoever had begun the last try died before its answer.
            MessageState::Sending if !tries_left => Next::GiveUp(Self {
                state: MessageState::Unknown {
                    since: now,
                    reason: "no try was left after an interrupted one".to_owned(),
                },
                ..self.clone()
            }),
            MessageState::Queued | MessageState::Sending | MessageState::Unknown { .. } => Next::Try(Self {
                state: MessageState::Sending,
                attempts: self.attempts.saturating_add(1),
                ..self.clone()
            }),
        }
    }

    /// The message after the provider's answer to the try under way.
    pub fn settle(&self, outcome: MailOutcome, at: Timestamp) -> Attempt {
        let again_at = self.delay().map(|delay| at.plus(delay));
        let (state, again_at) = match (outcome, again_at) {
            (MailOutcome::Accepted { provider_id }, _) => (MessageState::Sent { at, provider_id }, None),
            (MailOutcome::Rejected { reason }, _) | (MailOutcome::NotTaken { reason }, None) => {
                (MessageState::Failed { at, reason }, None)
            }
            (MailOutcome::NotTaken { .. }, again_at) => (MessageState::Queued, again_at),
            (MailOutcome::Lost { reason }, again_at) => (MessageState::Unknown { since: at, reason }, again_at),
        };
        Attempt { message: Self { state, ..self.clone() }, again_at }
    }

    /// How long to wait after the try counted last; `None` after the last one.
    fn delay(&self) -> Option<Duration> {
        let tries = usize::try_from(self.attempts).unwrap_or(usize::MAX);
        RETRY_DELAYS.get(tries.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_767_225_600_000);

    fn queued() -> Message {
        Message {
            id: NotificationId::derived(0, &[b"m"]),
            user_id: UserId::derived(0, &[b"ada"]),
            to: "ada@example.com".into(),
            subject: "Welcome".into(),
            text: "Hello".into(),
            trace: "1".repeat(32),
            state: MessageState::Queued,
            attempts: 0,
        }
    }

    fn not_taken() -> MailOutcome {
        MailOutcome::NotTaken { reason: "status 429".into() }
    }

    fn lost() -> MailOutcome {
        MailOutcome::Lost { reason: "no answer in time".into() }
    }

    /// The try that may be begun, if any.
    fn begun(message: &Message) -> Option<Message> {
        match message.next(NOW) {
            Next::Try(begun) => Some(begun),
            Next::GiveUp(_) | Next::Ended => None,
        }
    }

    #[test]
    fn waits_longer_after_each_try_and_fails_after_the_last() {
        let mut message = queued();
        let mut waits = Vec::new();
        while let Some(begun) = begun(&message) {
            let attempt = begun.settle(not_taken(), NOW);
            waits.extend(attempt.again_at.map(|at| at.since(NOW)));
            message = attempt.message;
        }
        assert_eq!(waits, RETRY_DELAYS);
        assert_eq!(message.attempts, 6);
        assert_eq!(message.state, MessageState::Failed { at: NOW, reason: "status 429".into() });
    }

    #[test]
    fn a_lost_answer_stays_unknown_when_no_try_is_left() {
        let mut message = queued();
        while let Some(begun) = begun(&message) {
            message = begun.settle(lost(), NOW).message;
        }
        assert!(matches!(message.state, MessageState::Unknown { .. }));
        assert_eq!(message.attempts, 6);
    }

    #[test]
    fn tries_that_nobody_survives_come_to_an_end_too() {
        let mut message = queued();
        while let Some(begun) = begun(&message) {
            message = begun;
        }
        assert_eq!(message.attempts, 6);
        let Next::GiveUp(given_up) = message.next(NOW) else { panic!("{message:?}") };
        assert!(matches!(given_up.state, MessageState::Unknown { .. }));
        assert_eq!(given_up.next(NOW), Next::Ended);
    }

    #[test]
    fn a_refusal_for_good_ends_it_at_once() {
        let attempt = begun(&queued()).unwrap().settle(MailOutcome::Rejected { reason: "status 422".into() }, NOW);
        assert_eq!(attempt.again_at, None);
        assert_eq!(attempt.message.next(NOW), Next::Ended);
    }

    fn outcomes() -> impl Strategy<Value = Option<MailOutcome>> {
        // None: whoever had begun the try died before the answer.
        prop_oneof![
            Just(None),
            Just(Some(MailOutcome::Accepted { provider_id: None })),
            Just(Some(MailOutcome::Rejected { reason: "status 422".into() })),
            Just(Some(not_taken())),
            Just(Some(lost())),
        ]
    }

    proptest! {
        #[test]
        fn what_was_sent_is_never_sent_again(story in prop::collection::vec(outcomes(), 0..20)) {
            let mut message = queued();
            let mut accepted = false;
            for outcome in story {
                let Some(begun) = begun(&message) else {
                    prop_assert_ne!(&message.state, &MessageState::Queued);
                    break;
                };
                prop_assert!(!accepted);
                accepted |= matches!(outcome, Some(MailOutcome::Accepted { .. }));
                message = match outcome {
                    Some(outcome) => begun.settle(outcome, NOW).message,
                    None => begun,
                };
            }
            prop_assert_eq!(accepted, matches!(message.state, MessageState::Sent { .. }));
        }
    }
}
