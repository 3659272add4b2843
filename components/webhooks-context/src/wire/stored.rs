//! What lies in the bodies of records and in the summaries of indexes. A member may be added with a default; none may
//! change its meaning, because old bodies stay.

use crate::domain::{
    Attempt, Audience, Cause, Ending, Endpoint, EndpointStatus, Filter, Lane, Message, MessageState, Queue, SecretPair,
    Subject,
};
use crate::vault::{DoesNotOpen, Vault};
use ambient::Timestamp;
use bytes::Bytes;
use core::time::Duration;
use events::EventId;
use ids::UserId;
use privacy::Sealed;
use records::{Record, RecordsError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use webhooks_wire::{DisabledReason, EndpointId, MessageId};

/// A record's body as the shape that was stored; `None` for a tombstone.
///
/// # Errors
/// [`RecordsError::Corrupt`] when the body is of another shape.
pub fn read<S: DeserializeOwned>(record: &Record) -> Result<Option<S>, RecordsError> {
    let Some(content) = &record.content else { return Ok(None) };
    let corrupt = |_| RecordsError::Corrupt { key: record.key.to_string() };
    serde_json::from_slice(content).map(Some).map_err(corrupt)
}

/// The body of a noun.
///
/// # Errors
/// [`RecordsError::Invalid`] when it cannot be written as JSON.
pub fn write<S: Serialize>(stored: &S) -> Result<Bytes, RecordsError> {
    serde_json::to_vec(stored).map(Bytes::from).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// The bytes that are sent. **Shape** `{"type":…,"timestamp":…,"data":…}`; smaller than the event that it tells of, which
/// has at most 20 KiB.
pub fn payload(kind: &str, at: Timestamp, data: &Value) -> String {
    // `json!` orders members by name; the standard's own order reads better.
    format!(r#"{{"type":{},"timestamp":{},"data":{data}}}"#, Value::from(kind), json!(at))
}

/// The body of `endpoint:<whe>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredEndpoint {
    id: EndpointId,
    owner: UserId,
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default)]
    all: bool,
    events: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<u32>,
    #[serde(default)]
    ordered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<StoredDisabled>,
    secret: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<StoredPrevious>,
    created_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredDisabled {
    reason: DisabledReason,
    at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredPrevious {
    secret: Sealed,
    until: Timestamp,
}

impl StoredEndpoint {
    /// An endpoint with its secrets sealed.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn of(endpoint: &Endpoint, vault: &Vault) -> Result<Self, DoesNotOpen> {
        let Endpoint { id, owner, .. } = *endpoint;
        let previous = match &endpoint.secrets.previous {
            Some((secret, until)) => Some(StoredPrevious { secret: vault.seal(owner, id, secret)?, until: *until }),
            None => None,
        };
        Ok(Self {
            id,
            owner,
            url: endpoint.url.clone(),
            description: endpoint.description.clone(),
            all: endpoint.audience == Audience::All,
            events: endpoint.filter.types().to_vec(),
            rate_per_s: endpoint.rate_per_s,
            ordered: endpoint.ordered,
            disabled: match endpoint.status {
                EndpointStatus::Enabled => None,
                EndpointStatus::Disabled { reason, at } => Some(StoredDisabled { reason, at }),
            },
            secret: vault.seal(owner, id, &endpoint.secrets.current)?,
            previous,
            created_at: endpoint.created_at,
        })
    }

    /// The endpoint with its secrets open.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn open(self, vault: &Vault) -> Result<Endpoint, DoesNotOpen> {
        let previous = match self.previous {
            Some(previous) => Some((vault.open(self.id, &previous.secret)?, previous.until)),
            None => None,
        };
        Ok(Endpoint {
            id: self.id,
            owner: self.owner,
            url: self.url,
            description: self.description,
            audience: if self.all { Audience::All } else { Audience::Own },
            filter: Filter::stored(self.events),
            rate_per_s: self.rate_per_s,
            ordered: self.ordered,
            status: match self.disabled {
                None => EndpointStatus::Enabled,
                Some(StoredDisabled { reason, at }) => EndpointStatus::Disabled { reason, at },
            },
            secrets: SecretPair { current: vault.open(self.id, &self.secret)?, previous },
            created_at: self.created_at,
        })
    }
}

/// The body of `queue:<whe>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredQueue {
    endpoint: EndpointId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    armed_for: Option<Timestamp>,
    confirmed: bool,
    slow: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    paid_until_us: i64,
}

impl From<&Queue> for StoredQueue {
    fn from(queue: &Queue) -> Self {
        let Queue { endpoint, armed_for, confirmed, lane, failing_since, paid_until_us } = queue.clone();
        Self { endpoint, armed_for, confirmed, slow: lane == Lane::Slow, failing_since, paid_until_us }
    }
}

impl From<StoredQueue> for Queue {
    fn from(stored: StoredQueue) -> Self {
        let StoredQueue { endpoint, armed_for, confirmed, slow, failing_since, paid_until_us } = stored;
        let lane = if slow { Lane::Slow } else { Lane::Quick };
        Self { endpoint, armed_for, confirmed, lane, failing_since, paid_until_us }
    }
}

/// The body of `message:<whe>:<msg>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredMessage {
    id: MessageId,
    endpoint: EndpointId,
    /// Absent: a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<EventId>,
    kind: String,
    at: Timestamp,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    about: Option<UserId>,
    body: String,
    trace: String,
    created_at: Timestamp,
    state: StoredState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    tries: u32,
    made: u32,
    log: Vec<StoredAttempt>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum StoredState {
    Pending,
    Sending,
    Delivered { at: Timestamp },
    Failed { at: Timestamp },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredAttempt {
    number: u32,
    begun_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    url: String,
    ending: StoredEnding,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum StoredEnding {
    Open,
    Answered {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        body: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u64>,
    },
    NotSent {
        detail: String,
    },
    Lost {
        detail: String,
    },
    RefusedUrl {
        detail: String,
    },
}

impl From<&Ending> for StoredEnding {
    fn from(ending: &Ending) -> Self {
        match ending {
            Ending::Open => Self::Open,
            Ending::Answered { status, content_type, body, retry_after } => Self::Answered {
                status: *status,
                content_type: content_type.clone(),
                body: body.clone(),
                retry_after_s: retry_after.map(|wait| wait.as_secs()),
            },
            Ending::Failed { why: "not_sent", detail } => Self::NotSent { detail: detail.clone() },
            Ending::Failed { why: "refused_url", detail } => Self::RefusedUrl { detail: detail.clone() },
            Ending::Failed { detail, .. } => Self::Lost { detail: detail.clone() },
        }
    }
}

impl From<StoredEnding> for Ending {
    fn from(stored: StoredEnding) -> Self {
        match stored {
            StoredEnding::Open => Self::Open,
            StoredEnding::Answered { status, content_type, body, retry_after_s } => {
                Self::Answered { status, content_type, body, retry_after: retry_after_s.map(Duration::from_secs) }
            }
            StoredEnding::NotSent { detail } => Self::Failed { why: "not_sent", detail },
            StoredEnding::Lost { detail } => Self::Failed { why: "lost", detail },
            StoredEnding::RefusedUrl { detail } => Self::Failed { why: "refused_url", detail },
        }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<&Message> for StoredMessage {
    fn from(message: &Message) -> Self {
        let log = message.log.iter().map(|attempt| StoredAttempt {
            number: attempt.number,
            begun_at: attempt.begun_at,
            took_ms: attempt.took.map(whole_ms),
            url: attempt.url.clone(),
            ending: StoredEnding::from(&attempt.ending),
        });
        Self {
            id: message.id,
            endpoint: message.endpoint,
            event: match &message.cause {
                Cause::Event(id) => Some(id.clone()),
                Cause::Test => None,
            },
            kind: message.subject.kind.clone(),
            at: message.subject.at,
            number: message.subject.number,
            about: message.subject.about,
            body: message.body.clone(),
            trace: message.trace.clone(),
            created_at: message.created_at,
            state: match message.state {
                MessageState::Pending => StoredState::Pending,
                MessageState::Sending => StoredState::Sending,
                MessageState::Delivered { at } => StoredState::Delivered { at },
                MessageState::Failed { at } => StoredState::Failed { at },
            },
            due: message.due,
            tries: message.tries,
            made: message.made,
            log: log.collect(),
        }
    }
}

impl From<StoredMessage> for Message {
    fn from(stored: StoredMessage) -> Self {
        let log = stored.log.into_iter().map(|attempt| Attempt {
            number: attempt.number,
            begun_at: attempt.begun_at,
            took: attempt.took_ms.map(Duration::from_millis),
            url: attempt.url,
            ending: Ending::from(attempt.ending),
        });
        Self {
            id: stored.id,
            endpoint: stored.endpoint,
            cause: stored.event.map_or(Cause::Test, Cause::Event),
            subject: Subject { kind: stored.kind, at: stored.at, number: stored.number, about: stored.about },
            body: stored.body,
            trace: stored.trace,
            created_at: stored.created_at,
            state: match stored.state {
                StoredState::Pending => MessageState::Pending,
                StoredState::Sending => MessageState::Sending,
                StoredState::Delivered { at } => MessageState::Delivered { at },
                StoredState::Failed { at } => MessageState::Failed { at },
            },
            due: stored.due,
            tries: stored.tries,
            made: stored.made,
            log: log.collect(),
        }
    }
}

/// The body of `recovery:<whe>:<msg>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRecovery {
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// Messages made from then on.
    pub since: Timestamp,
    /// What was given up until then.
    pub until: Timestamp,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many were sent again so far.
    pub resent: u64,
    /// Whether it has come to its end.
    pub ended: bool,
}

/// What lists of messages show: the summary in `messages-of:<whe>` and `about:<usr>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSummary {
    /// The type of the event.
    pub kind: String,
    /// Where it is.
    pub state: String,
    /// Tries so far.
    pub attempts: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
}

impl From<&Message> for MessageSummary {
    fn from(message: &Message) -> Self {
        Self {
            kind: message.subject.kind.clone(),
            state: message.state.word().to_owned(),
            attempts: message.made,
            created_at: message.created_at,
            next_attempt_at: message.due,
        }
    }
}

/// What lists of tries show: the summary in `attempts-of:<whe>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptSummary {
    /// Which try of the message.
    pub number: u32,
    /// When it began.
    pub begun_at: Timestamp,
    /// How it ended, in a word.
    pub outcome: String,
    /// The status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

impl From<&Attempt> for AttemptSummary {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            begun_at: attempt.begun_at,
            outcome: attempt.ending.word().to_owned(),
            status: match attempt.ending {
                Ending::Answered { status, .. } => Some(status),
                Ending::Open | Ending::Failed { .. } => None,
            },
            took_ms: attempt.took.map(whole_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_three_members_of_the_standard_in_its_order() {
        let at = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let text = payload("payments.payment.captured.v1", at, &json!({ "id": "pay_1" }));
        assert_eq!(
            text,
            r#"{"type":"payments.payment.captured.v1","timestamp":"2026-01-01T00:00:00.000Z","data":{"id":"pay_1"}}"#
        );
    }
}
