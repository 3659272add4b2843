//! What the read models know of a person, for them to take along. Everything else is in the parts of the services that it
//! came from.

use crate::domain::Profile;
use crate::keys;
use crate::wire::{self, PaymentSummary, StoredProfile};
use ids::UserId;
use privacy::Pages;
use records::{Cursor, MAX_PAGE, Records, RecordsError};
use serde_json::json;

/// All of it, as far as an export takes it.
///
/// # Errors
/// The store's.
pub async fn export(records: &dyn Records, user_id: UserId) -> Result<Pages, RecordsError> {
    let mut pages = Pages::default();
    if let Some(record) = records.load(&keys::profile(user_id)?).await?
        && let Some(profile) = wire::read::<StoredProfile, Profile>(&record)?
    {
        let registered_at = profile.registered_at.map(|at| at.to_string());
        pages.add("profiles", json!({ "locale": profile.locale, "registered_at": registered_at }));
    }
    let mut after: Option<Cursor> = None;
    loop {
        let page = records.list(&keys::payments_of(user_id)?, after.as_ref(), MAX_PAGE).await?;
        for entry in &page.entries {
            let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
            let id = keys::payment_id(&entry.key).ok_or_else(corrupt)?;
            let seen: PaymentSummary = serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
            let item = json!({
                "id": id.to_string(),
                "status": seen.status,
                "amount": seen.amount,
                "captured": seen.captured,
                "created_at": seen.created_at,
                "changed_at": seen.changed_at,
            });
            if !pages.add("payment_views", item) {
                return Ok(pages);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{House, ada, bob, export_event, payment_event, user_event};
    use events::Verdict;
    use payments_wire::PaymentStatus;
    use users_wire::USER_REGISTERED;

    #[test]
    fn the_views_of_the_person_are_handed_in_and_of_nobody_else() {
        let house = House::new();
        house.hear(&user_event(USER_REGISTERED, ada(), 1, "en"));
        house.hear(&payment_event(ada(), 1, 1, PaymentStatus::Captured, 700, "EUR"));
        house.hear(&payment_event(bob(), 1, 1, PaymentStatus::Captured, 900, "EUR"));
        house.desk.fail_next(1);
        assert!(matches!(house.hear(&export_event()), Verdict::Retry { .. }));
        assert_eq!(house.hear(&export_event()), Verdict::Done);
        let (_, _, page) = house.desk.pages().remove(0);
        let sections: Vec<_> = page.items.iter().map(|(section, _)| section.as_str()).collect();
        assert_eq!((sections, page.page.last), (vec!["profiles", "payment_views"], true));
        assert!(!serde_json::to_string(&page).unwrap().contains("900"));
    }
}
