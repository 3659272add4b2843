//! What the pulse does for the journal besides sealing: a check of all of it, a bounded piece a pulse, again and again.
//!
//! Where it stands is a record, so that it goes on after a restart. Two workers at once do the same piece; whoever commits
//! first counts.

use super::operator::change;
use super::{QueryError, StoreError};
use crate::Payments;
use crate::wire::{StoredError, StoredWatch, VerificationAnswer};
use core::time::Duration;
use records::{Checkpoint, Finding, RecordKey, RecordsError, Version};

/// How many pages one pulse checks: about a thousand rows.
const PAGES: u32 = 8;
/// How long after the end of a check the next one begins.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// The record.
const NAME: &str = "watch:journal";
/// Who does it.
const ACTOR: &str = "payments-worker";

/// Checks the next piece where one is due, and tells what is known by now.
///
/// # Errors
/// [`StoreError`] where the store does not answer; that the journal does not hold is no error but an answer.
pub async fn watch_journal(payments: &Payments, trace: &str) -> Result<VerificationAnswer, StoreError> {
    let now = payments.now();
    let (version, stored) = load(payments).await?;
    let rests = stored.cursor.is_none() && stored.ended_at.is_some_and(|ended| now.since(ended) < EVERY);
    if rests {
        return Ok(VerificationAnswer::from(&stored));
    }
    let from: Option<Checkpoint> = stored.cursor.as_deref().and_then(|text| text.parse().ok());
    let mut next = stored.clone();
    match payments.journal.verify(from.as_ref(), PAGES).await {
        Ok(verified) => {
            next.checked_rows = verified.rows;
            next.cursor = None;
            match verified.finding {
                Finding::Unfinished(checkpoint) => next.cursor = Some(checkpoint.to_string()),
                Finding::Intact => {
                    (next.ended_at, next.verified_at, next.verified_rows) = (Some(now), Some(now), verified.rows);
                    next.broken = None;
                }
                Finding::Broken(found) => (next.ended_at, next.broken) = (Some(now), Some(found.to_string())),
            }
        }
        // The chain is shorter than it was: from the beginning.
        Err(RecordsError::Invalid(_)) if from.is_some() => next.cursor = None,
        Err(error) => return Err(error.into()),
    }
    let mut change = change(NAME.to_owned(), version, &next, payments.meta(trace.to_owned(), ACTOR.to_owned()))?;
    change.keep_previous = false;
    // Whoever was faster has checked the same piece.
    payments.records.commit(change).await?;
    Ok(VerificationAnswer::from(&next))
}

/// What the checks of the pulse have found so far.
///
/// # Errors
/// [`QueryError::Store`].
pub async fn verification(payments: &Payments) -> Result<VerificationAnswer, QueryError> {
    Ok(VerificationAnswer::from(&load(payments).await?.1))
}

async fn load(payments: &Payments) -> Result<(Option<Version>, StoredWatch), StoreError> {
    let key = RecordKey::new(NAME).map_err(|error| StoreError::Unwritable(error.to_string()))?;
    let Some(record) = payments.records.load(&key).await? else { return Ok((None, StoredWatch::default())) };
    let stored = match &record.content {
        Some(content) => serde_json::from_slice(content).map_err(StoredError::Shape)?,
        None => StoredWatch::default(),
    };
    Ok((Some(record.version), stored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::House;
    use async_trait::async_trait;
    use records::{AccountKey, Break, Journal, LedgerRow, Sealed, Verified};
    use std::sync::{Arc, Mutex};

    /// A journal whose checks end as told, in order; where each began.
    #[derive(Default)]
    struct Told {
        findings: Mutex<Vec<Finding>>,
        asked: Mutex<Vec<Option<u64>>>,
    }

    #[async_trait]
    impl Journal for Told {
        async fn length(&self) -> Result<u64, RecordsError> {
            Ok(0)
        }
        async fn rows(&self, _: u64, _: u32) -> Result<Vec<LedgerRow>, RecordsError> {
            Ok(Vec::new())
        }
        async fn accounts(&self, _: Option<&AccountKey>, _: u32) -> Result<Vec<AccountKey>, RecordsError> {
            Ok(Vec::new())
        }
        async fn account_rows(&self, _: &AccountKey, _: Option<u64>, _: u32) -> Result<Vec<LedgerRow>, RecordsError> {
            Ok(Vec::new())
        }
        async fn account_row_at(
            &self,
            _: &AccountKey,
            _: ambient::Timestamp,
        ) -> Result<Option<LedgerRow>, RecordsError> {
            Ok(None)
        }
        async fn seal(&self) -> Result<Sealed, RecordsError> {
            Ok(Sealed::default())
        }
        async fn verify(&self, from: Option<&Checkpoint>, pages: u32) -> Result<Verified, RecordsError> {
            assert_eq!(pages, PAGES);
            self.asked.lock().unwrap().push(from.map(|from| from.rows));
            let finding = self.findings.lock().unwrap().remove(0);
            Ok(Verified { pages: 1, rows: 128, finding })
        }
    }

    fn unfinished(rows: u64) -> Finding {
        Finding::Unfinished(Checkpoint { pages: rows / 128, rows, digest: [7; 32] })
    }

    #[tokio::test]
    async fn a_check_goes_on_where_it_stopped_rests_and_begins_again() {
        let mut house = House::new();
        let findings = vec![unfinished(128), unfinished(256), Finding::Intact, Finding::Intact];
        let told = Arc::new(Told { findings: Mutex::new(findings), asked: Mutex::default() });
        house.payments.journal = told.clone();
        let trace = "0".repeat(32);
        for running in [true, true, false] {
            let seen = watch_journal(&house.payments, &trace).await.unwrap();
            assert_eq!((seen.running, seen.broken.clone()), (running, None), "{seen:?}");
        }
        // Another worker, a restart: nothing is due.
        watch_journal(&house.payments, &trace).await.unwrap();
        assert_eq!(*told.asked.lock().unwrap(), [None, Some(128), Some(256)]);
        house.later(601);
        let seen = watch_journal(&house.payments, &trace).await.unwrap();
        assert_eq!(seen.verified_at.map(|at| at.to_string()).as_deref(), Some("2026-01-01T00:10:01.000Z"));
        assert_eq!(told.asked.lock().unwrap().last(), Some(&None), "from the beginning");
    }

    #[tokio::test]
    async fn what_does_not_hold_is_told_until_it_holds_again() {
        let mut house = House::new();
        let broken = || Finding::Broken(Break::PageAltered { page: 3 });
        let told = Arc::new(Told {
            findings: Mutex::new(vec![Finding::Intact, broken(), Finding::Intact]),
            asked: Mutex::default(),
        });
        house.payments.journal = told;
        let trace = "0".repeat(32);
        watch_journal(&house.payments, &trace).await.unwrap();
        house.later(601);
        let seen = watch_journal(&house.payments, &trace).await.unwrap();
        assert_eq!(seen.broken.as_deref(), Some("page 3 of the chain was altered"));
        assert_eq!(
            seen.verified_at.map(|at| at.to_string()).as_deref(),
            Some("2026-01-01T00:00:00.000Z"),
            "it once held"
        );
        let shown = house.as_operator().get("/v1/ledger/verification").await.json();
        assert_eq!(shown["broken"], "page 3 of the chain was altered");
        house.later(601);
        assert_eq!(watch_journal(&house.payments, &trace).await.unwrap().broken, None);
        assert_eq!(house.get("/v1/ledger/verification").await.status, 403);
    }

    #[tokio::test]
    async fn the_journal_as_it_is_holds() {
        let house = House::new();
        house.authorized("k1").await;
        let seen = watch_journal(&house.payments, &"0".repeat(32)).await.unwrap();
        assert_eq!((seen.running, seen.broken, seen.verified_rows), (false, None, 1));
    }
}
