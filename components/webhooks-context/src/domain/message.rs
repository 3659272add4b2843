//! One event on its way to one endpoint: what it is, and what becomes of it after each try.

use super::attempt::{Attempt, Ending, LOG_BYTES, LOG_LENGTH};
use super::schedule::{TRIES, wait_after};
use ambient::Timestamp;
use core::time::Duration;
use events::EventId;
use ids::UserId;
use webhooks_wire::{EndpointId, MessageId};

/// How long a message and its log are kept, counted from its creation.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// After which time a try without an outcome counts as interrupted: far beyond the time-out of a request.
const INTERRUPTED_AFTER: Duration = Duration::from_secs(60);

/// Where a message is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// It waits for its time.
    Pending,
    /// A try has begun.
    Sending,
    /// The endpoint has it.
    Delivered {
        /// Since when.
        at: Timestamp,
    },
    /// It was given up.
    Failed {
        /// When.
        at: Timestamp,
    },
}

impl MessageState {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
        }
    }
}

/// What made a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An event of the house.
    Event(EventId),
    /// Its owner, to try the endpoint.
    Test,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The type, such as `payments.payment.captured.v1`.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// The number of the change to the thing that it is about: among what happened at one moment, the order.
    pub number: u64,
    /// Whose thing; nothing where it is the house's.
    pub about: Option<UserId>,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name: the `webhook-id`.
    pub id: MessageId,
    /// Where it goes.
    pub endpoint: EndpointId,
    /// What made it.
    pub cause: Cause,
    /// What it is about.
    pub subject: Subject,
    /// The bytes that are sent and signed, the same in each try.
    pub body: String,
    /// The trace of what caused it.
    pub trace: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it is.
    pub state: MessageState,
    /// When it is looked at next, while it is on its way.
    pub due: Option<Timestamp>,
    /// Tries of this round: since it was made, or sent again by its owner.
    pub tries: u32,
    /// Tries altogether.
    pub made: u32,
    /// The last tries, oldest first.
    pub log: Vec<Attempt>,
}

/// What is to be done about a message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// A try: note it like this before anything is sent.
    Try(Message),
    /// Tries were interrupted until there were none left: it is given up.
    GivenUp(Message),
    /// It is not on its way.
    Ended,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The message afterwards.
    pub message: Message,
    /// Whether the endpoint has it.
    pub delivered: bool,
    /// Whether the endpoint is gone.
    pub gone: bool,
}

impl Message {
    /// Begins a try.
    pub fn begin(&self, url: &str, now: Timestamp) -> Begun {
        if self.due.is_none() {
            return Begun::Ended;
        }
        if self.tries >= TRIES {
            return Begun::GivenUp(Self { state: MessageState::Failed { at: now }, due: None, ..self.clone() });
        }
        let mut begun = self.clone();
        begun.state = MessageState::Sending;
        begun.due = Some(now.plus(INTERRUPTED_AFTER));
        begun.tries = begun.tries.saturating_add(1);
        begun.made = begun.made.saturating_add(1);
        let number = begun.made;
        begun.log.push(Attempt { number, begun_at: now, took: None, url: url.to_owned(), ending: Ending::Open });
        bound(&mut begun.log);
        Begun::Try(begun)
    }

    /// Ends the try that began last.
    #[must_use]
    pub fn settle(&self, ending: Ending, now: Timestamp, draw: u32) -> Settled {
        let mut message = self.clone();
        let (delivered, gone) = (ending.is_success(), ending.is_gone());
        let asked = match &ending {
            Ending::Answered { retry_after, .. } => *retry_after,
            Ending::Open | Ending::Failed { .. } => None,
        };
        if let Some(last) = message.log.last_mut() {
            last.took = Some(now.since(last.begun_at));
            last.ending = ending;
        }
        bound(&mut message.log);
        (message.state, message.due) = if delivered {
            (MessageState::Delivered { at: now }, None)
        } else {
            match wait_after(message.tries, draw, asked).filter(|_| !gone) {
                Some(wait) => (MessageState::Pending, Some(now.plus(wait))),
                None => (MessageState::Failed { at: now }, None),
            }
        };
        Settled { message, delivered, gone }
    }

    /// Sends it again, from the first try on; what is on its way comes at once.
    #[must_use]
    pub fn again(&self, now: Timestamp) -> Self {
        Self { state: MessageState::Pending, due: Some(now), tries: 0, ..self.clone() }
    }

    /// Until when it is kept.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus(KEPT)
    }
}

/// Forgets the oldest tries where there are too many, or too much of them: the body of a record has its limit.
fn bound(log: &mut Vec<Attempt>) {
    while log.len() > LOG_LENGTH || (log.len() > 1 && log.iter().map(Attempt::weight).sum::<usize>() > LOG_BYTES) {
        log.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::WAITS;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn message() -> Message {
        Message {
            id: MessageId::derived(0, &[b"m"]),
            endpoint: EndpointId::derived(0, &[b"e"]),
            cause: Cause::Test,
            subject: Subject { kind: "webhooks.endpoint.test.v1".into(), at: at(0), number: 1, about: None },
            body: "{}".into(),
            trace: "0".repeat(32),
            created_at: at(0),
            state: MessageState::Pending,
            due: Some(at(0)),
            tries: 0,
            made: 0,
            log: Vec::new(),
        }
    }

    fn answered(status: u16) -> Ending {
        Ending::Answered { status, content_type: None, body: String::new(), retry_after: None }
    }

    fn begun(message: &Message, now: Timestamp) -> Message {
        match message.begin("https://x.example.com/", now) {
            Begun::Try(begun) => begun,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn ten_failed_tries_are_the_end_and_one_success_is() {
        let mut now = at(0);
        let mut waiting = message();
        for wait in WAITS {
            let settled = begun(&waiting, now).settle(answered(500), now, 200);
            assert_eq!(settled.message.due, Some(now.plus(wait)));
            now = now.plus(wait);
            waiting = settled.message;
        }
        let delivered = begun(&waiting, now).settle(answered(204), now, 0);
        assert!(delivered.delivered && delivered.message.due.is_none());
        let failed = begun(&waiting, now).settle(answered(302), now, 0).message;
        assert_eq!((failed.state, failed.due), (MessageState::Failed { at: now }, None));
        assert_eq!(failed.begin("u", now), Begun::Ended);
        let again = failed.again(now);
        assert_eq!((again.tries, again.made, again.due), (0, 10, Some(now)));
    }

    #[test]
    fn gone_is_gone_at_once() {
        let settled = begun(&message(), at(0)).settle(answered(410), at(5), 0);
        assert!(settled.gone && !settled.delivered);
        assert_eq!(settled.message.state, MessageState::Failed { at: at(5) });
    }

    #[test]
    fn tries_that_are_interrupted_use_themselves_up() {
        let (mut waiting, mut now) = (message(), at(0));
        for _ in 0..TRIES {
            waiting = begun(&waiting, now);
            assert_eq!(waiting.due, Some(now.plus(INTERRUPTED_AFTER)));
            now = now.plus(INTERRUPTED_AFTER);
        }
        assert!(matches!(waiting.begin("u", now), Begun::GivenUp(given_up) if given_up.due.is_none()));
    }

    #[test]
    fn what_the_receiver_asks_for_is_waited() {
        let ending = Ending::Answered {
            status: 429,
            content_type: None,
            body: String::new(),
            retry_after: Some(Duration::from_secs(3600)),
        };
        let settled = begun(&message(), at(0)).settle(ending, at(0), 0);
        assert_eq!(settled.message.due, Some(at(3_600_000)));
    }

    proptest! {
        #[test]
        fn the_log_is_bounded_and_its_numbers_grow(steps in prop::collection::vec(0..4u8, 0..80)) {
            let mut waiting = message();
            let mut now = at(0);
            for step in steps {
                now = now.plus(Duration::from_secs(1));
                waiting = match step {
                    0 => waiting.again(now),
                    _ => match waiting.begin("u", now) {
                        Begun::Try(begun) if step == 1 => begun,
                        Begun::Try(begun) => begun.settle(answered(if step == 2 { 200 } else { 503 }), now, 7).message,
                        Begun::GivenUp(given_up) => given_up,
                        Begun::Ended => waiting,
                    },
                };
                let on_its_way = matches!(waiting.state, MessageState::Pending | MessageState::Sending);
                prop_assert_eq!(waiting.due.is_some(), on_its_way);
                prop_assert!(waiting.tries <= TRIES && waiting.log.len() <= LOG_LENGTH);
                prop_assert!(waiting.log.windows(2).all(|two| two[0].number + 1 == two[1].number));
                prop_assert_eq!(waiting.log.last().map_or(0, |last| last.number), waiting.made);
            }
        }
    }
}
