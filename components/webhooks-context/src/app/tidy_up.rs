//! What nobody needs any more goes: messages after thirty days, and what a deleted endpoint leaves.

use super::step::step;
use super::store::without_places;
use crate::Webhooks;
use crate::keys;
use privacy::{Left, sweep};
use records::{Change, Content, DueTimer, Meta, RecordsError, TimerStep};
use webhooks_wire::EndpointId;

/// Takes a message away whose time is over.
///
/// # Errors
/// The store's; the timer comes back.
pub async fn expire(webhooks: &Webhooks, timer: &DueTimer, meta: &Meta) -> Result<(), RecordsError> {
    let record = webhooks.records.load(&timer.key).await?.filter(|record| record.content.is_some());
    let Some(record) = record else { return webhooks.records.finish_timer(timer).await };
    let change = Change::new(timer.key.clone(), Some(record.version), Content::Tombstone, meta.clone());
    // A conflict: it changed in between, and the timer comes back.
    step(webhooks.records.commit(without_places(&record, change, None)?).await?).map(|_| ())
}

/// Takes away what a deleted endpoint leaves: its messages and its queue. The timer comes back until all of it is gone.
///
/// # Errors
/// The store's; the timer comes back.
pub async fn clear(webhooks: &Webhooks, timer: &DueTimer, id: EndpointId, meta: &Meta) -> Result<(), RecordsError> {
    let records = &*webhooks.records;
    let drawer = keys::left_behind_drawer(id)?;
    let left =
        sweep(records, &drawer, meta, &|_, record, change| without_places(record, change, Some(&drawer.full))).await?;
    if left == Left::More {
        return Ok(());
    }
    let queue = keys::queue(id)?;
    if let Some(record) = records.load(&queue).await?.filter(|record| record.content.is_some()) {
        let change = Change::new(queue, Some(record.version), Content::Tombstone, meta.clone())
            .with_timer(TimerStep::Clear { name: keys::SEND })
            .with_timer(TimerStep::Clear { name: keys::SEND_SLOWLY });
        step(records.commit(change).await?)?;
    }
    records.finish_timer(timer).await
}
