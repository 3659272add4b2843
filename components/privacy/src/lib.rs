//! What all services share when a person takes their data along or away: sealed personal data, the parts of an export
//! and of a receipt, and the desk at which each service hands its part in.
//!
//! What lives here: the seal with a key per subject, the shapes, the port [`PrivacyDesk`] with its client over HTTP and
//! its double. What does not: whose keys there are and what became of a request (the users context), and what each
//! service has of a person (each context). docs/decisions/0012 says why it is built this way.

mod desk;
mod http_desk;
mod parts;
mod remembering_desk;
mod seal;
mod sweep;

pub use desk::{DeskError, PrivacyDesk};
pub use http_desk::HttpDesk;
pub use parts::{
    Erased, ErasurePart, ExportPage, InFlight, Kept, MAX_EXPORT_PAGES, MAX_PAGE_BYTES, PageOf, Pages, Service,
};
pub use remembering_desk::RememberingDesk;
pub use seal::{KEY_BYTES, NONCE_BYTES, OpenError, Sealed, SubjectKey};
pub use sweep::{Drawer, Left, sweep};

/// How long after a request the services look once more: an access token that was out at that moment has expired by
/// then, and a delivery that was under way has ended. **Units** seconds.
pub const SECOND_LOOK_AFTER_S: u64 = 15 * 60;
