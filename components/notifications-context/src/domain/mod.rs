//! The nouns of notifications and the decisions about them: pure, without clock, wire or store.

mod contact;
mod digest;
mod identity;
mod journal;
mod message;
mod notification;
mod occasion;
mod phone;
mod preferences;
mod quiet_hours;
mod route_table;
mod suppression;
mod zone;

pub use contact::Contact;
pub use digest::{DigestState, MAX_ITEMS};
pub use identity::{Channel, notification_id};
pub use journal::{Befell, Journal, Row};
pub use message::{Attempt, Candidate, Message, MessageState, Next, RETRY_DELAYS, SendOutcome, TextRef};
pub use notification::Notification;
pub use occasion::{DisputeTurn, Kind, Occasion, Template};
pub use phone::{CODE_LIFE, InvalidPhone, Pending, Phone, PhoneNumber, PhoneRefusal};
pub use preferences::{DecidedBy, Preferences, Rhythm, Ruling};
pub use quiet_hours::{InvalidTimeOfDay, QuietHours, TimeOfDay};
pub use route_table::{InvalidRouteTable, RouteTable};
pub use suppression::{Reason, Suppression};
pub use zone::{MINUTES_A_DAY, Zone};
