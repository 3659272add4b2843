//! The events of the context, made from its nouns.

use crate::domain::{Session, User};
use events::NewEvent;
use records::RecordsError;
use serde::Serialize;
use serde_json::Value;
use users_wire::{SESSION_ENDED, SESSION_STARTED, SessionSnapshot, USER_REGISTERED, UserPersonal, UserSnapshot};

/// An account was opened.
pub(crate) fn registered(user: &User) -> Result<NewEvent, RecordsError> {
    let personal =
        UserPersonal { email: user.email.as_str().to_owned(), display_name: user.display_name.as_str().to_owned() };
    Ok(NewEvent {
        kind: USER_REGISTERED,
        subject: user.id.to_string(),
        data: json(&UserSnapshot { id: user.id, locale: user.locale.as_str().to_owned() })?,
        personal: Some(json(&personal)?),
    })
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

fn json(part: &impl Serialize) -> Result<Value, RecordsError> {
    serde_json::to_value(part).map_err(|error| RecordsError::Invalid(error.to_string()))
}
