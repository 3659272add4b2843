//! The nouns of notifications and the decisions about them: pure, without clock, wire or store.

mod contact;
mod identity;
mod message;
mod notification;
mod occasion;

pub use contact::Contact;
pub use identity::{Channel, notification_id};
pub use message::{Attempt, MailOutcome, Message, MessageState, Next, RETRY_DELAYS};
pub use notification::Notification;
pub use occasion::{DisputeTurn, Kind, Occasion, Template};
