//! Use cases, one a file: load, decide, commit, answer.

mod await_contact;
mod deliver;
mod erase;
mod export;
mod list;
mod mark_read;
mod notify;
mod project_contact;
mod show;
mod step;
mod unread_count;

pub use await_contact::{PATIENCE, Wait, await_contact};
pub use deliver::{DeliverError, Delivered, DeliveryReport, Mailer};
pub use erase::{EraseError, erase};
pub use export::export;
pub use list::{ListError, list};
pub use mark_read::{MarkReadError, mark_read};
pub use notify::{Cause, NotifyError, notify};
pub use project_contact::{Known, ProjectError, known_contact, project_contact};
pub use show::{ShowError, show};
pub use unread_count::unread_count;
