//! Notices of providers: what they send us when something happened on their side.
//!
//! A notice is a doorbell with a name on it. Its content is never believed beyond that: whoever hears it asks the
//! provider how the charge stands now. So it does not matter whether notices come twice, late, in the wrong order or
//! before the answer of the call that caused them.

mod dialect;
mod signature;

pub use dialect::Dialect;
pub use signature::{SignatureError, TOLERANCE, verify};

#[cfg(test)]
pub use signature::sign;

use crate::domain::ChargeId;
use ids::PaymentId;

/// Which charge a provider has news of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The provider's name for the notice: 1 to 100 characters out of `A-Za-z0-9_-`, unique at the provider.
    pub id: String,
    /// Our own name for the payment, where the provider repeats it.
    pub payment: Option<PaymentId>,
    /// The provider's name for the charge.
    pub charge: Option<ChargeId>,
}
