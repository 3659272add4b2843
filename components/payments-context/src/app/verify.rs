//! `GET /v1/ledger/verify`: whether the journal is what was posted, a bounded piece a call.

use super::QueryError;
use crate::Payments;
use crate::wire::{VerifyAnswer, VerifyQuery};
use records::{Checkpoint, RecordsError};

/// How many pages one call checks: about two thousand rows, a fraction of a second.
const PAGES: u32 = 16;
const WHY: &str = "a cursor is the `next_cursor` of the check before, unchanged";

/// Checks the journal, from the beginning or from where a check before has ended.
///
/// # Errors
/// [`QueryError::Invalid`] for a cursor that is none; [`QueryError::Store`].
pub async fn verify(payments: &Payments, query: VerifyQuery) -> Result<VerifyAnswer, QueryError> {
    let invalid = || QueryError::Invalid { field: "cursor", why: WHY };
    let from: Option<Checkpoint> = query.cursor.map(|text| text.parse()).transpose().map_err(|_| invalid())?;
    let verified = payments.journal.verify(from.as_ref(), PAGES).await.map_err(|error| match error {
        RecordsError::Invalid(_) => invalid(),
        other => other.into(),
    })?;
    Ok(VerifyAnswer::from(verified))
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;

    #[tokio::test]
    async fn a_journal_that_is_whole_is_intact() {
        let house = House::new();
        let path = house.created("k1", "tok_visa", "automatic").await;
        house.confirm(&path, "c1").await;
        let house = house.as_operator();
        let rows = house.records.ledger().len();
        let seen = house.get("/v1/ledger/verify").await;
        assert_eq!(seen.text, format!(r#"{{"status":"intact","pages":0,"rows":{rows}}}"#));
    }

    #[tokio::test]
    async fn refuses_cursors_that_are_none_and_strangers() {
        let house = House::new().as_operator();
        let beyond = format!("7.900.{}", "ab".repeat(32));
        for cursor in ["x", "1.2.3", &beyond] {
            let seen = house.get(&format!("/v1/ledger/verify?cursor={cursor}")).await;
            assert_eq!((seen.status, seen.json()["field"].as_str()), (422, Some("cursor")), "{cursor}");
        }
        assert_eq!(House::new().get("/v1/ledger/verify").await.status, 403);
    }
}
