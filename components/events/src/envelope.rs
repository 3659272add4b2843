//! The envelope: CloudEvents 1.0 in JSON, with the extensions that consumers need for order, cause and erasure.

use ambient::Timestamp;
use core::fmt;
use core::str::FromStr;
use serde_json::Value;

/// The identity of an event: `evt_`, the UUID of the body that caused it, and its place among that body's events.
///
/// **Shape** `evt_0199f3a0-7c1e-7000-8000-000000000001_0`. Two deliveries of one event carry the same id; no other
/// event ever does.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The id of the `place`th event (from 0) of the change whose body has this UUID.
    pub fn new(body: uuid::Uuid, place: usize) -> Self {
        Self(format!("evt_{body}_{place}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of the record after the change: the epoch of the data, then the number of the change.
///
/// **Shape** on the wire `"1.7"`. Ordered: a snapshot projection applies an event if its version is newer. The epoch
/// grows when an operator rebuilt the data after a loss, so that what was lost can never seem newer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventVersion {
    /// The epoch of the data, from 1.
    pub epoch: u32,
    /// The number of the change to the record, from 1.
    pub number: u64,
}

impl fmt::Display for EventVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.number)
    }
}

impl fmt::Debug for EventVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventVersion {
    type Err = InvalidEnvelope;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, number) = text.split_once('.').ok_or(InvalidEnvelope::Version)?;
        Ok(Self {
            epoch: epoch.parse().map_err(|_| InvalidEnvelope::Version)?,
            number: number.parse().map_err(|_| InvalidEnvelope::Version)?,
        })
    }
}

impl serde::Serialize for EventVersion {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for EventVersion {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEnvelope {
    /// Not JSON, or a member is missing or of the wrong form.
    #[error("an event must be a CloudEvents 1.0 document: {0}")]
    Shape(#[from] serde_json::Error),
    /// The version is not `epoch.number`.
    #[error("a version is written as epoch.number, such as 1.7")]
    Version,
    /// More than [`Envelope::MAX_BYTES`].
    #[error("an event has at most {max} bytes, this one has {found}")]
    TooLarge {
        /// The limit.
        max: usize,
        /// The size found.
        found: usize,
    },
}

/// What a use case says happened; the commit completes it to an [`Envelope`].
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The type in past tense with its major version, such as `payments.payment.captured.v1`.
    pub kind: &'static str,
    /// What it happened to, such as `pay_00…`.
    pub subject: String,
    /// The public snapshot after the change; no personal data.
    pub data: Value,
    /// Personal data of one subject (names, addresses), kept apart so that it can be sealed and shredded.
    pub personal: Option<Value>,
}

/// One event as it lies in the stream.
///
/// **Shape** a JSON object of at most [`Self::MAX_BYTES`] bytes; **Source** CloudEvents 1.0.2, JSON format.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Envelope {
    /// Always `1.0`.
    #[schema(pattern = r"^1\.0$", examples("1.0"))]
    pub specversion: String,
    /// Unique, the same in each delivery.
    #[schema(value_type = String, pattern = "^evt_[0-9a-f-]{36}_[0-9]+$", examples("evt_0199f3a0-7c1e-7000-8000-000000000001_0"))]
    pub id: EventId,
    /// The context that it comes from, such as `/payments`.
    #[schema(pattern = "^/[a-z-]+$")]
    pub source: String,
    /// The type, such as `payments.payment.captured.v1`.
    #[serde(rename = "type")]
    #[schema(pattern = r"^[a-z-]+(\.[a-z_]+)+\.v[0-9]+$")]
    pub kind: String,
    /// When the change was committed.
    pub time: Timestamp,
    /// What it happened to.
    pub subject: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// Where the schema of `data` is described, such as `/asyncapi.json#payments.payment.captured.v1`.
    pub dataschema: String,
    /// The record's version after the change: the epoch of the data, a dot, the number of the change.
    #[schema(value_type = String, pattern = r"^[0-9]+\.[0-9]+$", examples("1.7"))]
    pub version: EventVersion,
    /// The trace of the request or event that caused it: 32 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub traceid: String,
    /// The event that caused it, when it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub causationid: Option<EventId>,
    /// Who caused it: an account, or a worker's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The public snapshot after the change.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Personal data, apart: sealed with a key of the subject's own, which goes with the subject (`privacy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub personal: Option<Value>,
}

impl Envelope {
    /// The most bytes that an envelope may have.
    pub const MAX_BYTES: usize = 20 * 1024;

    /// Reads an envelope.
    ///
    /// # Errors
    /// [`InvalidEnvelope`] when it is too large or not one.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidEnvelope> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(InvalidEnvelope::TooLarge { max: Self::MAX_BYTES, found: bytes.len() });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Reads `data` as the type that the wire crate of its context declares.
    ///
    /// # Errors
    /// The decoder's, when the event is of another shape: park it.
    pub fn data_as<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_by_epoch_first() {
        let version = |text: &str| text.parse::<EventVersion>().unwrap();
        assert!(version("1.900") < version("2.1"));
        assert!(version("1.9") < version("1.10"));
        assert!("1".parse::<EventVersion>().is_err());
    }

    #[test]
    fn an_oversized_event_is_refused_before_it_is_parsed() {
        let found = Envelope::MAX_BYTES + 1;
        assert!(matches!(
            Envelope::from_json(&vec![b' '; found]),
            Err(InvalidEnvelope::TooLarge { found: f, .. }) if f == found
        ));
    }
}
