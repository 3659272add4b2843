//! What each event of this context is, for those who hear it.

use crate::*;
use event_catalogue::EventType;

/// Every event of the notifications context, each with an example.
pub fn catalogue() -> Vec<EventType> {
    let unread = NotificationSnapshot {
        id: NotificationId::derived(0, &[b"example"]),
        user_id: UserId::derived(0, &[b"example"]),
        kind: "payment_receipt".to_owned(),
        read: false,
        created_at: Timestamp::from_unix_ms(1_767_225_600_000),
    };
    let read = NotificationSnapshot { read: true, ..unread.clone() };
    vec![
        EventType::new(NOTIFICATION_CREATED, "A notification lies in an inbox, unread.", unread.id, &unread),
        EventType::new(NOTIFICATION_READ, "Its owner has read it.", read.id, &read),
        EventType::new(NOTIFICATION_ARCHIVED, "Its owner has put it away.", read.id, &read),
        EventType::new(NOTIFICATION_RESTORED, "Its owner has taken it out again.", read.id, &read),
    ]
}
