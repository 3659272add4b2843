//! Use cases, one a file: load, decide, commit, answer.

mod await_contact;
mod deliver;
mod digest;
mod erase;
mod export;
mod hear_notice;
mod list;
mod log;
mod mark;
mod notify;
mod phone;
mod preview;
mod project_contact;
mod settings;
mod show;
mod step;
mod suppress;
mod unread_count;

#[cfg(test)]
mod stories;

pub use await_contact::{PATIENCE, Wait, await_contact};
pub use deliver::{DeliverError, Delivered, DeliveryReport, Mailer, Senders};
pub use erase::{EraseError, erase};
pub use export::export;
pub use hear_notice::{Told, hear_notice};
pub use list::{ListError, Shelf, list};
pub use log::{logged_message, message_log};
pub use mark::{Mark, MarkError, mark};
pub use notify::{Cause, IN_INBOX, NotifyError, notify};
pub use phone::{PhoneError, confirm_phone, forget_phone, name_phone};
pub use preview::{preview, templates};
pub use project_contact::{Known, ProjectError, known_contact, project_contact};
pub use settings::{
    Known as KnownSettings, NEVER_SET, SettingsError, load_settings, set_preferences, settings_of, unsubscribe,
};
pub use show::{ShowError, show};
pub use suppress::{LiftError, lift, suppress, suppression_of, suppressions};
pub use unread_count::unread_count;
