//! Nouns and decisions of identity: pure, synchronous, without a clock, without wire formats.

mod email;
mod password;
mod profile;
mod refresh_token;
mod secret_key;
mod session;
mod user;
#[cfg(test)]
pub(crate) use user::tests;

pub use email::{EmailAddress, EmailIndexKey, InvalidEmail};
pub use password::{Password, WeakPassword};
pub use profile::{DisplayName, InvalidDisplayName, InvalidLocale, Locale};
pub use refresh_token::{InvalidRefreshToken, RefreshKey, RefreshToken};
pub use secret_key::{SecretKey, ShortKey};
pub use session::{Credentials, End, EndReason, Refreshed, Refusal, Session};
pub use user::{ROLE_USER, Status, User};
