//! `GET /v1/payments`: a payer's payments, newest first, from the index alone.

use super::{QueryError, StoreError, store};
use crate::Payments;
use crate::wire::{ListQuery, PaymentPage, PaymentSummary, StoredError};
use futures::future::try_join;
use ids::UserId;
use records::{Cursor, RecordsError};

/// The most that a page holds.
const MAX_LIMIT: u32 = 100;
/// What a page holds where nothing is said.
const DEFAULT_LIMIT: u32 = 20;

/// One page.
///
/// # Errors
/// [`QueryError::Invalid`] for a limit outside 1 to 100 or a cursor that is none; [`QueryError::Store`].
pub async fn list(payments: &Payments, user: UserId, query: ListQuery) -> Result<PaymentPage, QueryError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(QueryError::Invalid { field: "limit", why: "a page has 1 to 100 entries" });
    }
    let index = store::index_of(user)?;
    let after = query.cursor.map(Cursor);
    let both = try_join(payments.records.list(&index, after.as_ref(), limit), payments.records.count(&index)).await;
    let (page, total) = both.map_err(|error| match error {
        // Limit and index are ours and right: what is left is the cursor.
        RecordsError::Invalid(_) if after.is_some() => {
            QueryError::Invalid { field: "cursor", why: "a cursor is the `next_cursor` of the page before, unchanged" }
        }
        other => other.into(),
    })?;
    let summaries: Result<Vec<PaymentSummary>, serde_json::Error> =
        page.entries.iter().map(|entry| serde_json::from_str(&entry.summary)).collect();
    Ok(PaymentPage {
        items: summaries.map_err(|error| StoreError::Unreadable(StoredError::Shape(error)))?,
        total,
        next_cursor: page.next.map(|cursor| cursor.0),
    })
}

#[cfg(test)]
mod tests {
    use crate::app::fixture::House;
    use serde_json::Value;

    #[tokio::test]
    async fn pages_run_from_the_newest_to_the_oldest_without_gap_or_repetition() {
        let house = House::new();
        for number in 0..5 {
            house.created(&format!("k{number}"), "tok_visa", "manual").await;
            house.later(if number == 2 { 0 } else { 1 });
        }
        let (mut seen, mut path) = (Vec::new(), "/v1/payments?limit=2".to_owned());
        loop {
            let page = house.get(&path).await.json();
            assert_eq!(page["total"], 5);
            seen.extend(page["items"].as_array().unwrap().iter().map(|payment| payment["id"].to_string()));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/payments?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5);
        let newest = house.get("/v1/payments?limit=1").await.json();
        assert_eq!(newest["items"][0]["created_at"], "2026-01-01T00:00:03.000Z");
    }

    #[tokio::test]
    async fn a_list_shows_where_each_payment_stands_now() {
        let house = House::new();
        let path = house.created("k1", "tok_declined", "manual").await;
        house.confirm(&path, "k2").await;
        let page = house.get("/v1/payments").await.json();
        let failed = &page["items"][0];
        assert_eq!(
            (&failed["status"], &failed["failure_code"]),
            (&Value::from("failed"), &Value::from("card_declined"))
        );
        assert_eq!((page["total"].as_u64(), page.get("next_cursor")), (Some(1), None));
    }

    #[tokio::test]
    async fn refuses_pages_that_are_none() {
        let house = House::new();
        for (query, kind) in
            [("limit=0", 422), ("limit=101", 422), ("limit=x", 400), ("cursor=%00", 422), ("cursor=", 422)]
        {
            assert_eq!(house.get(&format!("/v1/payments?{query}")).await.status, kind, "{query}");
        }
    }
}
