//! The shapes that enter, leave and stay in the sandbox.

mod charge;
mod letter;

pub use charge::{
    AuthenticateRequest, CaptureRequest, ChargeAnswer, ChargeList, ChargeQuery, ChargeRequest, Proof, StoredCharge,
};
pub use letter::{LetterList, LetterQuery, LetterRequest, StoredLetter};
