//! A person was erased: their endpoints go, and every message about their things, to whomever it was sent.
//!
//! A mark comes first, also where nothing was known: nobody makes an endpoint beside it any more. A request that had
//! looked before then is caught by the second look.

use super::step::step;
use super::store::without_places;
use crate::Webhooks;
use crate::keys;
use ids::UserId;
use privacy::{Erased, ErasurePart, Kept, Left, sweep};
use records::{Change, Content, IndexStep, Meta, RecordsError, TimerStep};

/// Why it is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is more than one delivery takes.
    #[error("there is more to erase")]
    More,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Takes away all that there is of a person; the part of the receipt.
///
/// # Errors
/// [`EraseError`]; repeating it goes on where it was.
pub async fn erase(webhooks: &Webhooks, user_id: UserId, look: u8, meta: &Meta) -> Result<ErasurePart, EraseError> {
    let records = &*webhooks.records;
    // Where it is there already, that is what was wanted.
    step(records.commit(Change::new(keys::owner(user_id)?, None, Content::Tombstone, meta.clone())).await?)?;
    let (endpoints, messages) = (keys::endpoint_drawer(user_id)?, keys::message_drawer(user_id)?);
    let (own, all) = (keys::listening(user_id)?, keys::listening_to_all()?);
    let swept = [
        sweep(records, &endpoints, meta, &|entry, _, change| {
            let out = |index: &records::IndexName| IndexStep::Remove { index: index.clone(), sort: entry.sort.clone() };
            // What waits for the endpoint goes by its own timer, as after a deletion.
            Ok(change
                .with_index(out(&own))
                .with_index(out(&all))
                .with_timer(TimerStep::Clear { name: keys::WAKE })
                .with_timer(TimerStep::Set { name: keys::CLEAR, due: meta.at }))
        })
        .await?,
        sweep(records, &messages, meta, &|_, record, change| without_places(record, change, Some(&messages.full)))
            .await?,
    ];
    if swept.contains(&Left::More) {
        return Err(EraseError::More);
    }
    let counts = records.counts(&[endpoints.emptied, messages.emptied]).await?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    let erased = |what: &str, count| Erased { what: what.to_owned(), count };
    let kept = |what: &str, why: &str| Kept { what: what.to_owned(), count: None, why: why.to_owned() };
    Ok(ErasurePart {
        look,
        at: meta.at,
        erased: vec![erased("webhook_endpoints", count(0)), erased("webhook_messages", count(1))],
        kept: vec![
            kept("delivered_webhooks", "what was delivered before is in the hands of whoever runs the endpoint"),
            kept("replaced_records", "what the records were before is deleted by the cleaner 24 hours after this"),
        ],
        waiting: Vec::new(),
    })
}
