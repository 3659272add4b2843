//! Serde twins: what lies in bodies and indexes, and what callers get.

mod answers;
mod stored;

pub use answers::{
    AsOf, NotificationCounts, OverviewAnswer, PaymentsOverview, ProfileAnswer, RecentPayment, SourceAsOf,
};
pub use stored::{PaymentSummary, StoredNotificationView, StoredPaymentView, StoredProfile, read, write};
