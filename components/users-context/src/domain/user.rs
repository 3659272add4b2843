//! An account.

use crate::domain::{Codes, Credentials, DisplayName, EmailAddress, Locale, SecondFactor};
use ambient::Timestamp;
use ids::UserId;
use privacy::SubjectKey;

/// The role that every account has.
pub const ROLE_USER: &str = "user";

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// An operator closed it; sessions end at their next refresh.
    Suspended,
}

/// A change of address under way: both mailboxes have a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailChange {
    /// The address that is to be.
    pub to: EmailAddress,
    /// The codes of that address.
    pub codes: Codes,
}

/// One person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub id: UserId,
    /// Where messages go and what the person logs in with.
    pub email: EmailAddress,
    /// How the person wants to be called.
    pub display_name: DisplayName,
    /// The language for messages.
    pub locale: Locale,
    /// The password. **Shape** a PHC string of argon2id.
    pub password_phc: String,
    /// Grows with each change that must end all sessions; sessions repeat the one under which they began.
    pub credential_epoch: u32,
    /// What the person may do, such as `user` or `operator`.
    pub roles: Vec<String>,
    /// Whether it may be used.
    pub status: Status,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Since when the address is known to be its owner's.
    pub email_verified_at: Option<Timestamp>,
    /// Codes that prove the address.
    pub verify_codes: Option<Codes>,
    /// Codes for whoever forgot the password.
    pub reset_codes: Option<Codes>,
    /// Codes of the present address for a change of it.
    pub change_codes: Option<Codes>,
    /// The change under way.
    pub email_change: Option<EmailChange>,
    /// Whether the password is worth nothing until another is set by a code.
    pub must_reset: bool,
    /// What logging in asks for beside the password.
    pub second_factor: Option<SecondFactor>,
    /// Seals what events say about the person; gone with the account. None in an account of before the seal, until it
    /// changes.
    pub subject_key: Option<SubjectKey>,
}

impl User {
    /// Opens an account.
    pub fn register(
        id: UserId,
        email: EmailAddress,
        display_name: DisplayName,
        locale: Locale,
        password_phc: String,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            email,
            display_name,
            locale,
            password_phc,
            credential_epoch: 1,
            roles: vec![ROLE_USER.to_owned()],
            status: Status::Active,
            created_at: at,
            email_verified_at: None,
            verify_codes: None,
            reset_codes: None,
            change_codes: None,
            email_change: None,
            must_reset: false,
            second_factor: None,
            subject_key: None,
        }
    }

    /// The account whose address is proven by now.
    #[must_use]
    pub fn verified(self, at: Timestamp) -> Self {
        Self { email_verified_at: self.email_verified_at.or(Some(at)), ..self }
    }

    /// The account under another address, which its owner has proven; codes for the one before are void.
    #[must_use]
    pub fn moved_to(self, email: EmailAddress, at: Timestamp) -> Self {
        Self {
            email,
            email_verified_at: Some(at),
            verify_codes: None,
            reset_codes: self.reset_codes.map(|codes| codes.void()),
            change_codes: self.change_codes.map(|codes| codes.void()),
            email_change: None,
            ..self
        }
    }

    /// What a session has to agree with to go on.
    pub fn credentials(&self) -> Credentials {
        Credentials { active: self.status == Status::Active, epoch: self.credential_epoch }
    }

    /// The account with another password: every session ends.
    #[must_use]
    pub fn with_password(self, password_phc: String) -> Self {
        Self { password_phc, must_reset: false, ..self.revoking_sessions() }
    }

    /// The account after it ended all its sessions at once: none of them repeats the new epoch.
    #[must_use]
    pub fn revoking_sessions(self) -> Self {
        Self { credential_epoch: self.credential_epoch.saturating_add(1), ..self }
    }

    /// The same password under today's parameters: no session ends, because nobody's knowledge changed.
    #[must_use]
    pub fn rehashed(self, password_phc: String) -> Self {
        Self { password_phc, ..self }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use uuid::Uuid;

    /// An account for the tests of this context.
    pub(crate) fn anna() -> User {
        User::register(
            UserId::new(0, Uuid::from_u128(1)),
            EmailAddress::parse("anna@example.org").unwrap(),
            DisplayName::parse("Anna").unwrap(),
            Locale::default(),
            "$argon2id$old".to_owned(),
            Timestamp::from_unix_ms(0),
        )
    }

    #[test]
    fn another_password_ends_the_sessions_of_the_one_before() {
        let before = anna();
        let after = before.clone().with_password("$argon2id$new".to_owned());
        assert_eq!((after.password_phc.as_str(), after.credential_epoch), ("$argon2id$new", 2));
        assert_eq!(User { password_phc: before.password_phc.clone(), credential_epoch: 1, ..after }, before);
        assert_eq!(before.clone().revoking_sessions(), User { credential_epoch: 2, ..before });
    }

    #[test]
    fn a_rehash_changes_nothing_but_the_hash() {
        let before = anna();
        let after = before.clone().rehashed("$argon2id$new".to_owned());
        assert_eq!(after.password_phc, "$argon2id$new");
        assert_eq!(User { password_phc: before.password_phc.clone(), ..after }, before);
    }
}
