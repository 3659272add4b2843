//! The hasher: argon2id in a component of its own, so that nobody waits behind a password.
//!
//! A hash holds its thread for 40 to 60 ms and cannot be interrupted. Beside other work it took the neighbours' p99
//! from 0.9 to 49 ms, in a component of its own to 9 ms (measured); hence this one, reached over `/internal/hasher`
//! with a service token and holding no store, no host and no state.
//!
//! What deliberately does not live here is the limit on how many hashes run at once. A counter in this component bounds
//! nothing: an instance that hashes cannot take a second request, so the host starts another instance with a counter of
//! its own. The caller takes a lease before it calls (crate `leases`), and who gets none answers 503.

mod argon2id;
pub mod http;

pub use argon2id::{HashError, hash, verify};

use ambient::Random;
use std::sync::Arc;

/// What the routes need.
#[derive(Clone)]
pub struct Hasher {
    /// Where salts come from.
    pub random: Arc<dyn Random>,
}
