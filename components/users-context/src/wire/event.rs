//! The events of the context, made from its nouns.

use crate::domain::{CODE_LIFE, Digits, EmailAddress, Erasure, Export, Purpose, Session, User};
use ambient::Timestamp;
use events::NewEvent;
use records::RecordsError;
use serde::Serialize;
use serde_json::Value;
use users_wire::{
    CODE_ISSUED, CodeIssued, CodePersonal, CodePurpose, EMAIL_CHANGED, ERASURE_REQUESTED, EXPORT_REQUESTED,
    ErasureTold, ExportRequested, FACTOR_CHANGED, FactorChange, FactorChanged, PASSWORD_CHANGED, PasswordChange,
    PasswordChanged, ROLES_CHANGED, RevokeReason, RolesChanged, SESSION_ENDED, SESSION_STARTED, SESSIONS_REVOKED,
    SessionSnapshot, SessionsRevoked, USER_ERASED, USER_LOCKED, USER_REGISTERED, USER_UNLOCKED, USER_UPDATED,
    USER_VERIFIED, UserPersonal, UserSnapshot,
};

/// An account was opened.
pub(crate) fn registered(user: &User) -> Result<NewEvent, RecordsError> {
    user_event(USER_REGISTERED, user)
}

/// The address is its owner's.
pub(crate) fn verified(user: &User) -> Result<NewEvent, RecordsError> {
    user_event(USER_VERIFIED, user)
}

/// Address, name or language are others now.
pub(crate) fn updated(user: &User) -> Result<NewEvent, RecordsError> {
    user_event(USER_UPDATED, user)
}

/// The address is about to become another one: told to the one that was, so of the account as it was before.
pub(crate) fn email_changed(before: &User) -> Result<NewEvent, RecordsError> {
    user_event(EMAIL_CHANGED, before)
}

/// A code is due in a mailbox.
pub(crate) fn code_issued(
    user: &User,
    to: &EmailAddress,
    purpose: Purpose,
    digits: &Digits,
    now: Timestamp,
) -> Result<NewEvent, RecordsError> {
    let told = CodeIssued {
        user_id: user.id,
        locale: user.locale.as_str().to_owned(),
        purpose: match purpose {
            Purpose::VerifyEmail => CodePurpose::VerifyEmail,
            Purpose::ResetPassword => CodePurpose::ResetPassword,
            Purpose::ChangeEmail => CodePurpose::ChangeEmail,
            Purpose::ConfirmNewEmail => CodePurpose::ConfirmNewEmail,
        },
        expires_at: now.plus(CODE_LIFE),
    };
    let personal = CodePersonal {
        email: to.as_str().to_owned(),
        display_name: user.display_name.as_str().to_owned(),
        code: digits.expose().to_owned(),
    };
    let personal = Some(json(&personal)?);
    Ok(NewEvent { kind: CODE_ISSUED, subject: user.id.to_string(), data: json(&told)?, personal })
}

/// An operator locked the account.
pub(crate) fn locked(user: &User) -> Result<NewEvent, RecordsError> {
    user_event(USER_LOCKED, user)
}

/// An operator unlocked the account.
pub(crate) fn unlocked(user: &User) -> Result<NewEvent, RecordsError> {
    user_event(USER_UNLOCKED, user)
}

/// The account has other roles.
pub(crate) fn roles_changed(user: &User) -> Result<NewEvent, RecordsError> {
    let told = RolesChanged { user_id: user.id, roles: user.roles.clone() };
    Ok(NewEvent { kind: ROLES_CHANGED, subject: user.id.to_string(), data: json(&told)?, personal: None })
}

/// Something became of the second factor; the owner is told.
pub(crate) fn factor_changed(user: &User, change: FactorChange) -> Result<NewEvent, RecordsError> {
    let told = FactorChanged { user_id: user.id, change };
    let personal = Some(json(&personal(user))?);
    Ok(NewEvent { kind: FACTOR_CHANGED, subject: user.id.to_string(), data: json(&told)?, personal })
}

fn user_event(kind: &'static str, user: &User) -> Result<NewEvent, RecordsError> {
    let snapshot = UserSnapshot { id: user.id, locale: user.locale.as_str().to_owned() };
    let personal = Some(json(&personal(user))?);
    Ok(NewEvent { kind, subject: user.id.to_string(), data: json(&snapshot)?, personal })
}

/// The password became another one; the owner is told at the address that the account has now.
pub(crate) fn password_changed(user: &User, how: PasswordChange) -> Result<NewEvent, RecordsError> {
    let told = PasswordChanged { user_id: user.id, credential_epoch: user.credential_epoch, how };
    let personal = Some(json(&personal(user))?);
    Ok(NewEvent { kind: PASSWORD_CHANGED, subject: user.id.to_string(), data: json(&told)?, personal })
}

/// Every session of before ended at once.
pub(crate) fn sessions_revoked(user: &User, reason: RevokeReason) -> Result<NewEvent, RecordsError> {
    let told = SessionsRevoked { user_id: user.id, credential_epoch: user.credential_epoch, reason };
    Ok(NewEvent { kind: SESSIONS_REVOKED, subject: user.id.to_string(), data: json(&told)?, personal: None })
}

fn personal(user: &User) -> UserPersonal {
    UserPersonal { email: user.email.as_str().to_owned(), display_name: user.display_name.as_str().to_owned() }
}

/// A session began.
pub(crate) fn session_started(session: &Session) -> Result<NewEvent, RecordsError> {
    session_event(SESSION_STARTED, session)
}

/// A session was ended.
pub(crate) fn session_ended(session: &Session) -> Result<NewEvent, RecordsError> {
    session_event(SESSION_ENDED, session)
}

fn session_event(kind: &'static str, session: &Session) -> Result<NewEvent, RecordsError> {
    let snapshot = SessionSnapshot {
        id: session.id,
        user_id: session.user,
        expires_at: session.expires_at,
        end_reason: session.ended.map(|end| end.reason.into()),
    };
    Ok(NewEvent { kind, subject: session.id.to_string(), data: json(&snapshot)?, personal: None })
}

/// A person takes their data along.
pub(crate) fn export_requested(export: &Export) -> Result<NewEvent, RecordsError> {
    let told = ExportRequested { user_id: export.user, export_id: export.id };
    Ok(NewEvent { kind: EXPORT_REQUESTED, subject: export.user.to_string(), data: json(&told)?, personal: None })
}

/// An account was erased.
pub(crate) fn erasure_requested(erasure: &Erasure) -> Result<NewEvent, RecordsError> {
    erasure_event(ERASURE_REQUESTED, erasure)
}

/// The second look after an erasure is due.
pub(crate) fn user_erased(erasure: &Erasure) -> Result<NewEvent, RecordsError> {
    erasure_event(USER_ERASED, erasure)
}

fn erasure_event(kind: &'static str, erasure: &Erasure) -> Result<NewEvent, RecordsError> {
    let &Erasure { id, user, requested_at, .. } = erasure;
    let told = ErasureTold { user_id: user, erasure_id: id, requested_at };
    Ok(NewEvent { kind, subject: user.to_string(), data: json(&told)?, personal: None })
}

fn json(part: &impl Serialize) -> Result<Value, RecordsError> {
    serde_json::to_value(part).map_err(|error| RecordsError::Invalid(error.to_string()))
}
