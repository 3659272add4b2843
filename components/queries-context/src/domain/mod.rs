//! What an overview is made of, and how each part takes in an event: pure, without clock, wire or store.

mod notification_view;
mod payment_view;
mod profile;

pub use notification_view::{NotificationStep, NotificationView};
pub use payment_view::{Contradiction, PaymentStep, PaymentView, STATUSES, status_word};
pub use profile::Profile;
