//! What webhooks know of a person, for them to take along: their endpoints, without secrets, and what was sent about them.

use super::store::{endpoints_in, load_endpoint};
use crate::Webhooks;
use crate::keys;
use crate::wire::{EndpointAnswer, MessageSummary};
use ambient::Timestamp;
use ids::UserId;
use privacy::Pages;
use records::{Cursor, MAX_PAGE, RecordsError};
use serde_json::json;

/// All of it, as far as an export takes it.
///
/// # Errors
/// The store's.
pub async fn export(webhooks: &Webhooks, user_id: UserId, now: Timestamp) -> Result<Pages, RecordsError> {
    let mut pages = Pages::default();
    for id in endpoints_in(&*webhooks.records, &keys::endpoints_of(user_id)?).await? {
        if let Some((_, endpoint)) = load_endpoint(webhooks, id).await? {
            let item = serde_json::to_value(EndpointAnswer::of(&endpoint, now))
                .map_err(|error| RecordsError::Invalid(error.to_string()))?;
            if !pages.add("webhook_endpoints", item) {
                return Ok(pages);
            }
        }
    }
    let mut after: Option<Cursor> = None;
    loop {
        let page = webhooks.records.list(&keys::about(user_id)?, after.as_ref(), MAX_PAGE).await?;
        for entry in &page.entries {
            let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
            let Some(keys::Named::Message(_, id)) = keys::named(&entry.key) else { return Err(corrupt()) };
            let seen: MessageSummary = serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
            let item = json!({
                "id": id.to_string(),
                "type": seen.kind,
                "state": seen.state,
                "attempts": seen.attempts,
                "created_at": seen.created_at,
            });
            if !pages.add("webhook_messages", item) {
                return Ok(pages);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(pages);
        }
    }
}
