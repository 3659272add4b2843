//! What the records of the context hold, as JSON.

use crate::domain::{Device, DisplayName, EmailAddress, End, EndReason, Locale, Session, Status, User};
use crate::wire::codes::{CodesBody, EmailChangeBody};
use crate::wire::factor::FactorBody;
use ambient::Timestamp;
use ids::{SessionId, UserId};
use privacy::SubjectKey;
use serde::{Deserialize, Serialize};

/// Body of `login:<HMAC of the address>`: the account that has the address, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginBody {
    /// The account.
    pub user_id: UserId,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
}

/// Body of `user:<id>`. Personal; it leaves the store with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBody {
    /// The account.
    pub id: UserId,
    /// Where messages go.
    pub email: String,
    /// How the person wants to be called.
    pub display_name: String,
    /// The language for messages.
    pub locale: String,
    /// The password as a PHC string.
    pub password_phc: String,
    /// Grows with each change that ends all sessions.
    pub credential_epoch: u32,
    /// What the person may do.
    pub roles: Vec<String>,
    /// Whether the account may be used.
    pub status: StatusBody,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Since when the address is known to be its owner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified_at: Option<Timestamp>,
    /// Codes that prove the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_codes: Option<CodesBody>,
    /// Codes for whoever forgot the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_codes: Option<CodesBody>,
    /// Codes of the present address for a change of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_codes: Option<CodesBody>,
    /// The change under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_change: Option<EmailChangeBody>,
    /// Whether the password is worth nothing until another is set by a code.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub must_reset: bool,
    /// What logging in asks for beside the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<FactorBody>,
    /// What seals the person's data in events. **Shape** 32 bytes as base64url.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "subject_key")]
    pub subject_key: Option<SubjectKey>,
}

/// A key as its text.
mod subject_key {
    use privacy::SubjectKey;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(key: &Option<SubjectKey>, to: S) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => to.serialize_some(&key.expose()),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SubjectKey>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let key = text.map(|text| SubjectKey::parse(&text).ok_or_else(|| serde::de::Error::custom("not a key")));
        key.transpose()
    }
}

/// The stored form of [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusBody {
    /// It may be used.
    Active,
    /// It may not.
    Suspended,
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            display_name: user.display_name.as_str().to_owned(),
            locale: user.locale.as_str().to_owned(),
            password_phc: user.password_phc.clone(),
            credential_epoch: user.credential_epoch,
            roles: user.roles.clone(),
            status: match user.status {
                Status::Active => StatusBody::Active,
                Status::Suspended => StatusBody::Suspended,
            },
            created_at: user.created_at,
            email_verified_at: user.email_verified_at,
            verify_codes: user.verify_codes.as_ref().map(CodesBody::from),
            reset_codes: user.reset_codes.as_ref().map(CodesBody::from),
            change_codes: user.change_codes.as_ref().map(CodesBody::from),
            email_change: user.email_change.as_ref().map(EmailChangeBody::from),
            must_reset: user.must_reset,
            second_factor: user.second_factor.as_ref().map(FactorBody::from),
            subject_key: user.subject_key.clone(),
        }
    }
}

impl From<UserBody> for User {
    fn from(body: UserBody) -> Self {
        Self {
            id: body.id,
            email: EmailAddress::stored(body.email),
            display_name: DisplayName::stored(body.display_name),
            locale: Locale::stored(body.locale),
            password_phc: body.password_phc,
            credential_epoch: body.credential_epoch,
            roles: body.roles,
            status: match body.status {
                StatusBody::Active => Status::Active,
                StatusBody::Suspended => Status::Suspended,
            },
            created_at: body.created_at,
            email_verified_at: body.email_verified_at,
            verify_codes: body.verify_codes.map(Into::into),
            reset_codes: body.reset_codes.map(Into::into),
            change_codes: body.change_codes.map(Into::into),
            email_change: body.email_change.map(Into::into),
            must_reset: body.must_reset,
            second_factor: body.second_factor.map(Into::into),
            subject_key: body.subject_key,
        }
    }
}

/// Body of `session:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBody {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The number of the token that is good.
    pub number: u32,
    /// When it became good.
    pub rotated_at: Timestamp,
    /// The account's credential epoch at login.
    pub credential_epoch: u32,
    /// When the session began.
    pub created_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
    /// Its end, if it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndBody>,
    /// What the client said it was when the session was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// From where it was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The stored form of [`End`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndBody {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: users_wire::SessionEndReason,
}

impl From<&Session> for SessionBody {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            user_id: session.user,
            number: session.number,
            rotated_at: session.rotated_at,
            credential_epoch: session.credential_epoch,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ended: session.ended.map(|end| EndBody { at: end.at, reason: end.reason.into() }),
            agent: session.device.agent.clone(),
            address: session.device.address.clone(),
        }
    }
}

impl From<SessionBody> for Session {
    fn from(body: SessionBody) -> Self {
        Self {
            id: body.id,
            user: body.user_id,
            number: body.number,
            rotated_at: body.rotated_at,
            credential_epoch: body.credential_epoch,
            created_at: body.created_at,
            expires_at: body.expires_at,
            ended: body.ended.map(|end| End { at: end.at, reason: end.reason.into() }),
            device: Device { agent: body.agent, address: body.address },
        }
    }
}

impl From<EndReason> for users_wire::SessionEndReason {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::LoggedOut => Self::LoggedOut,
            EndReason::TokenReused => Self::TokenReused,
            EndReason::Revoked => Self::Revoked,
            EndReason::TooMany => Self::TooMany,
        }
    }
}

impl From<users_wire::SessionEndReason> for EndReason {
    fn from(reason: users_wire::SessionEndReason) -> Self {
        match reason {
            users_wire::SessionEndReason::LoggedOut => Self::LoggedOut,
            users_wire::SessionEndReason::TokenReused => Self::TokenReused,
            users_wire::SessionEndReason::Revoked => Self::Revoked,
            users_wire::SessionEndReason::TooMany => Self::TooMany,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Codes, EmailChange, OneTimeCode, SecondFactor};
    use crate::testing::{anna, now};
    use uuid::Uuid;

    #[test]
    fn what_is_written_reads_back() {
        let user = anna();
        assert_eq!(User::from(UserBody::from(&user)), user);
        let codes = Codes {
            code: Some(OneTimeCode { mac: [7; 32], tries_left: 3 }),
            issued_at: now(),
            counted_since: now(),
            count: 2,
        };
        let to = EmailAddress::parse("berta@example.org").unwrap();
        let user = User {
            verify_codes: Some(codes.clone()),
            reset_codes: Some(codes.void()),
            change_codes: Some(codes.clone()),
            email_change: Some(EmailChange { to, codes }),
            must_reset: true,
            second_factor: Some(SecondFactor {
                nonce: Uuid::from_u128(5),
                confirmed_at: Some(now()),
                last_step: 9,
                recovery: vec![[1; 32], [2; 32]],
            }),
            subject_key: Some(SubjectKey::new([6; 32])),
            ..user.verified(now())
        };
        let json = serde_json::to_vec(&UserBody::from(&user)).unwrap();
        assert_eq!(User::from(serde_json::from_slice::<UserBody>(&json).unwrap()), user);
        let device = Device { agent: Some("Laptop/1.0".to_owned()), address: Some("192.0.2.1".to_owned()) };
        let session = Session::start(SessionId::new(0, Uuid::from_u128(9)), user.id, 1, now());
        let reasons = [EndReason::LoggedOut, EndReason::TokenReused, EndReason::Revoked, EndReason::TooMany];
        let ended = reasons.map(|reason| session.end(reason, now()).unwrap());
        for session in ended.into_iter().chain([session.clone(), session.seen_from(device)]) {
            let json = serde_json::to_vec(&SessionBody::from(&session)).unwrap();
            assert_eq!(Session::from(serde_json::from_slice::<SessionBody>(&json).unwrap()), session);
        }
    }

    #[test]
    fn stored_forms_stay_readable() {
        // A body as version 0.1 wrote it: this text must read for ever.
        let stored = r#"{"id":"usr_0000000000000000000000000001","email":"anna@example.org","display_name":"Anna",
            "locale":"en","password_phc":"$argon2id$old","credential_epoch":1,"roles":["user"],"status":"active",
            "created_at":"1970-01-01T00:00:00.000Z"}"#;
        let body: UserBody = serde_json::from_str(stored).unwrap();
        assert_eq!(User::from(body), anna());
        let stored = r#"{"id":"ses_0000000000000000000000000009","user_id":"usr_0000000000000000000000000001","number":1,
            "rotated_at":"2026-01-01T00:00:00.000Z","credential_epoch":1,"created_at":"2026-01-01T00:00:00.000Z",
            "expires_at":"2026-01-31T00:00:00.000Z"}"#;
        let body: SessionBody = serde_json::from_str(stored).unwrap();
        assert_eq!(Session::from(body), Session::start(SessionId::new(0, Uuid::from_u128(9)), anna().id, 1, now()));
    }
}
