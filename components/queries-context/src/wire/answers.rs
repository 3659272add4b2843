//! What callers get. Members are snake_case, moments RFC 3339 in UTC with milliseconds.

use ambient::Timestamp;
use ids::{PaymentId, UserId};
use payments_wire::PaymentStatus;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A person's overview: `GET /v1/overview`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OverviewAnswer {
    /// Whose it is.
    pub user_id: UserId,
    /// What is known of the account; `null` until its registration was heard.
    pub profile: Option<ProfileAnswer>,
    /// Their payments.
    pub payments: PaymentsOverview,
    /// Their inbox.
    pub notifications: NotificationCounts,
    /// Up to when events are in this answer.
    pub as_of: AsOf,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OverviewProfile)]
pub struct ProfileAnswer {
    /// The language for messages, a BCP 47 tag.
    pub locale: String,
    /// When it was opened.
    pub registered_at: Option<Timestamp>,
}

/// A person's payments in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaymentsOverview {
    /// How many there are.
    pub total: u64,
    /// How many in each status; every status is there.
    pub by_status: BTreeMap<&'static str, u64>,
    /// What they have brought, by currency; currencies without any are absent.
    ///
    /// **Units** minor units. **Shape** `{"EUR": 1099}`.
    pub captured: BTreeMap<String, i64>,
    /// The ten created last, newest first.
    pub recent: Vec<RecentPayment>,
}

/// One payment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecentPayment {
    /// Which one.
    pub id: PaymentId,
    /// Where it is.
    pub status: PaymentStatus,
    /// What was asked for, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What was taken, in minor units.
    pub captured_minor: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it came to this status.
    pub changed_at: Timestamp,
}

/// An inbox in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationCounts {
    /// How many notifications there are.
    pub total: u64,
    /// How many of them are unread.
    pub unread: u64,
}

/// Up to when events are in an answer.
///
/// **Invariant** a lower bound: each event committed at or before `at` was handled before the answer's data were read;
/// later ones may be in it too. Events among the dead letters count as handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AsOf {
    /// The earliest of the sources; `null` where one of them was never heard.
    pub at: Option<Timestamp>,
    /// Each source for itself.
    pub sources: Vec<SourceAsOf>,
}

/// Up to when the events of one context are in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceAsOf {
    /// The context, such as `payments`.
    pub source: &'static str,
    /// Up to when; `null` where it was never heard.
    pub at: Option<Timestamp>,
    /// How many of its events wait to be handled; `null` where nobody can say.
    pub lag_events: Option<u64>,
}
