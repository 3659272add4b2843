//! An account.

use crate::domain::{Credentials, DisplayName, EmailAddress, Locale};
use ambient::Timestamp;
use ids::UserId;

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
        }
    }

    /// What a session has to agree with to go on.
    pub fn credentials(&self) -> Credentials {
        Credentials { active: self.status == Status::Active, epoch: self.credential_epoch }
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
    fn a_rehash_changes_nothing_but_the_hash() {
        let before = anna();
        let after = before.clone().rehashed("$argon2id$new".to_owned());
        assert_eq!(after.password_phc, "$argon2id$new");
        assert_eq!(User { password_phc: before.password_phc.clone(), ..after }, before);
    }
}
