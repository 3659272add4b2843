//! Use cases of the acquirer and of the mailbox.

mod announce;
mod delete_letter;
mod error;
mod make_charge;
mod move_charge;
mod read_charges;
mod receive_letter;
mod settle;
mod show_letters;
mod store;

pub use announce::{Receiver, announce};
pub use delete_letter::delete_letter;
pub use error::SandboxError;
pub use make_charge::make_charge;
pub use move_charge::{Step, move_charge};
pub use read_charges::{charge, charge_of_key, charges};
pub use receive_letter::{receive_letter, receive_sms};
pub use settle::{Settlement, settlement};
pub use show_letters::letters;
