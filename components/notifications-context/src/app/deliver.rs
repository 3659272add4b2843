//! A message goes to its provider: noted before the call, settled after it, and by the timer where somebody died.

use crate::app::step::{Step, step};
use crate::domain::{Attempt, Message, MessageState, Next};
use crate::keys;
use crate::mail::{Letter, Mail};
use crate::wire::{self, StoredMessage};
use ambient::{Clock, Timestamp};
use core::time::Duration;
use futures::future::join_all;
use ids::NotificationId;
use records::{Change, Committed, Content, DueTimer, Meta, Outcome, Records, RecordsError, TimerStep, Version};
use std::sync::Arc;

/// How many messages are under way at once.
const AT_ONCE: u32 = 16;
/// How long the provider may take.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a claimed timer is ours: the load and the first commit.
const LEASE: Duration = Duration::from_secs(30);
/// After which time a try without an outcome counts as interrupted: far beyond the provider's time-out.
const INTERRUPTED_AFTER: Duration = Duration::from_secs(60);

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The provider has it.
    Sent,
    /// Not this time.
    Again {
        /// When to try again.
        at: Timestamp,
    },
    /// It will not be sent, or nobody will ever know.
    GivenUp {
        /// Why; no personal data.
        reason: String,
    },
    /// There was nothing to do: sent, given up or erased before, or another worker has it.
    Nothing,
}

/// Why a try has no outcome; the timer brings the message back.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// One try, for the log.
#[derive(Debug)]
pub struct DeliveryReport {
    /// Which message; none where the timer was not a message's.
    pub id: Option<NotificationId>,
    /// The trace of what caused it; empty where the message could not be read.
    pub trace: String,
    /// What became of it.
    pub result: Result<Delivered, DeliverError>,
}

/// Hands messages to their provider.
#[derive(Clone)]
pub struct Mailer {
    /// Where messages lie.
    pub records: Arc<dyn Records>,
    /// The provider.
    pub mail: Arc<dyn Mail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who acts: the worker's name.
    pub actor: &'static str,
}

impl Mailer {
    /// Delivers what is due, several at once, until nothing is or the time is over.
    ///
    /// # Errors
    /// The store's, when it cannot even say what is due.
    pub async fn deliver_due(&self, until: Timestamp) -> Result<Vec<DeliveryReport>, RecordsError> {
        let mut reports = Vec::new();
        loop {
            let due = self.records.claim_timers(AT_ONCE, LEASE).await?;
            reports.extend(join_all(due.iter().map(|timer| self.deliver(timer))).await);
            if due.len() < AT_ONCE as usize || self.clock.now() >= until {
                return Ok(reports);
            }
        }
    }

    async fn deliver(&self, timer: &DueTimer) -> DeliveryReport {
        let id = keys::message_id(&timer.key);
        let mut trace = String::new();
        let result = self.attempt(timer, &mut trace).await;
        DeliveryReport { id, trace, result }
    }

    async fn attempt(&self, timer: &DueTimer, trace: &mut String) -> Result<Delivered, DeliverError> {
        let Some((version, message)) = self.load(timer).await? else {
            self.records.finish_timer(timer).await?;
            return Ok(Delivered::Nothing);
        };
        trace.clone_from(&message.trace);
        let now = self.clock.now();
        let begun = match message.next(now) {
            Next::Try(begun) => begun,
            Next::GiveUp(message) => {
                self.commit(timer, &message, version, None, now).await?;
                return Ok(outcome(&message.state, None));
            }
            Next::Ended => {
                self.records.finish_timer(timer).await?;
                return Ok(Delivered::Nothing);
            }
        };
        // From here on it is known that the provider may have been asked.
        let interrupted = now.plus(INTERRUPTED_AFTER);
        let Some(committed) = self.commit(timer, &begun, version, Some(interrupted), now).await? else {
            return Ok(Delivered::Nothing);
        };
        let idempotency_key = begun.id.to_string();
        let letter = Letter {
            to: &begun.to,
            subject: &begun.subject,
            text: &begun.text,
            idempotency_key: &idempotency_key,
            trace: &begun.trace,
        };
        let answer = self.mail.send(&letter, PROVIDER_TIMEOUT).await;
        let now = self.clock.now();
        let Attempt { message, again_at } = begun.settle(answer, now);
        match self.commit(timer, &message, committed.version, again_at, now).await? {
            Some(_) => Ok(outcome(&message.state, again_at)),
            None => Ok(Delivered::Nothing),
        }
    }

    async fn load(&self, timer: &DueTimer) -> Result<Option<(Version, Message)>, RecordsError> {
        if timer.name != keys::DELIVER || keys::message_id(&timer.key).is_none() {
            return Ok(None);
        }
        let Some(record) = self.records.load(&timer.key).await? else { return Ok(None) };
        Ok(wire::read::<StoredMessage, Message>(&record)?.map(|message| (record.version, message)))
    }

    /// Commits the message with its next timer; `None` where another worker has moved it on.
    async fn commit(
        &self,
        timer: &DueTimer,
        message: &Message,
        version: Version,
        due: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Committed>, RecordsError> {
        let content = Content::Body(wire::write(&StoredMessage::from(message))?);
        let meta = Meta { at: now, trace: message.trace.clone(), cause: None, actor: Some(self.actor.to_owned()) };
        let next = match due {
            Some(due) => TimerStep::Set { name: keys::DELIVER, due },
            None => TimerStep::Clear { name: keys::DELIVER },
        };
        let change = Change::new(timer.key.clone(), Some(version), content, meta).with_timer(next);
        match self.records.commit(change).await? {
            Outcome::Committed(committed) => Ok(Some(committed)),
            other => match step(other)? {
                Step::Committed | Step::Conflict => Ok(None),
            },
        }
    }
}

/// What a state means for the log.
fn outcome(state: &MessageState, again_at: Option<Timestamp>) -> Delivered {
    match (state, again_at) {
        (MessageState::Sent { .. }, _) => Delivered::Sent,
        (_, Some(at)) => Delivered::Again { at },
        (MessageState::Failed { reason, .. } | MessageState::Unknown { reason, .. }, None) => {
            Delivered::GivenUp { reason: reason.clone() }
        }
        (MessageState::Queued | MessageState::Sending, None) => Delivered::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MailOutcome, RETRY_DELAYS};
    use crate::fixtures::{House, ada, registered};

    fn house_with_a_letter() -> House {
        let house = House::new();
        house.hear(&registered(ada()));
        house
    }

    fn not_taken() -> MailOutcome {
        MailOutcome::NotTaken { reason: "status 429".into() }
    }

    fn wait(house: &House, duration: Duration) {
        house.clock.advance_ms(i64::try_from(duration.as_millis()).unwrap());
    }

    #[test]
    fn a_letter_is_sent_once_and_never_again() {
        let house = house_with_a_letter();
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
        wait(&house, Duration::from_secs(24 * 60 * 60));
        assert_eq!(house.deliver(), []);
        assert!(house.records.timers().is_empty());
    }

    #[test]
    fn a_provider_that_does_not_take_it_is_asked_again_after_growing_waits() {
        let house = house_with_a_letter();
        for delay in RETRY_DELAYS {
            house.mailbox.answers.lock().unwrap().push_back(not_taken());
            let [Ok(Delivered::Again { at })] = house.deliver()[..] else { panic!("not again") };
            assert_eq!(at, house.clock.now().plus(delay));
            wait(&house, delay - Duration::from_millis(1));
            assert_eq!(house.deliver(), []);
            wait(&house, Duration::from_millis(1));
        }
        house.mailbox.answers.lock().unwrap().push_back(not_taken());
        assert_eq!(house.deliver(), [Ok(Delivered::GivenUp { reason: "status 429".into() })]);
        assert!(house.records.timers().is_empty());
    }

    #[test]
    fn a_crash_between_call_and_note_asks_again_with_the_same_key() {
        let house = house_with_a_letter();
        // The note before the call is committed, the one after it is not.
        house.records.pause_next_commit(Duration::ZERO);
        house.records.fail_next_commit_before();
        assert!(matches!(house.deliver()[..], [Err(_)]));
        assert_eq!(house.deliver(), [], "whoever crashed may still be at it");
        wait(&house, INTERRUPTED_AFTER);
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
        let keys: Vec<_> = house.mailbox.calls.lock().unwrap().iter().map(|call| call.0.clone()).collect();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0], keys[1]);
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_crash_before_the_call_loses_only_time() {
        let house = house_with_a_letter();
        house.records.fail_next_commit_before();
        assert!(matches!(house.deliver()[..], [Err(_)]));
        assert!(house.mailbox.calls.lock().unwrap().is_empty(), "what is not noted is not sent");
        wait(&house, LEASE);
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
    }

    #[test]
    fn a_lost_answer_is_asked_again_and_delivers_nothing_twice() {
        let house = house_with_a_letter();
        house.mailbox.answers.lock().unwrap().push_back(MailOutcome::Lost { reason: "reset".into() });
        let [Ok(Delivered::Again { at })] = house.deliver()[..] else { panic!("not again") };
        wait(&house, at.since(house.clock.now()));
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_refusal_for_good_is_given_up() {
        let house = house_with_a_letter();
        house.mailbox.answers.lock().unwrap().push_back(MailOutcome::Rejected { reason: "status 422".into() });
        assert_eq!(house.deliver(), [Ok(Delivered::GivenUp { reason: "status 422".into() })]);
        assert!(house.records.timers().is_empty());
    }

    #[test]
    fn more_letters_than_one_claim_takes_are_delivered_in_one_round() {
        let house = House::new();
        for name in 0..40u8 {
            house.hear(&registered(ids::UserId::derived(0, &[&[name]])));
        }
        let until = house.clock.now().plus(Duration::from_secs(4));
        let reports = futures::executor::block_on(house.mailer.deliver_due(until)).unwrap();
        assert_eq!(reports.len(), 40);
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), 40);
    }
}
