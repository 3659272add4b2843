//! What this service has of a person, for them to take along: the contact, what they set, the inbox and what they put
//! away, what was sent with all that befell it, addresses of theirs that take no messages.

use crate::app::settings::{Known, load_settings};
use crate::domain::{Contact, Message, Notification, Suppression};
use crate::keys;
use crate::wire::{
    self, LoggedMessage, PreferencesAnswer, StoredContact, StoredMessage, StoredNotification, StoredSuppression,
};
use ambient::Timestamp;
use futures::future::try_join_all;
use ids::UserId;
use privacy::Pages;
use records::{Cursor, IndexName, MAX_PAGE, Record, Records, RecordsError};
use serde_json::{Value, json};

/// All of it, newest first, as far as an export takes it.
///
/// # Errors
/// The store's.
pub async fn export(records: &dyn Records, user_id: UserId, now: Timestamp) -> Result<Pages, RecordsError> {
    let mut pages = Pages::default();
    if let Some(record) = records.load(&keys::contact(user_id)?).await?
        && let Some(contact) = wire::read::<StoredContact, Contact>(&record)?
    {
        pages.add("contacts", shown_contact(&contact));
    }
    if let Known::Settings(Some(_), settings) = load_settings(records, user_id).await? {
        let answer = PreferencesAnswer::of(&settings, now);
        pages.add(
            "settings",
            json!({
                "preferences": answer.preferences,
                "phone": answer.phone,
                "pending_phone": settings.phone.pending.map(|pending| pending.number.to_string()),
            }),
        );
    }
    for index in [keys::inbox(user_id)?, keys::archived(user_id)?] {
        collect(records, &index, "notifications", &mut pages, |record| {
            Ok(wire::read::<StoredNotification, Notification>(record)?.as_ref().map(shown_notification))
        })
        .await?;
    }
    collect(records, &keys::suppression_drawer(user_id)?.full, "suppressed_addresses", &mut pages, |record| {
        Ok(wire::read::<StoredSuppression, Suppression>(record)?.as_ref().map(shown_suppression))
    })
    .await?;
    collect(records, &keys::messages_of(user_id)?, "messages", &mut pages, |record| {
        Ok(wire::read::<StoredMessage, Message>(record)?.as_ref().map(shown_message))
    })
    .await?;
    Ok(pages)
}

async fn collect(
    records: &dyn Records,
    index: &IndexName,
    section: &str,
    pages: &mut Pages,
    show: impl Fn(&Record) -> Result<Option<Value>, RecordsError> + Send + Sync,
) -> Result<(), RecordsError> {
    let mut after: Option<Cursor> = None;
    loop {
        let page = records.list(index, after.as_ref(), MAX_PAGE).await?;
        let found = try_join_all(page.entries.iter().map(|entry| records.load(&entry.key))).await?;
        for record in found.iter().flatten() {
            if let Some(item) = show(record)?
                && !pages.add(section, item)
            {
                return Ok(());
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn shown_contact(contact: &Contact) -> Value {
    json!({ "email": contact.email, "display_name": contact.display_name, "locale": contact.locale })
}

fn shown_notification(notification: &Notification) -> Value {
    json!({
        "id": notification.id.to_string(),
        "kind": notification.kind.word(),
        "about": notification.about.map(|about| about.to_string()),
        "title": notification.title,
        "body": notification.body,
        "occurred_at": notification.occurred_at.to_string(),
        "created_at": notification.created_at.to_string(),
        "read_at": notification.read_at.map(|at| at.to_string()),
        "archived_at": notification.archived_at.map(|at| at.to_string()),
    })
}

fn shown_suppression(suppression: &Suppression) -> Value {
    json!({
        "channel": suppression.channel.word(),
        "address": suppression.address,
        "reason": suppression.reason.word(),
        "at": suppression.at.to_string(),
    })
}

fn shown_message(message: &Message) -> Value {
    let logged = LoggedMessage::of(message, true);
    json!({
        "id": message.id.to_string(),
        "channel": logged.channel,
        "kind": logged.kind,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "state": logged.state,
        "reason": logged.reason,
        "log": logged.log,
    })
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{House, ada, bob, captured, export_event, registered};
    use events::Verdict;

    #[test]
    fn everything_of_the_person_and_nothing_of_another_is_handed_in() {
        let house = House::new();
        for event in [registered(ada()), registered(bob()), captured(ada(), "p1")] {
            house.hear(&event);
        }
        assert_eq!(house.hear(&export_event()), Verdict::Done);
        let pages = house.desk.pages();
        let sections: Vec<_> =
            pages.iter().flat_map(|(_, _, page)| &page.items).map(|(section, _)| section.as_str()).collect();
        assert_eq!(sections, ["contacts", "notifications", "notifications", "messages", "messages"]);
        let text = serde_json::to_string(&pages[0].2).unwrap();
        assert!(text.contains("two books") && text.contains("ada@example.com"), "{text}");
        assert!(pages.last().unwrap().2.page.last);
    }

    #[test]
    fn a_page_that_was_not_taken_is_handed_in_again_and_one_that_nobody_wants_ends_it() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.desk.fail_next(1);
        assert!(matches!(house.hear(&export_event()), Verdict::Retry { .. }));
        assert_eq!(house.hear(&export_event()), Verdict::Done);
        assert_eq!(house.desk.pages().len(), 1);
        house.desk.want_no_pages();
        assert_eq!(house.hear(&export_event()), Verdict::Done);
        assert_eq!(house.desk.pages().len(), 1);
    }
}
