//! What may become of an event that is edited: other data, and nothing else.
//!
//! The event keeps its id. Consumers commit their effect with a row of that id, so whatever was done under it before it
//! became a dead letter is not done again, with whatever data it comes back; what was not done is done with the new data.
//! A new id would let an effect happen twice without anybody noticing. Type, subject, version, cause and the sealed
//! personal part say what happened to whom, in which order and why: they are not the operator's to choose.

use events::{Envelope, EventId};
use serde_json::{Map, Value};

/// An event with other data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Its id, as before.
    pub id: EventId,
    /// The bytes of the envelope.
    pub payload: Vec<u8>,
}

/// Why an event is not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditRefused {
    /// What lies there is no event: nothing says what it was about, so nothing can be put in its place.
    #[error("what lies there is no event: {0}")]
    Unreadable(String),
    /// The data is what it was.
    #[error("the data is what it was: replay the letter as it is")]
    Unchanged,
    /// With this data the event is too large.
    #[error("an event has at most {max} bytes, with this data it has {found}", max = Envelope::MAX_BYTES)]
    TooLarge {
        /// The size found.
        found: usize,
    },
}

/// The event in these bytes with other data; all other members stay, also those that this version does not know.
///
/// # Errors
/// [`EditRefused`].
pub fn edit(payload: &[u8], data: &Map<String, Value>) -> Result<Edited, EditRefused> {
    let unreadable = |why: String| EditRefused::Unreadable(why);
    let event = Envelope::from_json(payload).map_err(|error| unreadable(error.to_string()))?;
    let mut members: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|error| unreadable(error.to_string()))?;
    let data = Value::Object(data.clone());
    if members.insert("data".to_owned(), data.clone()) == Some(data) {
        return Err(EditRefused::Unchanged);
    }
    let payload = serde_json::to_vec(&members).map_err(|error| unreadable(error.to_string()))?;
    if payload.len() > Envelope::MAX_BYTES {
        return Err(EditRefused::TooLarge { found: payload.len() });
    }
    Ok(Edited { id: event.id, payload })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_the_data_becomes_another() {
        let mut before = serde_json::to_value(event(1)).unwrap();
        before["personal"] = json!({ "sealed": "AAAA" });
        before["ofalaterversion"] = json!([1, 2]);
        let edited = edit(before.to_string().as_bytes(), &object(json!({ "amount": 7 }))).unwrap();
        assert_eq!(edited.id, event(1).id);
        let after: Value = serde_json::from_slice(&edited.payload).unwrap();
        before["data"] = json!({ "amount": 7 });
        assert_eq!(after, before);
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        let payload = serde_json::to_vec(&event(1)).unwrap();
        assert_eq!(edit(&payload, &object(json!({ "number": 1 }))), Err(EditRefused::Unchanged));
        let large = json!({ "text": "x".repeat(Envelope::MAX_BYTES) });
        assert!(matches!(edit(&payload, &object(large)), Err(EditRefused::TooLarge { .. })));
        for garbage in [b"".as_slice(), b"{}", b"\x00\xff", b"[]", &vec![b' '; 30_000]] {
            assert!(matches!(edit(garbage, &object(json!({}))), Err(EditRefused::Unreadable(_))));
        }
    }

    proptest! {
        #[test]
        fn an_edited_event_is_the_same_event(number in 0u32..1000, text in ".{0,64}") {
            let before = event(number);
            let data = object(json!({ "text": text }));
            let edited = edit(&serde_json::to_vec(&before).unwrap(), &data).unwrap();
            let after = Envelope::from_json(&edited.payload).unwrap();
            prop_assert_eq!(Envelope { data: Value::Object(data), ..before }, after);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = edit(&bytes, &Map::new());
        }
    }
}
