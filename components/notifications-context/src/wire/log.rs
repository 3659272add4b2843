//! What callers see of the log of messages, of suppressed addresses and of templates.

use super::LogSummary;
use crate::domain::{Channel, Message, MessageState, Suppression};
use ambient::Timestamp;
use ids::{NotificationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogLine {
    /// Which message.
    pub id: NotificationId,
    /// `in_app`, `email` or `sms`.
    pub channel: String,
    /// What it is about.
    pub kind: String,
    /// The template that it was made of.
    pub template: String,
    /// `in_inbox`, `queued`, `sending`, `sent`, `failed`, `unknown`, `skipped`, `held`, `digested` or `bounced`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl LogLine {
    /// The line of an entry of the log.
    pub fn of(id: NotificationId, summary: LogSummary) -> Self {
        let LogSummary { channel, kind, template, state, at: created_at } = summary;
        Self { id, channel, kind, template, state, created_at }
    }
}

/// A part of the log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogPage {
    /// The lines.
    pub items: Vec<LogLine>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Something that befell a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoggedRow {
    /// When.
    pub at: Timestamp,
    /// `created`, `turned_off`, `suppressed`, `quiet_hours`, `held_for_digest`, `in_digest`, `provider_asked`,
    /// `provider_took_it`, `provider_did_not_take_it`, `answer_lost`, `interrupted`, `provider_refused`, `given_up`,
    /// `delivered`, `bounced` or `complained`.
    pub what: String,
    /// The provider that had to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// One message with all that befell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoggedMessage {
    /// Which message.
    pub id: NotificationId,
    /// `email`, `sms`, or `in_app` where it was kept out of the inbox.
    pub channel: String,
    /// What it is about.
    pub kind: String,
    /// The template that it was made of.
    pub template: String,
    /// The version of the template.
    pub template_version: u16,
    /// The language of the text.
    pub locale: String,
    /// How it stands.
    pub state: String,
    /// Why it stands so, where there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The summary that it went into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<NotificationId>,
    /// The address; only for whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The subject line; only for whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How many rounds of asking providers were begun.
    pub rounds: u32,
    /// What befell it, oldest first.
    pub log: Vec<LoggedRow>,
    /// When it was made; absent in messages of before the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

impl LoggedMessage {
    /// What its person sees, or an operator, whom address and subject are no concern of.
    pub fn of(message: &Message, for_its_person: bool) -> Self {
        let (reason, digest) = match &message.state {
            MessageState::Failed { reason, .. }
            | MessageState::Unknown { reason, .. }
            | MessageState::Skipped { reason, .. }
            | MessageState::Bounced { reason, .. } => (Some(reason.clone()), None),
            MessageState::Digested { into, .. } => (None, Some(*into)),
            MessageState::Queued | MessageState::Sending | MessageState::Sent { .. } | MessageState::Held => {
                (None, None)
            }
        };
        let text = message.text_ref.as_ref();
        let log = message.journal.rows().iter().map(|row| LoggedRow {
            at: row.at,
            what: row.befell.word().to_owned(),
            provider: row.provider.clone(),
            why: row.why.clone(),
        });
        let has_address = for_its_person && message.channel != Channel::InApp;
        Self {
            id: message.id,
            channel: message.channel.word().to_owned(),
            kind: message.kind.word().to_owned(),
            template: text.map(|text| text.template.clone()).unwrap_or_default(),
            template_version: text.map(|text| text.version).unwrap_or_default(),
            locale: text.map(|text| text.locale.clone()).unwrap_or_default(),
            state: message.state.word().to_owned(),
            reason,
            digest,
            to: has_address.then(|| message.to.clone()),
            subject: for_its_person.then(|| message.subject.clone()),
            rounds: message.attempts,
            log: log.collect(),
            created_at: message.created_at,
        }
    }
}

/// What the list of suppressed addresses shows without reading a body.
///
/// **Shape** `{"channel":"email","reason":"bounce","provider":"postmark","hint":"a…@example.com","user_id":"usr_00…","at":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionSummary {
    channel: String,
    reason: String,
    provider: String,
    hint: String,
    user_id: UserId,
    at: Timestamp,
}

impl From<&Suppression> for SuppressionSummary {
    fn from(suppression: &Suppression) -> Self {
        Self {
            channel: suppression.channel.word().to_owned(),
            reason: suppression.reason.word().to_owned(),
            provider: suppression.provider.clone(),
            hint: suppression.hint(),
            user_id: suppression.user_id,
            at: suppression.at,
        }
    }
}

impl SuppressionSummary {
    /// The line of an entry of this name.
    pub fn named(self, id: String) -> SuppressionLine {
        let Self { channel, reason, provider, hint, user_id, at } = self;
        SuppressionLine { id, channel, reason, provider, hint, user_id, at }
    }
}

/// One address that takes no messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuppressionLine {
    /// Its name, for taking it off the list.
    #[schema(example = "email:0b6a7f30c1d2e3f4a5b6c7d8e9f00112")]
    pub id: String,
    /// Of which channel the address is.
    pub channel: String,
    /// `bounce`: nothing goes there; `complaint`: only what is critical.
    pub reason: String,
    /// Who told.
    pub provider: String,
    /// Enough of the address to know it again.
    pub hint: String,
    /// Whose address it was.
    pub user_id: UserId,
    /// When it was heard.
    pub at: Timestamp,
}

/// Addresses that take no messages, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuppressionsPage {
    /// The lines.
    pub items: Vec<SuppressionLine>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateLine {
    /// Its name.
    pub name: String,
    /// Its versions, the newest last.
    pub versions: Vec<u16>,
    /// The languages of the newest.
    pub locales: Vec<String>,
}

/// `GET /v1/notifications/templates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplatesAnswer {
    /// All of them, by name.
    pub items: Vec<TemplateLine>,
}

/// A template with sample values filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewAnswer {
    /// Its name.
    pub template: String,
    /// The version that is shown.
    pub version: u16,
    /// The language that was found for the one that was asked for.
    pub locale: String,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The letter as HTML, in its frame; absent where the version has only text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The short message.
    pub sms: String,
}
