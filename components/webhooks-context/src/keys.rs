//! The names of this context's records, indexes and timers. No personal data in any of them.

use ambient::Timestamp;
use ids::UserId;
use privacy::Drawer;
use records::{IndexName, InvalidName, RecordKey, RecordsError};
use webhooks_wire::{EndpointId, MessageId};

/// First words of indexes that are named after a person and whose entries lie with the endpoints of others: divided data
/// look for them everywhere.
pub const GATHERED: &[&str] = &["about", "erased-about"];

/// The timer of a queue whose endpoint answers.
pub const SEND: &str = "send";
/// The timer of a queue whose endpoint kept somebody waiting.
pub const SEND_SLOWLY: &str = "send-slowly";
/// The timer that arms the queue of an endpoint or a message.
pub const WAKE: &str = "wake";
/// The timer that takes a message away when nobody needs it any more.
pub const EXPIRE: &str = "expire";
/// The timer that takes away what a deleted endpoint leaves.
pub const CLEAR: &str = "clear";
/// The timer that goes on with a recovery.
pub const RECOVER: &str = "recover";

/// `endpoint:whe_00…`.
pub fn endpoint(id: EndpointId) -> Result<RecordKey, RecordsError> {
    record(format!("endpoint:{id}"))
}

/// `queue:whe_00…`: what is known of an endpoint's queue.
pub fn queue(id: EndpointId) -> Result<RecordKey, RecordsError> {
    record(format!("queue:{id}"))
}

/// `message:whe_00…:msg_00…`.
pub fn message(endpoint: EndpointId, id: MessageId) -> Result<RecordKey, RecordsError> {
    record(format!("message:{endpoint}:{id}"))
}

/// `recovery:whe_00…:msg_00…`: everything failed since a moment is sent again; the name is derived from the request.
pub fn recovery(endpoint: EndpointId, id: MessageId) -> Result<RecordKey, RecordsError> {
    record(format!("recovery:{endpoint}:{id}"))
}

/// `owner:usr_00…`: a tombstone once the person was erased.
pub fn owner(user_id: UserId) -> Result<RecordKey, RecordsError> {
    record(format!("owner:{user_id}"))
}

/// What a key names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// An endpoint.
    Endpoint(EndpointId),
    /// A queue.
    Queue(EndpointId),
    /// A message.
    Message(EndpointId, MessageId),
    /// A recovery.
    Recovery(EndpointId),
}

/// Reads a key.
pub fn named(key: &RecordKey) -> Option<Named> {
    let (kind, rest) = key.as_str().split_once(':')?;
    match kind {
        "endpoint" => Some(Named::Endpoint(rest.parse().ok()?)),
        "queue" => Some(Named::Queue(rest.parse().ok()?)),
        "message" => {
            let (endpoint, id) = rest.split_once(':')?;
            Some(Named::Message(endpoint.parse().ok()?, id.parse().ok()?))
        }
        "recovery" => Some(Named::Recovery(rest.split_once(':')?.0.parse().ok()?)),
        _ => None,
    }
}

/// `endpoints-of:usr_00…`: a person's endpoints, newest first.
pub fn endpoints_of(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("endpoints-of:{user_id}"))
}

/// `listening:usr_00…`: those of them that hear of their owner's own things and are enabled.
pub fn listening(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("listening:{user_id}"))
}

/// `listening-to-all`: endpoints of administrators that hear of everything and are enabled.
pub fn listening_to_all() -> Result<IndexName, RecordsError> {
    index("listening-to-all".to_owned())
}

/// `due:whe_00…`: messages on their way, the first one due first.
pub fn due(id: EndpointId) -> Result<IndexName, RecordsError> {
    index(format!("due:{id}"))
}

/// `line:whe_00…`: the same, in the order of their events.
pub fn line(id: EndpointId) -> Result<IndexName, RecordsError> {
    index(format!("line:{id}"))
}

/// `failed:whe_00…`: messages that were given up, newest first.
pub fn failed(id: EndpointId) -> Result<IndexName, RecordsError> {
    index(format!("failed:{id}"))
}

/// `messages-of:whe_00…`: all messages, newest first.
pub fn messages_of(id: EndpointId) -> Result<IndexName, RecordsError> {
    index(format!("messages-of:{id}"))
}

/// `attempts-of:whe_00…`: tries of the last days, newest first.
pub fn attempts_of(id: EndpointId) -> Result<IndexName, RecordsError> {
    index(format!("attempts-of:{id}"))
}

/// `about:usr_00…`: messages about a person's things, to whomever they go.
pub fn about(user_id: UserId) -> Result<IndexName, RecordsError> {
    index(format!("about:{user_id}"))
}

/// A person's endpoints, to be emptied.
pub fn endpoint_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: endpoints_of(user_id)?, emptied: index(format!("erased-endpoints-of:{user_id}"))? })
}

/// Messages about a person, to be emptied.
pub fn message_drawer(user_id: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: about(user_id)?, emptied: index(format!("erased-about:{user_id}"))? })
}

/// The messages of an endpoint that was deleted, to be emptied.
pub fn left_behind_drawer(id: EndpointId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: messages_of(id)?, emptied: index(format!("cleared-of:{id}"))? })
}

/// A moment as a place of an index whose first entry is the earliest: lists begin with the greatest.
///
/// **Shape** thirteen digits that count down.
pub fn earliest_first(at: Timestamp) -> String {
    format!("{:013}", LAST_MS.saturating_sub(at.unix_ms().clamp(0, LAST_MS)))
}

/// The last moment that thirteen digits can tell.
const LAST_MS: i64 = 9_999_999_999_999;

fn record(name: String) -> Result<RecordKey, RecordsError> {
    RecordKey::new(name).map_err(invalid)
}

fn index(name: String) -> Result<IndexName, RecordsError> {
    IndexName::new(name).map_err(invalid)
}

fn invalid(name: InvalidName) -> RecordsError {
    RecordsError::Invalid(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_read_back() {
        let (whe, msg) = (EndpointId::derived(0, &[b"e"]), MessageId::derived(0, &[b"m"]));
        assert_eq!(named(&endpoint(whe).unwrap()), Some(Named::Endpoint(whe)));
        assert_eq!(named(&queue(whe).unwrap()), Some(Named::Queue(whe)));
        assert_eq!(named(&message(whe, msg).unwrap()), Some(Named::Message(whe, msg)));
        assert_eq!(named(&recovery(whe, msg).unwrap()), Some(Named::Recovery(whe)));
        assert_eq!(named(&owner(UserId::derived(0, &[b"u"])).unwrap()), None);
    }

    proptest! {
        #[test]
        fn earlier_is_greater(a in 0..9_999_999_999_999i64, b in 0..9_999_999_999_999i64) {
            let [x, y] = [a, b].map(|ms| earliest_first(Timestamp::from_unix_ms(ms)));
            prop_assert_eq!(a.cmp(&b), y.cmp(&x));
        }
    }
}
