//! One occasion becomes a notification in the inbox and messages on their way, each at most once, as far as its person
//! wants them. What is kept back by what they said is a row of their log, too.

use crate::app::digest::held;
use crate::app::mark::notification_event;
use crate::app::step::step;
use crate::domain::{
    Befell, Channel, Contact, DecidedBy, Journal, Message, MessageState, Notification, Occasion, Ruling,
    notification_id,
};
use crate::keys;
use crate::templates::{Rendered, TemplateError, render};
use crate::wire::{self, LogSummary, Settings, StoredMessage, StoredNotification, Summary};
use ambient::Timestamp;
use events::EventId;
use futures::future::try_join_all;
use notifications_wire::NOTIFICATION_CREATED;
use records::{Change, Content, IndexStep, Meta, Records, RecordsError, TimerStep};

/// What made the occasion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The event: part of the identity of each message.
    pub event: EventId,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Why somebody was not notified.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The text.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Tells one person about one occasion by all channels that they want. Two round trips, side by side; four where a letter
/// waits for a summary.
///
/// # Errors
/// [`NotifyError`]; what was created before an error stays, and the next delivery of the event finds it.
pub async fn notify(
    records: &dyn Records,
    occasion: &Occasion,
    contact: &Contact,
    settings: &Settings,
    cause: &Cause,
    meta: &Meta,
) -> Result<(), NotifyError> {
    let text = render(occasion, contact, cause.occurred_at)?;
    let telling = Telling { occasion, contact, settings, text: &text, cause, meta };
    let mut changes = Vec::new();
    for channel in occasion.channels() {
        changes.extend(telling.by(*channel)?);
    }
    try_join_all(changes.into_iter().map(|change| create(records, change))).await?;
    // After the letter lies there: whoever closes the window in between finds it, or is told to look again.
    if let Some(rhythm) = settings.preferences.rhythm(occasion.kind()) {
        held(records, contact.user_id, occasion.kind(), rhythm, settings, meta).await?;
    }
    Ok(())
}

/// A conflict says that an earlier delivery of the event has created it: the same either way.
async fn create(records: &dyn Records, change: Change) -> Result<(), RecordsError> {
    step(records.commit(change).await?).map(|_| ())
}

/// What is told, to whom.
struct Telling<'a> {
    occasion: &'a Occasion,
    contact: &'a Contact,
    settings: &'a Settings,
    text: &'a Rendered,
    cause: &'a Cause,
    meta: &'a Meta,
}

impl Telling<'_> {
    /// What is to be created for one channel; nothing where nobody ever asked for it.
    fn by(&self, channel: Channel) -> Result<Option<Change>, RecordsError> {
        let Self { occasion, settings, .. } = *self;
        let (kind, preferences) = (occasion.kind(), &settings.preferences);
        let to = match channel {
            Channel::InApp => String::new(),
            Channel::Email => self.contact.email.clone(),
            // The number that is to be proven is named by whoever proves it, see `app::phone`.
            Channel::Sms => match &settings.phone.confirmed {
                Some(number) => number.to_string(),
                None => return Ok(None),
            },
        };
        let created = Journal::default().with(self.meta.at, Befell::Created, None, Some(self.cause.event.to_string()));
        match preferences.rule(kind, channel, occasion.by_default(channel), self.meta.at) {
            Ruling::Skip(DecidedBy::Default) => Ok(None),
            Ruling::Skip(by) => {
                let why = format!("preference: {}", by.word());
                let journal = created.with(self.meta.at, Befell::TurnedOff, None, Some(why.clone()));
                let state = MessageState::Skipped { at: self.meta.at, reason: why };
                let message = Message { text: String::new(), html: None, ..self.message(channel, to, state, journal) };
                entered(&message, self.meta).map(Some)
            }
            Ruling::Send | Ruling::Wait { .. } if channel == Channel::InApp => self.in_app().map(Some),
            Ruling::Send | Ruling::Wait { .. } if channel == Channel::Email && preferences.rhythm(kind).is_some() => {
                let journal = created.with(self.meta.at, Befell::Held, None, None);
                let message = self.message(channel, to, MessageState::Held, journal);
                let index = keys::digest_items(self.contact.user_id, kind)?;
                let waiting = IndexStep::Put { index, sort: self.meta.at.to_string(), summary: String::new() };
                Ok(Some(entered(&message, self.meta)?.with_index(waiting)))
            }
            Ruling::Send => self.queued(channel, to, self.meta.at, created),
            Ruling::Wait { until } => {
                let journal = created.with(self.meta.at, Befell::Quiet, None, Some(format!("until {until}")));
                self.queued(channel, to, until, journal)
            }
        }
    }

    fn queued(
        &self,
        channel: Channel,
        to: String,
        due: Timestamp,
        journal: Journal,
    ) -> Result<Option<Change>, RecordsError> {
        let message = self.message(channel, to, MessageState::Queued, journal);
        Ok(Some(entered(&message, self.meta)?.with_timer(TimerStep::Set { name: keys::DELIVER, due })))
    }

    fn message(&self, channel: Channel, to: String, state: MessageState, journal: Journal) -> Message {
        let Self { occasion, contact, text, cause, meta, .. } = *self;
        let is_sms = channel == Channel::Sms;
        Message {
            id: notification_id(&cause.event, occasion.template(), channel, contact.user_id),
            user_id: contact.user_id,
            channel,
            kind: occasion.kind(),
            text_ref: Some(text.text_ref.clone()),
            to,
            subject: text.subject.clone(),
            text: if is_sms { text.sms() } else { text.body.clone() },
            html: if is_sms { None } else { text.html.clone() },
            trace: meta.trace.clone(),
            created_at: Some(meta.at),
            state,
            attempts: 0,
            provider: None,
            passed_over: Vec::new(),
            uncertain: 0,
            may_lie_at: None,
            journal,
        }
    }

    fn in_app(&self) -> Result<Change, RecordsError> {
        let Self { occasion, contact, text, cause, meta, .. } = *self;
        let notification = Notification {
            id: notification_id(&cause.event, occasion.template(), Channel::InApp, contact.user_id),
            user_id: contact.user_id,
            kind: occasion.kind(),
            about: occasion.about(),
            title: text.subject.clone(),
            body: text.body.clone(),
            occurred_at: cause.occurred_at,
            created_at: meta.at,
            read_at: None,
            archived_at: None,
            text_ref: Some(text.text_ref.clone()),
        };
        let content = Content::Body(wire::write(&StoredNotification::from(&notification))?);
        let sort = notification.created_at.to_string();
        let summary = Summary::from(&notification).to_text()?;
        let line = LogSummary {
            channel: Channel::InApp.word().to_owned(),
            kind: notification.kind.word().to_owned(),
            template: text.text_ref.template.clone(),
            state: IN_INBOX.to_owned(),
            at: meta.at,
        };
        Ok(Change::new(keys::notification(notification.id)?, None, content, meta.clone())
            .with_event(notification_event(NOTIFICATION_CREATED, &notification)?)
            .with_index(IndexStep::Put {
                index: keys::inbox(contact.user_id)?,
                sort: sort.clone(),
                summary: summary.clone(),
            })
            .with_index(IndexStep::Put { index: keys::unread(contact.user_id)?, sort: sort.clone(), summary })
            .with_index(IndexStep::Put { index: keys::log_of(contact.user_id)?, sort, summary: line.to_text()? }))
    }
}

/// How the log calls what lies in an inbox.
pub const IN_INBOX: &str = "in_inbox";

/// A new message, entered where it can be found again.
pub(super) fn entered(message: &Message, meta: &Meta) -> Result<Change, RecordsError> {
    let content = Content::Body(wire::write(&StoredMessage::from(message))?);
    let change = Change::new(keys::message(message.id)?, None, content, meta.clone()).with_index(IndexStep::Put {
        index: keys::messages_of(message.user_id)?,
        sort: meta.at.to_string(),
        summary: String::new(),
    });
    logged(change, message)
}

/// The change with the message's line in its person's log.
pub(super) fn logged(change: Change, message: &Message) -> Result<Change, RecordsError> {
    let Some(line) = LogSummary::of(message) else { return Ok(change) };
    let (sort, summary) = (line.at.to_string(), line.to_text()?);
    Ok(change.with_index(IndexStep::Put { index: keys::log_of(message.user_id)?, sort, summary }))
}
