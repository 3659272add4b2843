//! The one place where the errors of the context become problems.

use super::{
    CODE_REFUSED, CREDENTIALS, EMAIL_TAKEN, SECOND_FACTOR_NEEDED, SECOND_FACTOR_REFUSED, SECOND_FACTOR_STATE,
    SESSION_ENDED, TOO_MANY_KEYS,
};
use crate::app::administer::AdministerError;
use crate::app::audit::AuditError;
use crate::app::change_password::ChangePasswordError;
use crate::app::end_session::EndSessionError;
use crate::app::keys::KeyError;
use crate::app::list_sessions::ListSessionsError;
use crate::app::log_in::LogInError;
use crate::app::refresh::RefreshError;
use crate::app::register::RegisterError;
use crate::app::second_factor::FactorError;
use crate::app::update_profile::UpdateProfileError;
use crate::app::{AccountError, AttemptError, CodeError, Invalid, PROFILE_SCOPE, ProofError};
use crate::hashing::HashingError;
use problem::{BAD_UPSTREAM, CONFLICT, FORBIDDEN, INTERNAL, INVALID, NOT_FOUND, Problem, RATE_LIMITED, UNAVAILABLE};
use records::RecordsError;

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(INVALID).member("field", invalid.field).member("why", invalid.why)
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Invalid(invalid) => invalid.into(),
            RegisterError::Hashing(error) => hashing(error),
            RegisterError::Records(error) => records(error),
            RegisterError::Contended => Self::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::Credentials => Self::new(CREDENTIALS).challenge("Bearer"),
            LogInError::SecondFactorNeeded => Self::new(SECOND_FACTOR_NEEDED).challenge("Bearer"),
            LogInError::SecondFactorRefused => Self::new(SECOND_FACTOR_REFUSED),
            LogInError::Attempt(error) => error.into(),
            LogInError::Hashing(error) => hashing(error),
            LogInError::Records(error) => records(error),
            LogInError::Contended => Self::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Ended => Self::new(SESSION_ENDED).challenge("Bearer"),
            RefreshError::Records(error) => records(error),
            RefreshError::Contended => Self::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NoSession => Self::new(NOT_FOUND),
            EndSessionError::Account(error) => error.into(),
            EndSessionError::Records(error) => records(error),
            EndSessionError::Contended => Self::new(CONFLICT).caused_by(&error),
        }
    }
}

impl From<ListSessionsError> for Problem {
    fn from(error: ListSessionsError) -> Self {
        match error {
            ListSessionsError::Cursor => {
                Invalid { field: "cursor", why: "it is not one that a page named".to_owned() }.into()
            }
            ListSessionsError::Account(error) => error.into(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Invalid(invalid) => invalid.into(),
            ChangePasswordError::Proof(error) => error.into(),
            ChangePasswordError::Hashing(error) => hashing(error),
            ChangePasswordError::Account(error) => error.into(),
            ChangePasswordError::SessionEnded => {
                Self::new(SESSION_ENDED).challenge("Bearer").detail("the password is changed; log in with the new one")
            }
        }
    }
}

impl From<CodeError> for Problem {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Refused => Self::new(CODE_REFUSED),
            CodeError::TooSoon { retry_after_s } => {
                Self::new(RATE_LIMITED).retry_after_s(retry_after_s).detail("a code was sent a moment ago")
            }
            CodeError::EmailTaken => Self::new(EMAIL_TAKEN),
            CodeError::Invalid(invalid) => invalid.into(),
            CodeError::Attempt(error) => error.into(),
            CodeError::Proof(error) => error.into(),
            CodeError::Hashing(error) => hashing(error),
            CodeError::Account(error) => error.into(),
        }
    }
}

impl From<FactorError> for Problem {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Refused => Self::new(SECOND_FACTOR_REFUSED),
            FactorError::None => Self::new(SECOND_FACTOR_STATE).detail("the account has none"),
            FactorError::Present => Self::new(SECOND_FACTOR_STATE).detail("the account has one"),
            FactorError::SessionEnded => Self::new(SESSION_ENDED).challenge("Bearer"),
            FactorError::Invalid(invalid) => invalid.into(),
            FactorError::Attempt(error) => error.into(),
            FactorError::Proof(error) => error.into(),
            FactorError::Account(error) => error.into(),
        }
    }
}

impl From<AdministerError> for Problem {
    fn from(error: AdministerError) -> Self {
        match error {
            AdministerError::Role { role } => Self::new(FORBIDDEN).detail(format!("the role `{role}` is needed")),
            AdministerError::NotToThatAccount => {
                Self::new(FORBIDDEN).detail("nobody does this to themselves, nor an operator to an administrator")
            }
            AdministerError::InvalidRole(error) => Invalid { field: "roles", why: error.to_string() }.into(),
            AdministerError::Account(error) => error.into(),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Role => Self::new(FORBIDDEN).detail("the role `operator` is needed"),
            AuditError::Invalid(invalid) => invalid.into(),
            AuditError::Account(error) => error.into(),
            AuditError::Records(error) => records(error),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NoKey => Self::new(NOT_FOUND),
            KeyError::TooMany => Self::new(TOO_MANY_KEYS).detail(error.to_string()),
            KeyError::Invalid(invalid) => invalid.into(),
            KeyError::Proof(error) => error.into(),
            KeyError::Account(error) => error.into(),
        }
    }
}

impl From<AttemptError> for Problem {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after_s } => {
                Self::new(RATE_LIMITED).retry_after_s(retry_after_s).detail("too many attempts failed")
            }
            AttemptError::Unavailable(_) => Self::new(UNAVAILABLE).retry_after_s(1).caused_by(&error),
        }
    }
}

impl From<ProofError> for Problem {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Attempt(error) => error.into(),
            ProofError::Hashing(error) => hashing(error),
            ProofError::Records(error) => records(error),
        }
    }
}

impl From<UpdateProfileError> for Problem {
    fn from(error: UpdateProfileError) -> Self {
        match error {
            UpdateProfileError::Invalid(invalid) => invalid.into(),
            UpdateProfileError::Account(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Scope => Self::new(FORBIDDEN).detail(format!("the scope `{PROFILE_SCOPE}` is needed")),
            AccountError::NoAccount => Self::new(NOT_FOUND),
            AccountError::Records(error) => records(error),
            AccountError::Contended => Self::new(CONFLICT).caused_by(&error),
        }
    }
}

fn hashing(error: HashingError) -> Problem {
    match error {
        HashingError::Busy { retry_after_s } => {
            Problem::new(UNAVAILABLE).retry_after_s(retry_after_s).detail("too many passwords are being checked")
        }
        HashingError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error),
        HashingError::Nonsense(_) => Problem::new(BAD_UPSTREAM).caused_by(&error),
    }
}

/// A failure of the stores.
pub(super) fn records(error: RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error),
        RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
            Problem::new(UNAVAILABLE).retry_after_s(30).caused_by(&error)
        }
        RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Problem::new(INTERNAL).caused_by(&error),
    }
}
