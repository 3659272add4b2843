//! The kinds of problem of this context, and which error becomes which: the only place with status codes.

use crate::app::OperationsError;
use events::EventsError;
use problem::{CONFLICT, INTERNAL, INVALID, KEY_REUSED, Kind, NOT_FOUND, Problem, UNAVAILABLE};
use records::{RecordsError, Refusal};

/// The dead letter holds no event; `why` says what it lacks.
pub const LETTER_UNREADABLE: Kind =
    Kind { slug: "dead-letter-unreadable", status: 409, title: "What lies there is no event and is not edited." };

/// What is older than the stream lies with the context that told it, which does not answer; `context` says which.
pub const HISTORY_AWAY: Kind = Kind {
    slug: "history-unavailable",
    status: 503,
    title: "The service that keeps the older events does not answer.",
};

/// Every kind of this context.
pub const PROBLEMS: &[Kind] = &[LETTER_UNREADABLE, HISTORY_AWAY];

/// When to try again after a store did not answer, in seconds.
const STORE_BACK_S: u32 = 1;

impl From<OperationsError> for Problem {
    fn from(error: OperationsError) -> Self {
        match error {
            OperationsError::Invalid { field, why } => Self::new(INVALID).member("field", field).member("why", why),
            OperationsError::NotFound => Self::new(NOT_FOUND),
            OperationsError::Unreadable(why) => Self::new(LETTER_UNREADABLE)
                .detail("nobody can say what it was about: purge it, and have its context tell again what is missing")
                .member("why", why),
            OperationsError::HistoryAway { context, .. } => Self::new(HISTORY_AWAY)
                .detail("what the stream itself still holds is shown without `cursor`, `after` and `since`")
                .member("context", context)
                .retry_after_s(STORE_BACK_S)
                .caused_by(&error),
            OperationsError::KeyReused => Self::new(KEY_REUSED),
            OperationsError::Contended => Self::new(CONFLICT).retry_after_s(STORE_BACK_S),
            OperationsError::Records(error) => store(&error),
            OperationsError::Refused(Refusal::Stale) => unknown(&error),
            OperationsError::Events(EventsError::Unavailable(_)) => unknown(&error),
            OperationsError::Refused(_)
            | OperationsError::Unwritable(_)
            | OperationsError::Events(EventsError::NotSubscribed { .. } | EventsError::Unexpected(_)) => {
                Self::new(INTERNAL).caused_by(&error)
            }
        }
    }
}

fn unknown(error: &(dyn core::error::Error + 'static)) -> Problem {
    Problem::new(UNAVAILABLE)
        .detail("whether the request had an effect is unknown; try again with the same key")
        .retry_after_s(STORE_BACK_S)
        .caused_by(error)
}

pub(super) fn store(error: &RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(_) | RecordsError::RolledBack { .. } | RecordsError::Layout(_) => unknown(error),
        RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Problem::new(INTERNAL).caused_by(error),
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
