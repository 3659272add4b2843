//! What callers get. Members are snake_case, moments RFC 3339 in UTC with milliseconds.

use crate::domain::Notification;
use ambient::Timestamp;
use ids::{NotificationId, PaymentId};
use serde::Serialize;
use utoipa::ToSchema;

/// One notification, whole: `GET /v1/notifications/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationAnswer {
    /// Which one.
    pub id: NotificationId,
    /// What it is about: `welcome`, `payment_receipt`, `payment_failed`, `payment_refund`, `payment_dispute`, `payout`, `webhooks`,
    /// `security`; callers must bear others.
    pub kind: String,
    /// The payment that it is about; absent where it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<PaymentId>,
    /// One line.
    pub title: String,
    /// The text, plain.
    pub body: String,
    /// Whether it was read.
    pub read: bool,
    /// When that happened which it tells about.
    pub occurred_at: Timestamp,
    /// When it came into the inbox.
    pub created_at: Timestamp,
    /// When it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When it was put away; absent while it lies in the inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived_at: Option<Timestamp>,
}

impl From<Notification> for NotificationAnswer {
    fn from(notification: Notification) -> Self {
        let Notification { id, kind, about, title, body, occurred_at, created_at, read_at, archived_at, .. } =
            notification;
        let kind = kind.word().to_owned();
        Self { id, kind, about, title, body, read: read_at.is_some(), occurred_at, created_at, read_at, archived_at }
    }
}

/// One line of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationLine {
    /// Which one.
    pub id: NotificationId,
    /// What it is about.
    pub kind: String,
    /// The payment that it is about; absent where it is about none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<PaymentId>,
    /// One line.
    pub title: String,
    /// Whether it was read.
    pub read: bool,
    /// When it came into the inbox.
    pub created_at: Timestamp,
}

/// A part of the inbox: `GET /v1/notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationsPage {
    /// Newest first.
    pub items: Vec<NotificationLine>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `GET /v1/notifications/unread-count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnreadCount {
    /// How many notifications are unread.
    pub unread: u64,
}
