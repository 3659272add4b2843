//! What callers get. Members are snake_case, moments RFC 3339 in UTC with milliseconds.

use super::stored::{AttemptSummary, MessageSummary};
use crate::domain::{Attempt, Audience, Cause, Ending, Endpoint, EndpointStatus, Message, MessageState};
use ambient::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use webhooks_wire::{DisabledReason, EndpointId, MessageId};

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointAnswer {
    /// Which one.
    pub id: EndpointId,
    /// Where requests go.
    pub url: String,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The types of events that it hears of; empty: all that it may.
    pub events: Vec<String>,
    /// The most requests a second; absent where it takes all there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<u32>,
    /// Whether messages go one after the other, in the order of their events.
    pub ordered: bool,
    /// Whether it hears of everybody's things.
    pub all_accounts: bool,
    /// Whether it is sent to.
    pub enabled: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// Until when the secret of before the rotation signs too; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl EndpointAnswer {
    /// What is shown of an endpoint at a moment.
    pub fn of(endpoint: &Endpoint, now: Timestamp) -> Self {
        let (disabled_reason, disabled_at) = match endpoint.status {
            EndpointStatus::Enabled => (None, None),
            EndpointStatus::Disabled { reason, at } => (Some(reason), Some(at)),
        };
        Self {
            id: endpoint.id,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            events: endpoint.filter.types().to_vec(),
            rate_per_s: endpoint.rate_per_s,
            ordered: endpoint.ordered,
            all_accounts: endpoint.audience == Audience::All,
            enabled: endpoint.is_enabled(),
            disabled_reason,
            disabled_at,
            previous_secret_until: endpoint
                .secrets
                .previous
                .as_ref()
                .map(|(_, until)| *until)
                .filter(|until| now < *until),
            created_at: endpoint.created_at,
        }
    }
}

/// One endpoint with its secret: when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewEndpointAnswer {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: EndpointAnswer,
    /// What proves that a request is ours. **Shape** `whsec_` and base64.
    pub secret: String,
}

/// The secret of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecretAnswer {
    /// The present one. **Shape** `whsec_` and base64.
    pub secret: String,
    /// Until when the one before signs too; absent where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<Timestamp>,
}

/// A page of endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointsPage {
    /// Newest first.
    pub items: Vec<EndpointAnswer>,
    /// Names the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of a list of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageLine {
    /// Which one: the `webhook-id`.
    pub id: MessageId,
    /// The type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// `pending`, `sending`, `delivered`, `failed`.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

impl MessageLine {
    /// What a list shows.
    pub fn of(id: MessageId, summary: MessageSummary) -> Self {
        let MessageSummary { kind, state, attempts, created_at, next_attempt_at } = summary;
        Self { id, kind, state, attempts, created_at, next_attempt_at }
    }
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessagesPage {
    /// Newest first.
    pub items: Vec<MessageLine>,
    /// Names the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One line of a list of tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptLine {
    /// Of which message.
    pub message_id: MessageId,
    /// Which try of it, from 1.
    pub number: u32,
    /// When it began.
    pub begun_at: Timestamp,
    /// `open`, `delivered`, `refused`, `not_sent`, `lost`, `refused_url`.
    pub outcome: String,
    /// The status of the answer; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

impl AttemptLine {
    /// What a list shows.
    pub fn of(message_id: MessageId, summary: AttemptSummary) -> Self {
        let AttemptSummary { number, begun_at, outcome, status, took_ms } = summary;
        Self { message_id, number, begun_at, outcome, status, took_ms }
    }
}

/// A page of tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptsPage {
    /// Newest first.
    pub items: Vec<AttemptLine>,
    /// Names the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// One try, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptAnswer {
    /// Which one, from 1.
    pub number: u32,
    /// When it began; `webhook-timestamp` is this in whole seconds.
    pub begun_at: Timestamp,
    /// How it ended: `open`, `delivered`, `refused`, `not_sent`, `lost`, `refused_url`.
    pub outcome: String,
    /// How long it took; absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// Where it went.
    pub url: String,
    /// The status of the answer; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The content type of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_content_type: Option<String>,
    /// The first kilobyte of the answer's body, without what looks like a secret or a signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_body: Option<String>,
    /// What the answer asked for by `Retry-After`. **Units** seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<&Attempt> for AttemptAnswer {
    fn from(attempt: &Attempt) -> Self {
        let summary = AttemptSummary::from(attempt);
        let mut answer = Self {
            number: attempt.number,
            begun_at: attempt.begun_at,
            outcome: summary.outcome,
            took_ms: summary.took_ms,
            url: attempt.url.clone(),
            status: summary.status,
            answer_content_type: None,
            answer_body: None,
            retry_after_s: None,
            detail: None,
        };
        match &attempt.ending {
            Ending::Open => {}
            Ending::Answered { content_type, body, retry_after, .. } => {
                answer.answer_content_type.clone_from(content_type);
                answer.answer_body = Some(body.clone());
                answer.retry_after_s = retry_after.map(|wait| wait.as_secs());
            }
            Ending::Failed { detail, .. } => answer.detail = Some(detail.clone()),
        }
        answer
    }
}

/// One message, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageAnswer {
    /// Which one: the `webhook-id`.
    pub id: MessageId,
    /// To which endpoint.
    pub endpoint_id: EndpointId,
    /// The type of the event.
    #[serde(rename = "type")]
    pub kind: String,
    /// The event behind it; absent where its owner tried the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// `pending`, `sending`, `delivered`, `failed`.
    pub state: String,
    /// When it was delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When it is tried next; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is kept.
    pub expires_at: Timestamp,
    /// What is sent.
    pub payload: Value,
    /// The last tries, oldest first.
    pub attempts: Vec<AttemptAnswer>,
}

impl From<&Message> for MessageAnswer {
    fn from(message: &Message) -> Self {
        let ended_at = match message.state {
            MessageState::Delivered { at } | MessageState::Failed { at } => Some(at),
            MessageState::Pending | MessageState::Sending => None,
        };
        Self {
            id: message.id,
            endpoint_id: message.endpoint,
            kind: message.subject.kind.clone(),
            event_id: match &message.cause {
                Cause::Event(id) => Some(id.to_string()),
                Cause::Test => None,
            },
            state: message.state.word().to_owned(),
            ended_at,
            next_attempt_at: message.due,
            created_at: message.created_at,
            expires_at: message.expires_at(),
            payload: serde_json::from_str(&message.body).unwrap_or(Value::Null),
            attempts: message.log.iter().map(AttemptAnswer::from).collect(),
        }
    }
}

/// A recovery that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecoveryAnswer {
    /// Of which endpoint.
    pub endpoint_id: EndpointId,
    /// From which moment on.
    pub since: Timestamp,
    /// What was given up until then is sent again.
    pub until: Timestamp,
}
