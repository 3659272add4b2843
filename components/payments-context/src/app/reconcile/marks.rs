//! What our books and earlier settlements say of many items at once.

use super::store;
use crate::Payments;
use crate::app::{StoreError, store as payment_store};
use crate::domain::ItemStanding;
use crate::wire::{ReconciliationId, StoredError, StoredItem, StoredReconciliation};
use futures::future::try_join;
use ids::PaymentId;
use records::{IndexEntry, RecordKey, RecordsError};
use std::collections::HashMap;

/// What is known of one item.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// How our books have it.
    pub(super) ours: Option<ItemStanding>,
    /// The payment behind it.
    pub(super) payment: Option<PaymentId>,
    /// The reconciliation whose settlement has shown it.
    pub(super) shown_in: Option<ReconciliationId>,
}

/// Looks items up, and remembers which other reconciliations count.
#[derive(Default)]
pub(super) struct Marks {
    counting: HashMap<RecordKey, bool>,
}

impl Marks {
    /// What is known of each of these items, in the order asked: two look-ups side by side.
    pub(super) async fn look_up(
        &mut self,
        payments: &Payments,
        head: &StoredReconciliation,
        names: &[String],
    ) -> Result<Vec<Known>, StoreError> {
        let (items, shown) = (payment_store::items_index(&head.provider)?, store::shown(&head.provider)?);
        let (ours, marks) =
            try_join(payments.records.entries_at(&items, names), payments.records.entries_at(&shown, names)).await?;
        let mut known = Vec::with_capacity(names.len());
        for (ours, marks) in ours.iter().zip(&marks) {
            let entry = ours.first();
            let mut found = Known {
                ours: entry.map(standing).transpose()?,
                payment: entry.and_then(|entry| payment_store::payment_of(&entry.key)),
                shown_in: None,
            };
            for mark in marks {
                if self.counts(payments, &mark.key).await? {
                    found.shown_in = store::id_of(&mark.key);
                    break;
                }
            }
            known.push(found);
        }
        Ok(known)
    }

    /// Whether what this reconciliation has shown counts. There are few of them, and most never change.
    async fn counts(&mut self, payments: &Payments, key: &RecordKey) -> Result<bool, StoreError> {
        if let Some(counts) = self.counting.get(key) {
            return Ok(*counts);
        }
        let counts = store::load_key(payments, key).await?.is_some_and(|held| store::counts(&held.stored));
        self.counting.insert(key.clone(), counts);
        Ok(counts)
    }
}

fn standing(entry: &IndexEntry) -> Result<ItemStanding, StoreError> {
    let stored: StoredItem = serde_json::from_str(&entry.summary).map_err(StoredError::Shape)?;
    let corrupt = || StoreError::Records(RecordsError::Corrupt { key: entry.key.to_string() });
    stored.read().ok_or_else(corrupt)
}
