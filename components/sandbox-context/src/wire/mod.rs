//! The shapes that enter, leave and stay in the sandbox.

mod after;
mod charge;
mod letter;
mod settlement;

pub use after::{CloseDisputeRequest, DisputeAnswer, RefundAnswer, RefundRequest, Verdict};
pub use charge::{
    AuthenticateRequest, CaptureRequest, ChargeAnswer, ChargeList, ChargeQuery, ChargeRequest, Proof, StoredCharge,
};
pub use letter::{LetterList, LetterQuery, LetterRequest, SmsRequest, StoredLetter};
pub use settlement::{SettlementLine, SettlementQuery, settlement_csv};
