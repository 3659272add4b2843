//! The kinds of problem of the sandbox, and which error becomes which: the only place with status codes.

use crate::app::SandboxError;
use crate::domain::ChargeRefusal;
use problem::{INTERNAL, INVALID, KEY_REUSED, Kind, NOT_FOUND, Problem, UNAVAILABLE};
use records::RecordsError;

/// The charge does not allow this step; `failure_code` says why.
pub const CHARGE_STATE: Kind =
    Kind { slug: "charge-state", status: 409, title: "The charge does not allow this step." };
/// No card of the sandbox has this token.
pub const UNKNOWN_TOKEN: Kind = Kind { slug: "unknown-token", status: 422, title: "No card has this token." };

/// Every kind of this context.
pub const PROBLEMS: &[Kind] = &[CHARGE_STATE, UNKNOWN_TOKEN];

impl From<SandboxError> for Problem {
    fn from(error: SandboxError) -> Self {
        match &error {
            SandboxError::Invalid { field, why } => Self::new(INVALID).member("field", *field).member("why", *why),
            SandboxError::NotFound => Self::new(NOT_FOUND).member("failure_code", "no_such_charge"),
            SandboxError::KeyReused => Self::new(KEY_REUSED).member("failure_code", "key_reused"),
            SandboxError::Refused(refusal) => {
                let kind = match refusal {
                    ChargeRefusal::UnknownToken => UNKNOWN_TOKEN,
                    ChargeRefusal::AmountOutOfRange => INVALID,
                    ChargeRefusal::StillProcessing
                    | ChargeRefusal::NotAuthorized
                    | ChargeRefusal::AlreadyCaptured
                    | ChargeRefusal::AlreadyDeclined
                    | ChargeRefusal::NoActionRequired
                    | ChargeRefusal::NotCaptured
                    | ChargeRefusal::Disputed
                    | ChargeRefusal::NotDisputed
                    | ChargeRefusal::InsufficientBalance
                    | ChargeRefusal::OtherRefund => CHARGE_STATE,
                };
                Self::new(kind).member("failure_code", refusal.to_string())
            }
            // Not 409: nobody refused the step, the same call again will do.
            SandboxError::Contended | SandboxError::Store(RecordsError::Unavailable(_)) => {
                Self::new(UNAVAILABLE).retry_after_s(1).caused_by(&error)
            }
            SandboxError::Store(RecordsError::RolledBack { .. }) => {
                Self::new(UNAVAILABLE).retry_after_s(5).caused_by(&error)
            }
            SandboxError::AnswerLost => Self::new(INTERNAL).detail("the card's script loses this answer"),
            SandboxError::Store(RecordsError::Corrupt { .. } | RecordsError::Invalid(_) | RecordsError::Layout(_))
            | SandboxError::Unreadable(_) => Self::new(INTERNAL).caused_by(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PROBLEMS;

    #[test]
    fn each_kind_has_a_row_in_the_documentation() {
        let documented = include_str!("../../../../docs/problems.md");
        for kind in PROBLEMS {
            assert!(documented.contains(&format!("| `{}` | {} |", kind.slug, kind.status)), "{}", kind.slug);
        }
    }
}
