//! What payments hears of the other contexts: people who take their data along or away. Nothing else moves money here but
//! requests, providers and time.

use crate::Payments;
use crate::app::{EraseError, QueryError, StoreError, erase, export_person};
use async_trait::async_trait;
use core::time::Duration;
use events::{Consumer, Envelope, Verdict};
use privacy::{DeskError, PrivacyDesk, Service};
use records::{Meta, RecordsError};
use std::sync::Arc;
use users_wire::{ERASURE_REQUESTED, EXPORT_REQUESTED, ErasureTold, ExportRequested, USER_ERASED};

/// The consumer group, named as the worker's component.
pub const GROUP: &str = "payments-worker";
/// The contexts whose streams it hears.
pub const HEARS: [&str; 1] = ["users"];

/// The first wait for a store or a desk that is gone; the loop lengthens it.
const GONE: Duration = Duration::from_secs(1);
/// The first wait for the operator where Redis came back with less than was acknowledged.
const OPERATOR_NEEDED: Duration = Duration::from_secs(30);
/// The first wait for a payment that has to end; the loop lengthens it up to an hour.
const MONEY_MOVES: Duration = Duration::from_secs(60);
/// The first wait where there is more than one delivery takes.
const SOON: Duration = Duration::from_millis(250);

/// Answers requests for export and erasure.
#[derive(Clone)]
pub struct PrivacyClerk {
    /// Payments and their store.
    pub payments: Payments,
    /// Where parts are handed in.
    pub desk: Arc<dyn PrivacyDesk>,
}

/// Why an event is not done.
#[derive(Debug, thiserror::Error)]
enum ConsumeError {
    #[error("{kind} has another shape: {why}")]
    Shape { kind: String, why: String },
    #[error(transparent)]
    Erase(#[from] EraseError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The part was handed in and says so: it waits for money.
    #[error("a payment has to end first")]
    MoneyMoves,
}

#[async_trait]
impl Consumer for PrivacyClerk {
    async fn handle(&self, event: &Envelope) -> Verdict {
        let outcome = match event.kind.as_str() {
            ERASURE_REQUESTED => self.erase(event, 1).await,
            USER_ERASED => self.erase(event, 2).await,
            EXPORT_REQUESTED => self.export(event).await,
            _ => Ok(()),
        };
        match outcome {
            Ok(()) => Verdict::Done,
            Err(error) => verdict(&error),
        }
    }
}

impl PrivacyClerk {
    async fn erase(&self, event: &Envelope, look: u8) -> Result<(), ConsumeError> {
        let ErasureTold { user_id, erasure_id, .. } = told(event)?;
        let meta = Meta {
            at: self.payments.now(),
            trace: event.traceid.clone(),
            cause: Some(event.id.clone()),
            actor: Some(GROUP.to_owned()),
        };
        let part = erase(&*self.payments.records, user_id, look, &meta).await?;
        self.desk.erased(erasure_id, Service::Payments, &part).await?;
        if part.waiting.is_empty() { Ok(()) } else { Err(ConsumeError::MoneyMoves) }
    }

    async fn export(&self, event: &Envelope) -> Result<(), ConsumeError> {
        let ExportRequested { user_id, export_id } = told(event)?;
        for page in export_person(&self.payments, user_id).await?.finish() {
            if !self.desk.exported(user_id, export_id, Service::Payments, &page).await? {
                break;
            }
        }
        Ok(())
    }
}

fn told<T: serde::de::DeserializeOwned>(event: &Envelope) -> Result<T, ConsumeError> {
    event.data_as().map_err(|error| ConsumeError::Shape { kind: event.kind.clone(), why: error.to_string() })
}

/// Retry what another moment may mend, park what none will.
fn verdict(error: &ConsumeError) -> Verdict {
    let reason = error.to_string();
    let store = match error {
        ConsumeError::Shape { .. } | ConsumeError::Desk(DeskError::Refused(_)) => return Verdict::Park { reason },
        ConsumeError::MoneyMoves => return Verdict::Retry { after: MONEY_MOVES, reason },
        ConsumeError::Desk(DeskError::Unavailable(_)) => return Verdict::Retry { after: GONE, reason },
        ConsumeError::Erase(EraseError::More) => return Verdict::Retry { after: SOON, reason },
        ConsumeError::Erase(EraseError::Store(error)) | ConsumeError::Query(QueryError::Store(error)) => error,
        ConsumeError::Query(_) => return Verdict::Park { reason },
    };
    match store {
        StoreError::Records(RecordsError::Unavailable(_)) => Verdict::Retry { after: GONE, reason },
        StoreError::Records(RecordsError::RolledBack { .. } | RecordsError::Layout(_)) => {
            Verdict::Retry { after: OPERATOR_NEEDED, reason }
        }
        StoreError::Records(RecordsError::Corrupt { .. } | RecordsError::Invalid(_))
        | StoreError::Unreadable(_)
        | StoreError::Unwritable(_)
        | StoreError::Ledger(_) => Verdict::Park { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{Fault, House};
    use crate::domain::DisputeStanding;
    use crate::domain::properties::dispute_of;
    use ids::{ErasureId, ExportId, UserId};
    use privacy::{ErasurePart, RememberingDesk};

    const WISH: &str = "A book for Ada, Elm Street 7";
    const BACK: &str = "https://shop.example/back/ada-lovelace";

    fn event(kind: &str, data: serde_json::Value, number: u32) -> Envelope {
        serde_json::from_value(serde_json::json!({
            "specversion": "1.0",
            "id": format!("evt_{}_0", ids::derived_uuid(&[kind.as_bytes(), &number.to_be_bytes()])),
            "source": "/users",
            "type": kind,
            "time": "2026-01-01T00:00:00.000Z",
            "subject": "usr",
            "datacontenttype": "application/json",
            "dataschema": format!("/asyncapi.json#{kind}"),
            "version": "1.1",
            "traceid": "0af7651916cd43dd8448eb211c80319c",
            "data": data,
        }))
        .unwrap()
    }

    fn erasure(user_id: UserId, look: u8) -> Envelope {
        let requested_at = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let told = ErasureTold { user_id, erasure_id: ErasureId::derived(0, &[b"e"]), requested_at };
        let kind = if look == 1 { ERASURE_REQUESTED } else { USER_ERASED };
        event(kind, serde_json::to_value(told).unwrap(), u32::from(look))
    }

    fn clerk(house: &House) -> (PrivacyClerk, RememberingDesk) {
        let desk = RememberingDesk::default();
        (PrivacyClerk { payments: house.payments.clone(), desk: Arc::new(desk.clone()) }, desk)
    }

    async fn personal(house: &House, key: &str, method: &str) -> String {
        let body = format!(
            r#"{{"amount_minor":1000,"currency":"EUR","payment_method":"tok_visa","capture_method":"{method}",
                "description":"{WISH}","return_url":"{BACK}"}}"#
        );
        let created = house.post("/v1/payments", key, &body).await;
        assert_eq!(created.status, 201, "{}", created.text);
        created.header("location").unwrap().to_owned()
    }

    /// What is personal, wherever it lies in records and lists.
    fn traces(house: &House) -> Vec<String> {
        let words = ["Elm Street", "ada-lovelace", "tok_visa", "The blue card"];
        house.records.bodies().into_iter().filter(|body| words.iter().any(|word| body.contains(word))).collect()
    }

    fn counts(part: &ErasurePart) -> [u64; 2] {
        [part.erased[0].count, part.erased[1].count]
    }

    #[tokio::test]
    async fn what_the_payer_wrote_goes_and_the_books_stay_as_they_were() {
        let house = House::new();
        let captured = personal(&house, "k1", "automatic").await;
        house.confirm(&captured, "c1").await;
        personal(&house, "k2", "manual").await;
        house.post("/v1/payment-methods", "s1", r#"{"token":"tok_visa","label":"The blue card"}"#).await;
        let (before, rows) = (house.balances().await, house.records.ledger());
        let (clerk, desk) = clerk(&house);
        assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done);

        assert_eq!(traces(&house), Vec::<String>::new());
        let (_, _, part) = desk.parts().remove(0);
        assert_eq!((counts(&part), part.waiting.len()), ([1, 2], 0));
        assert_eq!((house.balances().await, house.records.ledger()), (before, rows));
        // What was captured can still be given back.
        let refund = house.as_operator().post(&format!("{captured}/refunds"), "r1", "").await;
        assert_eq!((refund.status, house.acquirer.given_minor()), (200, 1000), "{}", refund.text);
    }

    #[tokio::test]
    async fn no_ledger_row_ever_holds_anything_of_a_person() {
        let house = House::new();
        for number in 0..3 {
            let path = personal(&house, &format!("k{number}"), "automatic").await;
            house.confirm(&path, &format!("c{number}")).await;
            house
                .as_operator()
                .post(&format!("{path}/refunds"), &format!("r{number}"), r#"{"amount_minor":100}"#)
                .await;
        }
        let rows: Vec<_> = house.records.ledger().iter().map(ToString::to_string).collect();
        assert!(rows.len() >= 12, "{rows:?}");
        let user = house.user.to_string();
        for row in rows {
            for word in [user.as_str(), "Ada", "Elm", "tok_", "shop.example", "usr_"] {
                assert!(!row.contains(word), "{word} in {row}");
            }
        }
    }

    #[tokio::test]
    async fn money_on_its_way_delays_the_part_and_is_never_lost() {
        let house = House::new();
        let held = personal(&house, "k1", "manual").await;
        house.confirm(&held, "c1").await;
        let (clerk, desk) = clerk(&house);
        let waits = |verdict: Verdict| matches!(verdict, Verdict::Retry { after, .. } if after == MONEY_MOVES);
        assert!(waits(clerk.handle(&erasure(house.user, 1)).await));
        let (_, _, part) = desk.parts().remove(0);
        assert_eq!((part.waiting[0].what.as_str(), part.waiting[0].count), ("payments_in_flight", 1));
        assert_eq!(counts(&part), [0, 0], "nothing is claimed");
        assert!(waits(clerk.handle(&erasure(house.user, 2)).await));

        // The capture still works; then the part is done.
        assert_eq!(house.post(&format!("{held}/capture"), "x1", "").await.status, 200);
        assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done);
        assert_eq!(house.acquirer.taken_minor(), 1000);
        assert_eq!(traces(&house), Vec::<String>::new());
        assert_eq!(counts(&desk.parts().last().unwrap().2), [0, 1]);
    }

    #[tokio::test]
    async fn an_unknown_outcome_and_an_open_dispute_delay_it_too() {
        let house = House::new();
        let path = personal(&house, "k1", "automatic").await;
        house.acquirer.fail_next(Fault::AnswerLost);
        house.confirm(&path, "c1").await;
        let (clerk, desk) = clerk(&house);
        assert!(matches!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Retry { .. }));
        house.later(30);
        house.pulse().await;
        house.acquirer.dispute_all(&dispute_of(1000, DisputeStanding::Open));
        house.as_operator().post(&format!("{path}/refunds"), "r1", r#"{"amount_minor":100}"#).await;
        assert!(matches!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Retry { .. }));
        let last = desk.parts().last().unwrap().2.clone();
        assert_eq!(last.waiting.len(), 1, "{last:?}");
        house.acquirer.dispute_all(&dispute_of(1000, DisputeStanding::Lost));
        house.later(24 * 3600);
        house.pulse().await;
        assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done);
        assert_eq!(traces(&house), Vec::<String>::new());
    }

    #[tokio::test]
    async fn cut_off_at_any_commit_and_repeated_it_says_the_same_and_touches_nobody_else() {
        for cut in 0..4 {
            for after in [false, true] {
                let house = House::new();
                for number in 0..3 {
                    let path = personal(&house, &format!("k{number}"), "automatic").await;
                    house.confirm(&path, &format!("c{number}")).await;
                }
                house.post("/v1/payment-methods", "s1", r#"{"token":"tok_visa","label":"The blue card"}"#).await;
                let other = house.as_user(8);
                personal(&other, "o1", "automatic").await;
                let (clerk, desk) = clerk(&house);
                // One saved way to pay, three payments: let some commits pass by doing them with a part that is lost.
                if cut == 0 {
                    if after {
                        house.records.fail_next_commit_after()
                    } else {
                        house.records.fail_next_commit_before()
                    }
                    assert!(matches!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Retry { .. }));
                } else {
                    desk.fail_next(cut);
                    for _ in 0..cut {
                        assert!(matches!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Retry { .. }));
                    }
                }
                assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done);
                assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done, "and once more");
                assert_eq!(clerk.handle(&erasure(house.user, 2)).await, Verdict::Done);
                for (_, _, part) in desk.parts() {
                    assert_eq!(counts(&part), [1, 3], "{cut} {after}");
                }
                assert_eq!(traces(&house).len(), 1, "the other's payment");
            }
        }
    }

    #[tokio::test]
    async fn a_payment_made_with_a_token_that_was_still_out_is_found_at_the_second_look() {
        let house = House::new();
        let (clerk, desk) = clerk(&house);
        assert_eq!(clerk.handle(&erasure(house.user, 1)).await, Verdict::Done);
        personal(&house, "k1", "automatic").await;
        assert_eq!(clerk.handle(&erasure(house.user, 2)).await, Verdict::Done);
        assert_eq!(traces(&house), Vec::<String>::new());
        assert_eq!(counts(&desk.parts().last().unwrap().2), [0, 1]);
    }

    #[tokio::test]
    async fn an_export_holds_the_payments_of_the_person_and_of_nobody_else() {
        let house = House::new();
        personal(&house, "k1", "automatic").await;
        house.post("/v1/payment-methods", "s1", r#"{"token":"tok_visa","label":"The blue card"}"#).await;
        house.as_user(8).created("o1", "tok_visa", "automatic").await;
        let told = ExportRequested { user_id: house.user, export_id: ExportId::derived(0, &[b"x"]) };
        let asked = event(EXPORT_REQUESTED, serde_json::to_value(told).unwrap(), 1);
        let (clerk, desk) = clerk(&house);
        desk.fail_next(1);
        assert!(matches!(clerk.handle(&asked).await, Verdict::Retry { .. }));
        assert_eq!(clerk.handle(&asked).await, Verdict::Done);
        let (_, _, page) = desk.pages().remove(0);
        let sections: Vec<_> = page.items.iter().map(|(section, _)| section.as_str()).collect();
        assert_eq!((sections, page.page.last), (vec!["payment_methods", "payments"], true));
        assert!(serde_json::to_string(&page).unwrap().contains(WISH));
    }

    #[tokio::test]
    async fn what_is_none_of_its_business_is_done_and_what_has_another_shape_is_parked() {
        let house = House::new();
        let (clerk, _) = clerk(&house);
        assert_eq!(clerk.handle(&event("users.session.started.v1", serde_json::json!({}), 1)).await, Verdict::Done);
        let broken = event(ERASURE_REQUESTED, serde_json::json!({ "user_id": 7 }), 1);
        assert!(matches!(clerk.handle(&broken).await, Verdict::Park { .. }));
    }
}
