//! An event about somebody whose contact is not known yet: how long to wait for it.
//!
//! The users stream and the payments stream have no common order, so a receipt may be due before the account was heard
//! of. The wait is counted from the first time that the contact was missed, not from the event's own time: after a
//! pause of the worker every event is old, and none of them has had its chance.

use crate::app::step::{Step, step};
use crate::keys;
use ambient::Timestamp;
use bytes::Bytes;
use core::time::Duration;
use events::EventId;
use records::{Change, Content, Meta, Records, RecordsError};

/// How long an event waits for a contact before it goes to the dead letters.
pub const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Whether waiting still makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Come back.
    Again,
    /// It has waited long enough.
    Over,
}

/// Notes that the event waits since now, if it was not noted before, and says whether it should go on.
///
/// # Errors
/// The store's.
pub async fn await_contact(records: &dyn Records, event: &EventId, meta: &Meta) -> Result<Wait, RecordsError> {
    let key = keys::awaited(event)?;
    let since = match records.load(&key).await? {
        Some(record) => record.at,
        None => {
            let note = Content::Body(Bytes::from_static(b"{}"));
            match step(records.commit(Change::new(key, None, note, meta.clone())).await?)? {
                Step::Committed | Step::Conflict => meta.at,
            }
        }
    };
    Ok(wait(since, meta.at))
}

fn wait(since: Timestamp, now: Timestamp) -> Wait {
    if now.since(since) < PATIENCE { Wait::Again } else { Wait::Over }
}
