//! Whether a notification lies in an inbox, and read or not: one commit an event, decided by the version.

use crate::app::erase::is_erased;
use crate::app::step::{Step, step};
use crate::app::{ProjectError, TRIES};
use crate::domain::NotificationView;
use crate::keys;
use crate::wire::{self, StoredNotificationView};
use futures::future::try_join;
use records::{Change, Content, IndexStep, Meta, Records};

/// Takes in a snapshot. Four round trips; two where it is not new.
///
/// # Errors
/// [`ProjectError`].
pub async fn project_notification(
    records: &dyn Records,
    told: &NotificationView,
    meta: &Meta,
) -> Result<(), ProjectError> {
    let key = keys::notification_view(told.id)?;
    for _ in 0..TRIES {
        let (known, erased) = try_join(records.load(&key), is_erased(records, told.user_id)).await?;
        if erased {
            return Ok(());
        }
        let (version, known) = match known {
            None => (None, None),
            Some(record) => match wire::read::<StoredNotificationView, NotificationView>(&record)? {
                Some(view) => (Some(record.version), Some(view)),
                // Erased: nothing brings it back.
                None => return Ok(()),
            },
        };
        let Some(taken_in) = NotificationView::take_in(known.as_ref(), told) else { return Ok(()) };
        let content = Content::Body(wire::write(&StoredNotificationView::from(told))?);
        let sort = told.created_at.to_string();
        let mut change = Change::new(key.clone(), version, content, meta.clone());
        if taken_in.is_new {
            change = change.with_index(IndexStep::Put {
                index: keys::notifications_of(told.user_id)?,
                sort: sort.clone(),
                summary: String::new(),
            });
        }
        let unread = keys::unread_of(told.user_id)?;
        change = change.with_index(if taken_in.unread {
            IndexStep::Put { index: unread, sort, summary: String::new() }
        } else {
            IndexStep::Remove { index: unread, sort }
        });
        match step(records.commit(change).await?)? {
            Step::Committed => return Ok(()),
            Step::Conflict => {}
        }
    }
    Err(ProjectError::Contended)
}
