//! A message goes to its provider: judged by what its person and its address want now, noted before each call, settled
//! after it, and by the timer where somebody died.

use crate::app::digest::close_window;
use crate::app::notify::logged;
use crate::app::settings::settings_of;
use crate::app::step::{Step, step};
use crate::app::suppress::{suppress, suppression_of};
use crate::domain::{
    Attempt, Befell, Candidate, Channel, DecidedBy, Message, MessageState, Next, Reason, Ruling, SendOutcome,
    Suppression,
};
use crate::keys;
use crate::providers::{Carrier, Found, Letter, Provider, Providers, ShortMessage};
use crate::seals::Seals;
use crate::templates::{DEFAULT_LOCALE, TemplateError, in_layout, in_plain_layout};
use crate::wire::{self, StoredMessage};
use ambient::{Clock, Timestamp};
use circuit_breaker::{Admission, Health};
use core::time::Duration;
use futures::future::{join_all, try_join};
use ids::NotificationId;
use records::{Change, Committed, Content, DueTimer, Meta, Outcome, Records, RecordsError, TimerStep, Version};
use std::sync::Arc;

/// How many messages are under way at once.
const AT_ONCE: u32 = 16;
/// How long a provider may take.
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
    /// Not this time, or not yet.
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
    /// The frame of a letter, or the text of a summary; ruled out by the tests of the templates.
    #[error(transparent)]
    Template(#[from] TemplateError),
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

/// Who writes, and where its readers find us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders {
    /// The sender of letters, such as `Spindrift <no-reply@spindrift.example>`.
    pub mail: String,
    /// The sender of short messages: a number or a name.
    pub sms: String,
    /// Where this system is reached from outside, without a slash at the end.
    pub public_url: String,
}

impl Senders {
    /// Where one click turns letters of a kind off.
    pub fn unsubscribe_url(&self, token: &str) -> String {
        format!("{}/v1/notifications/unsubscribe/{token}", self.public_url)
    }

    /// Where a provider tells what became of a message.
    pub fn notices_url(&self, provider: &str, id: NotificationId) -> String {
        format!("{}/v1/notifications/providers/{provider}/notices?message={id}", self.public_url)
    }
}

/// Hands messages to their provider.
#[derive(Clone)]
pub struct Mailer {
    /// Where messages lie.
    pub records: Arc<dyn Records>,
    /// Who carries them.
    pub providers: Providers,
    /// Who writes.
    pub senders: Senders,
    /// Names of addresses, tokens of links.
    pub seals: Seals,
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
        let result = match keys::digest_of(&timer.key) {
            Some((user_id, kind)) if timer.name == keys::DIGEST => {
                let meta = self.meta(self.clock.now(), "0".repeat(32));
                close_window(&*self.records, timer, user_id, kind, &meta).await.map(|()| Delivered::Nothing)
            }
            _ => self.attempt(timer, &mut trace).await,
        };
        DeliveryReport { id, trace, result }
    }

    async fn attempt(&self, timer: &DueTimer, trace: &mut String) -> Result<Delivered, DeliverError> {
        let Some((mut version, mut message)) = self.load(timer).await? else {
            self.records.finish_timer(timer).await?;
            return Ok(Delivered::Nothing);
        };
        trace.clone_from(&message.trace);
        // One provider after the other, as long as each says for certain that it did not take it.
        loop {
            let now = self.clock.now();
            if let Some(Attempt { message, again_at }) = self.judged(&message, now).await? {
                return self.settled(timer, &message, version, again_at, now).await;
            }
            let candidates = self.providers.candidates(message.channel, &message.to).await;
            let next = match self.looked_for(&message, &candidates).await {
                Found::Taken { provider_id } => {
                    let taken = message.settle(SendOutcome::Accepted { provider_id }, now, &candidates);
                    return self.settled(timer, &taken.message, version, None, now).await;
                }
                Found::NotNow => message.put_off(now),
                Found::NotThere | Found::CannotTell => message.next(now, &candidates),
            };
            let (begun, provider) = match next {
                Next::Try { message, provider } => (message, provider),
                Next::Wait(Attempt { message, again_at }) => {
                    return self.settled(timer, &message, version, again_at, now).await;
                }
                Next::GiveUp(message) => return self.settled(timer, &message, version, None, now).await,
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
            let answer = match self.providers.named(begun.channel, &provider) {
                Some(provider) => self.ask(provider, &begun).await?,
                None => SendOutcome::NotTaken { reason: "the provider is not set up".to_owned() },
            };
            let dead = matches!(&answer, SendOutcome::Rejected { address_is_dead: true, .. });
            let now = self.clock.now();
            let Attempt { message: after, again_at } = begun.settle(answer, now, &candidates);
            let Some(committed) = self.commit(timer, &after, committed.version, again_at, now).await? else {
                return Ok(Delivered::Nothing);
            };
            if dead {
                self.bury(&after, &provider, now).await?;
            }
            match again_at {
                Some(at) if at <= now => (version, message) = (committed.version, after),
                again_at => return Ok(outcome(&after.state, again_at)),
            }
        }
    }

    /// What follows from what its person and its address want now; nothing where it may go out. Only what nobody was asked
    /// for yet, or certainly not taken, is judged: what may lie at a provider is not called back by a preference.
    async fn judged(&self, message: &Message, now: Timestamp) -> Result<Option<Attempt>, DeliverError> {
        if message.state != MessageState::Queued {
            return Ok(None);
        }
        let (suppressed, settings) = try_join(
            suppression_of(&*self.records, &self.seals, message.channel, &message.to),
            settings_of(&*self.records, message.user_id),
        )
        .await?;
        let skipped = |befell, reason: String| {
            let journal = message.journal.clone().with(now, befell, None, Some(reason.clone()));
            let state = MessageState::Skipped { at: now, reason };
            Some(Attempt { message: Message { state, journal, ..message.clone() }, again_at: None })
        };
        if let Some(suppression) = suppressed.filter(|suppression| suppression.keeps_back(message.kind)) {
            let reason = format!("suppressed: {} told by {}", suppression.reason.word(), suppression.provider);
            return Ok(skipped(Befell::Suppressed, reason));
        }
        Ok(match settings.preferences.rule(message.kind, message.channel, true, now) {
            Ruling::Send | Ruling::Skip(DecidedBy::Default) => None,
            Ruling::Skip(by) => skipped(Befell::TurnedOff, format!("preference: {}", by.word())),
            Ruling::Wait { until } => {
                let why = Some(format!("until {until}"));
                let journal = message.journal.clone().with(now, Befell::Quiet, None, why);
                Some(Attempt { message: Message { journal, ..message.clone() }, again_at: Some(until) })
            }
        })
    }

    /// Whether the provider that was asked last has the message, where nobody knows and it keeps no keys.
    async fn looked_for(&self, message: &Message, candidates: &[Candidate]) -> Found {
        let Some(name) = message.provider.as_deref().filter(|_| message.is_uncertain()) else {
            return Found::CannotTell;
        };
        let keeps_keys = candidates.iter().any(|candidate| candidate.name == name && candidate.keeps_keys);
        match self.providers.named(message.channel, name).map(|provider| &provider.carrier) {
            Some(Carrier::Mail(mail)) if !keeps_keys => mail.find(&message.id.to_string(), PROVIDER_TIMEOUT).await,
            _ => Found::CannotTell,
        }
    }

    async fn ask(&self, provider: &Provider, message: &Message) -> Result<SendOutcome, DeliverError> {
        let admission = provider.breaker.admit().await;
        if let Admission::Open { .. } = admission {
            return Ok(SendOutcome::NotTaken { reason: "it fails too often to be asked now".to_owned() });
        }
        let key = message.id.to_string();
        let answer = match &provider.carrier {
            Carrier::Mail(mail) => {
                let token = self.seals.unsubscribe_token(message.user_id, message.kind);
                // Nobody may turn off what is critical, so that there is no way out to show.
                let unsubscribe = (!message.kind.is_critical()).then(|| self.senders.unsubscribe_url(&token));
                let locale = message.text_ref.as_ref().map_or(DEFAULT_LOCALE, |text| text.locale.as_str());
                let html = message.html.as_deref();
                let html =
                    html.map(|html| in_layout(html, &message.subject, locale, unsubscribe.as_deref())).transpose()?;
                let text = in_plain_layout(&message.text, locale, unsubscribe.as_deref())?;
                let letter = Letter {
                    from: &self.senders.mail,
                    to: &message.to,
                    subject: &message.subject,
                    text: &text,
                    html: html.as_deref(),
                    unsubscribe: unsubscribe.as_deref(),
                    idempotency_key: &key,
                    trace: &message.trace,
                };
                mail.send(&letter, PROVIDER_TIMEOUT).await
            }
            Carrier::Sms(sms) => {
                let notices = self.senders.notices_url(&provider.name, message.id);
                let short = ShortMessage {
                    from: &self.senders.sms,
                    to: &message.to,
                    text: &message.text,
                    notices: &notices,
                    idempotency_key: &key,
                    trace: &message.trace,
                };
                sms.send(&short, PROVIDER_TIMEOUT).await
            }
        };
        let failed = match &answer {
            SendOutcome::Lost { .. } | SendOutcome::NotTaken { .. } => Health::Failed,
            SendOutcome::Accepted { .. } | SendOutcome::Rejected { .. } => Health::Answered,
        };
        provider.breaker.report(admission, failed).await;
        Ok(answer)
    }

    /// A provider that says of an address that nothing reaches it need not be asked again.
    async fn bury(&self, message: &Message, provider: &str, now: Timestamp) -> Result<(), RecordsError> {
        let suppression = Suppression {
            channel: message.channel,
            address: message.to.clone(),
            reason: Reason::Bounce,
            provider: provider.to_owned(),
            at: now,
            message: message.id,
            user_id: message.user_id,
        };
        suppress(&*self.records, &self.seals, &suppression, &self.meta(now, message.trace.clone())).await
    }

    async fn load(&self, timer: &DueTimer) -> Result<Option<(Version, Message)>, RecordsError> {
        if timer.name != keys::DELIVER || keys::message_id(&timer.key).is_none() {
            return Ok(None);
        }
        let Some(record) = self.records.load(&timer.key).await? else { return Ok(None) };
        let message = wire::read::<StoredMessage, Message>(&record)?;
        // The inbox needs nobody to carry anything.
        Ok(message.filter(|message| message.channel != Channel::InApp).map(|message| (record.version, message)))
    }

    /// Commits a message that nobody is asked for now; what became of it.
    async fn settled(
        &self,
        timer: &DueTimer,
        message: &Message,
        version: Version,
        again_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Delivered, DeliverError> {
        match self.commit(timer, message, version, again_at, now).await? {
            Some(_) => Ok(outcome(&message.state, again_at)),
            None => Ok(Delivered::Nothing),
        }
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
        let next = match due {
            Some(due) => TimerStep::Set { name: keys::DELIVER, due },
            None => TimerStep::Clear { name: keys::DELIVER },
        };
        let meta = self.meta(now, message.trace.clone());
        let change = Change::new(timer.key.clone(), Some(version), content, meta).with_timer(next);
        match self.records.commit(logged(change, message)?).await? {
            Outcome::Committed(committed) => Ok(Some(committed)),
            other => match step(other)? {
                Step::Committed | Step::Conflict => Ok(None),
            },
        }
    }

    fn meta(&self, at: Timestamp, trace: String) -> Meta {
        Meta { at, trace, cause: None, actor: Some(self.actor.to_owned()) }
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
        (
            MessageState::Queued
            | MessageState::Sending
            | MessageState::Skipped { .. }
            | MessageState::Held
            | MessageState::Digested { .. }
            | MessageState::Bounced { .. },
            None,
        ) => Delivered::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RETRY_DELAYS, SendOutcome};
    use crate::fixtures::{House, ada, registered};

    fn house_with_a_letter() -> House {
        let house = House::new();
        house.hear(&registered(ada()));
        house
    }

    fn not_taken() -> SendOutcome {
        SendOutcome::NotTaken { reason: "status 429".into() }
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
        house.mailbox.answers.lock().unwrap().push_back(SendOutcome::Lost { reason: "reset".into() });
        let [Ok(Delivered::Again { at })] = house.deliver()[..] else { panic!("not again") };
        wait(&house, at.since(house.clock.now()));
        assert_eq!(house.deliver(), [Ok(Delivered::Sent)]);
        assert_eq!(house.mailbox.taken.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_refusal_for_good_is_given_up() {
        let house = house_with_a_letter();
        house
            .mailbox
            .answers
            .lock()
            .unwrap()
            .push_back(SendOutcome::Rejected { reason: "status 422".into(), address_is_dead: false });
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
