//! Which events leave the house, and who may hear of them.
//!
//! The document of the route (`catalogue.json`: descriptions, schemas, examples) is embedded as it stands; tests hold it
//! against this table and against the types of the other contexts.

use crate::domain::Audience;
use ids::UserId;
use payments_wire as payments;
use serde_json::Value;
use users_wire as users;
use webhooks_wire as webhooks;

/// The document of `GET /v1/webhooks/event-types`.
pub const DOCUMENT: &str = include_str!("catalogue.json");

/// The type of what is sent to try an endpoint.
pub const TEST: &str = "webhooks.endpoint.test.v1";

/// Where an event says whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// `data.id` is the account.
    Account,
    /// `data.user_id` is.
    Owner,
    /// It is the house's: for administrators alone.
    House,
}

/// Every type that endpoints can hear of. What is not here stays inside: codes, exports, erasures.
const TYPES: &[(&str, About)] = &[
    (payments::PAYMENT_CREATED, About::Owner),
    (payments::PAYMENT_PROCESSING, About::Owner),
    (payments::PAYMENT_REQUIRES_ACTION, About::Owner),
    (payments::PAYMENT_AUTHORIZED, About::Owner),
    (payments::PAYMENT_CAPTURED, About::Owner),
    (payments::PAYMENT_CANCELED, About::Owner),
    (payments::PAYMENT_EXPIRED, About::Owner),
    (payments::PAYMENT_FAILED, About::Owner),
    (payments::PAYMENT_PARTIALLY_REFUNDED, About::Owner),
    (payments::PAYMENT_REFUNDED, About::Owner),
    (payments::PAYMENT_REFUND_FAILED, About::Owner),
    (payments::PAYMENT_DISPUTED, About::Owner),
    (payments::PAYMENT_DISPUTE_WON, About::Owner),
    (payments::PAYMENT_CHARGED_BACK, About::Owner),
    (payments::PAYOUT_CREATED, About::House),
    (payments::PAYOUT_IN_TRANSIT, About::House),
    (payments::PAYOUT_PAID, About::House),
    (payments::PAYOUT_FAILED, About::House),
    (payments::PAYOUT_RETURNED, About::House),
    (payments::LEDGER_REVERSED, About::House),
    (users::USER_REGISTERED, About::Account),
    (users::USER_UPDATED, About::Account),
    (users::USER_VERIFIED, About::Account),
    (users::USER_LOCKED, About::Account),
    (users::USER_UNLOCKED, About::Account),
    (users::EMAIL_CHANGED, About::Account),
    (users::SESSION_STARTED, About::Owner),
    (users::SESSION_ENDED, About::Owner),
    (users::SESSIONS_REVOKED, About::Owner),
    (users::ROLES_CHANGED, About::Owner),
    (users::FACTOR_CHANGED, About::Owner),
    (users::PASSWORD_CHANGED, About::Owner),
    (webhooks::ENDPOINT_DISABLED, About::Owner),
    (webhooks::ENDPOINT_ENABLED, About::Owner),
];

/// Whose an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A person's.
    Person(UserId),
    /// The house's.
    House,
}

fn about(kind: &str) -> Option<About> {
    TYPES.iter().find(|(known, _)| *known == kind).map(|(_, about)| *about)
}

/// Whether endpoints of this audience can hear of a type.
pub fn is_heard(kind: &str, audience: Audience) -> bool {
    match about(kind) {
        Some(About::House) => audience == Audience::All,
        Some(About::Account | About::Owner) => true,
        None => false,
    }
}

/// An event that says of nobody whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownerless;

/// Whose an event of a type is, from its data; `None` for a type that leaves the house not at all.
///
/// # Errors
/// [`Ownerless`]: an event of another shape than its type promises, which nobody may be told of.
pub fn whose(kind: &str, data: &Value) -> Option<Result<Whose, Ownerless>> {
    let person = |member: &str| {
        let id = data.get(member).and_then(Value::as_str).and_then(|text| text.parse().ok());
        id.map(Whose::Person).ok_or(Ownerless)
    };
    Some(match about(kind)? {
        About::House => Ok(Whose::House),
        About::Account => person("id"),
        About::Owner => person("user_id"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Serialize, de::DeserializeOwned};
    use std::collections::BTreeSet;

    fn entries() -> Vec<Value> {
        serde_json::from_str::<Value>(DOCUMENT).unwrap()["event_types"].as_array().unwrap().clone()
    }

    /// The schema that an entry refers to.
    fn schema(entry: &Value) -> jsonschema::Validator {
        let mut root: Value = serde_json::from_str(DOCUMENT).unwrap();
        root["$ref"] = entry["schema"]["$ref"].clone();
        jsonschema::validator_for(&root).unwrap()
    }

    /// Whether data read as the type of its context and write as they were.
    fn reads_back<T: Serialize + DeserializeOwned>(data: &Value) -> bool {
        let read: T = serde_json::from_value(data.clone()).unwrap();
        serde_json::to_value(read).unwrap() == *data
    }

    #[test]
    fn the_document_lists_the_types_of_the_table_and_the_test() {
        let listed: BTreeSet<String> =
            entries().iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect();
        let known: BTreeSet<String> =
            TYPES.iter().map(|(kind, _)| (*kind).to_owned()).chain([TEST.to_owned()]).collect();
        assert_eq!(listed, known);
        for entry in entries() {
            let kind = entry["type"].as_str().unwrap();
            let audience = match about(kind) {
                Some(About::House) => "all",
                Some(_) => "own",
                None => "test",
            };
            assert_eq!(entry["audience"], audience, "{kind}");
            assert_eq!(entry["example"]["type"], kind);
        }
    }

    #[test]
    fn every_example_is_what_its_context_says_and_fits_its_schema() {
        for entry in entries() {
            let (kind, data) = (entry["type"].as_str().unwrap(), &entry["example"]["data"]);
            let fits = schema(&entry);
            let errors: Vec<_> = fits.iter_errors(data).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{kind}: {errors:?}");
            let stranger = serde_json::json!({ "unheard_of": 1 });
            assert!(!fits.is_valid(&stranger), "{kind} takes anything");
            let same = match kind {
                _ if kind.starts_with("payments.payment.") => reads_back::<payments::PaymentSnapshot>(data),
                _ if kind.starts_with("payments.payout.") => reads_back::<payments::PayoutSnapshot>(data),
                payments::LEDGER_REVERSED => reads_back::<payments::ReversalSnapshot>(data),
                _ if kind.starts_with("users.user.") => reads_back::<users::UserSnapshot>(data),
                users::EMAIL_CHANGED => reads_back::<users::UserSnapshot>(data),
                users::SESSION_STARTED | users::SESSION_ENDED => reads_back::<users::SessionSnapshot>(data),
                users::SESSIONS_REVOKED => reads_back::<users::SessionsRevoked>(data),
                users::ROLES_CHANGED => reads_back::<users::RolesChanged>(data),
                users::FACTOR_CHANGED => reads_back::<users::FactorChanged>(data),
                users::PASSWORD_CHANGED => reads_back::<users::PasswordChanged>(data),
                TEST => data.get("endpoint_id").is_some(),
                _ => reads_back::<webhooks::EndpointSnapshot>(data),
            };
            assert!(same, "{kind}");
        }
    }

    #[test]
    fn an_owner_is_found_in_every_example_that_has_one() {
        let owner = "usr_0001hf9a7zj0e8vr5c2b4k6m8n9p".parse().unwrap();
        for entry in entries() {
            let (kind, data) = (entry["type"].as_str().unwrap(), &entry["example"]["data"]);
            let wanted = match entry["audience"].as_str().unwrap() {
                "own" => Some(Ok(Whose::Person(owner))),
                "all" => Some(Ok(Whose::House)),
                _ => None,
            };
            assert_eq!(whose(kind, data), wanted, "{kind}");
        }
        assert_eq!(whose(payments::PAYMENT_CAPTURED, &serde_json::json!({ "user_id": 7 })), Some(Err(Ownerless)));
        assert_eq!(whose(users::CODE_ISSUED, &serde_json::json!({})), None);
    }

    #[test]
    fn every_status_that_a_payment_can_have_fits_the_schema() {
        let entry = entries().into_iter().find(|entry| entry["type"] == payments::PAYMENT_CAPTURED).unwrap();
        let fits = schema(&entry);
        use payments::PaymentStatus::*;
        for status in [
            RequiresConfirmation,
            Processing,
            RequiresAction,
            Authorized,
            Captured,
            Canceled,
            Expired,
            Failed,
            PartiallyRefunded,
            Refunded,
            Disputed,
            ChargedBack,
        ] {
            let mut data = entry["example"]["data"].clone();
            data["status"] = serde_json::to_value(status).unwrap();
            assert!(fits.is_valid(&data), "{status:?}");
        }
    }
}
