//! Something waits for an endpoint: somebody is to look.

use super::step::{Step, step};
use super::store::{TRIES, load_queue, queue_change};
use crate::domain::Lane;
use ambient::Timestamp;
use records::{Meta, Records, RecordsError};
use webhooks_wire::EndpointId;

/// Has an endpoint's queue looked at by then. Two round trips where somebody will look anyway, four else.
///
/// Whatever is to be found must be committed before: who looks at the same moment, finds nothing and leaves, looks once
/// more (see [`crate::domain::Queue`]).
///
/// # Errors
/// The store's.
pub async fn arm(records: &dyn Records, id: EndpointId, wanted: Timestamp, meta: &Meta) -> Result<(), RecordsError> {
    arm_queue(records, id, wanted, false, meta).await
}

/// The same for an endpoint that begins anew: what it did before counts no more.
///
/// # Errors
/// The store's.
pub async fn arm_afresh(records: &dyn Records, id: EndpointId, meta: &Meta) -> Result<(), RecordsError> {
    arm_queue(records, id, meta.at, true, meta).await
}

async fn arm_queue(
    records: &dyn Records,
    id: EndpointId,
    wanted: Timestamp,
    afresh: bool,
    meta: &Meta,
) -> Result<(), RecordsError> {
    for _ in 0..TRIES {
        let (version, mut queue) = load_queue(records, id).await?;
        if queue.is_armed_for(wanted) && !afresh {
            return Ok(());
        }
        if afresh {
            (queue.failing_since, queue.lane) = (None, Lane::Quick);
        }
        let queue = queue.armed(wanted);
        match step(records.commit(queue_change(&queue, version, Some(wanted), meta.clone())?).await?)? {
            Step::Committed(_) => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(RecordsError::Unavailable("the queue changes again and again".to_owned()))
}
