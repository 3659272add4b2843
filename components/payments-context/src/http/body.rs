//! Bodies of this context: refused unread where they hold a card number, so that none gets into a type, a store or a
//! log line.

use super::problems::CARD_NUMBER;
use crate::domain::holds_card_number;
use axum::body::Bytes;
use problem::{Json, Problem};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a body.
///
/// # Errors
/// 400 `malformed`, 422 `card-number`, 422 `invalid`; none of them repeats what looks like a card number.
pub fn read<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let Json(document) = Json::<Value>::from_bytes(bytes)?;
    if holds_one(&document) {
        return Err(Problem::new(CARD_NUMBER)
            .detail("something in the body looks like a card number; send the acquirer's token for the card instead"));
    }
    let Json(body) = Json::<T>::from_bytes(bytes)?;
    Ok(body)
}

/// Reads a body that may be left out.
///
/// # Errors
/// As [`read`].
pub fn read_or_default<T: DeserializeOwned + Default>(bytes: &Bytes) -> Result<T, Problem> {
    if bytes.is_empty() { Ok(T::default()) } else { read(bytes) }
}

/// Whether a string, a number or a member's name anywhere in the document looks like a card number. The nesting is as
/// deep as the decoder let through.
fn holds_one(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => holds_card_number(&number.to_string()),
        Value::String(text) => holds_card_number(text),
        Value::Array(values) => values.iter().any(holds_one),
        Value::Object(members) => members.iter().any(|(name, value)| holds_card_number(name) || holds_one(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CreateRequest;

    #[test]
    fn a_card_number_anywhere_is_refused_and_never_repeated() {
        for body in [
            r#"{"payment_method":"4242 4242 4242 4242"}"#,
            r#"{"amount_minor":4242424242424242}"#,
            r#"{"description":{"deep":["my card: 4242-4242-4242-4242"]}}"#,
            r#"{"4242424242424242":1}"#,
            r#"{"payment_method":"\u0034242424242424242"}"#,
        ] {
            let problem = read::<CreateRequest>(&Bytes::from_static(body.as_bytes())).unwrap_err();
            assert_eq!(problem.kind(), CARD_NUMBER, "{body}");
            assert!(!problem.to_json().to_string().contains("4242"), "{body}");
        }
    }

    #[test]
    fn other_mistakes_keep_their_own_kind() {
        let kind =
            |body: &'static str| read::<CreateRequest>(&Bytes::from_static(body.as_bytes())).unwrap_err().kind().slug;
        assert_eq!(kind("{"), "malformed");
        assert_eq!(kind(r#"{"amount_minor":"1"}"#), "invalid");
        assert_eq!(kind(r#"{"amount_minor":1,"currency":"EUR","payment_method":"tok_visa","admin":true}"#), "invalid");
    }
}
