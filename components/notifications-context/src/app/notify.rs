//! One occasion becomes a notification in the inbox and a message on its way, each at most once.

use crate::app::mark_read::notification_event;
use crate::app::step::step;
use crate::domain::{Channel, Contact, Message, MessageState, Notification, Occasion, notification_id};
use crate::keys;
use crate::templates::{Rendered, TemplateError, render};
use crate::wire::{self, StoredMessage, StoredNotification, Summary};
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

/// Tells one person about one occasion by all its channels. Two round trips, side by side.
///
/// # Errors
/// [`NotifyError`]; what was created before an error stays, and the next delivery of the event finds it.
pub async fn notify(
    records: &dyn Records,
    occasion: &Occasion,
    contact: &Contact,
    cause: &Cause,
    meta: &Meta,
) -> Result<(), NotifyError> {
    let text = render(occasion, contact, cause.occurred_at)?;
    let changes = occasion
        .channels()
        .iter()
        .map(|channel| match channel {
            Channel::InApp => in_app(occasion, contact, &text, cause, meta),
            Channel::Email => email(occasion, contact, &text, cause, meta),
        })
        .collect::<Result<Vec<_>, _>>()?;
    try_join_all(changes.into_iter().map(|change| create(records, change))).await?;
    Ok(())
}

/// A conflict says that an earlier delivery of the event has created it: the same either way.
async fn create(records: &dyn Records, change: Change) -> Result<(), RecordsError> {
    step(records.commit(change).await?).map(|_| ())
}

fn in_app(
    occasion: &Occasion,
    contact: &Contact,
    text: &Rendered,
    cause: &Cause,
    meta: &Meta,
) -> Result<Change, RecordsError> {
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
    };
    let content = Content::Body(wire::write(&StoredNotification::from(&notification))?);
    let sort = notification.created_at.to_string();
    Ok(Change::new(keys::notification(notification.id)?, None, content, meta.clone())
        .with_event(notification_event(NOTIFICATION_CREATED, &notification)?)
        .with_index(IndexStep::Put {
            index: keys::inbox(contact.user_id)?,
            sort: sort.clone(),
            summary: Summary::from(&notification).to_text()?,
        })
        .with_index(IndexStep::Put { index: keys::unread(contact.user_id)?, sort, summary: String::new() }))
}

fn email(
    occasion: &Occasion,
    contact: &Contact,
    text: &Rendered,
    cause: &Cause,
    meta: &Meta,
) -> Result<Change, RecordsError> {
    let message = Message {
        id: notification_id(&cause.event, occasion.template(), Channel::Email, contact.user_id),
        user_id: contact.user_id,
        to: contact.email.clone(),
        subject: text.subject.clone(),
        text: text.body.clone(),
        trace: meta.trace.clone(),
        state: MessageState::Queued,
        attempts: 0,
    };
    let content = Content::Body(wire::write(&StoredMessage::from(&message))?);
    Ok(Change::new(keys::message(message.id)?, None, content, meta.clone())
        .with_timer(TimerStep::Set { name: keys::DELIVER, due: meta.at })
        .with_index(IndexStep::Put {
            index: keys::messages_of(contact.user_id)?,
            sort: meta.at.to_string(),
            summary: String::new(),
        }))
}
