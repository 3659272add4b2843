//! Nouns and decisions of identity: pure, synchronous, without a clock, without wire formats.

mod breached;
mod code;
mod deed;
mod device;
mod email;
mod password;
mod profile;
mod program_key;
mod refresh_token;
mod role;
mod second_factor;
mod secret_key;
mod session;
mod user;
#[cfg(test)]
pub(crate) use user::tests;

pub use breached::{PREFIX_BYTES, prefix};
pub use code::{CODE_LIFE, CodeKey, Codes, Digits, MAC_BYTES, OneTimeCode, Presented, Purpose, TooSoon};
pub use deed::{Act, Deed, Why};
pub use device::{DeviceKey, DeviceToken, InvalidDeviceToken, ThrottleKey};
pub use email::{EmailAddress, EmailIndexKey, InvalidEmail};
pub use password::{Owner, Password, WeakPassword};
pub use profile::{DisplayName, InvalidDisplayName, InvalidLocale, Locale};
pub use program_key::{
    InvalidProgramKey, KEY_SCOPES, KeySecret, MOST_DAYS, MOST_OVERLAP_HOURS, ProgramKey, key_name, key_scopes, life,
    overlap,
};
pub use refresh_token::{InvalidRefreshToken, RefreshKey, RefreshToken};
pub use role::{FirstAdmins, InvalidRole, ROLE_ADMIN, ROLE_OPERATOR, Roles};
pub use second_factor::{FactorKey, FactorSecret, RECOVERY_BYTES, RECOVERY_CODES, RecoveryCode, SecondFactor, Shown};
pub use secret_key::{SecretKey, ShortKey};
pub use session::{Credentials, Device, End, EndReason, Refreshed, Refusal, Session};
pub use user::{EmailChange, ROLE_USER, Status, User};
