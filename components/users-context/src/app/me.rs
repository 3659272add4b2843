//! Me: the caller's own profile.

use super::account::{AccountError, own};
use crate::Users;
use crate::wire::api::ProfileAnswer;
use principal::Principal;

/// The caller's profile.
///
/// # Errors
/// [`AccountError`].
pub async fn me(users: &Users, principal: &Principal) -> Result<ProfileAnswer, AccountError> {
    let (_, user) = users.load_user(own(principal)?).await?.ok_or(AccountError::NoAccount)?;
    let roles = users.roles_of(&user);
    Ok(ProfileAnswer::new(user, roles))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{logged_in, principal};

    #[tokio::test]
    async fn shows_the_caller_and_nobody_else() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        assert_eq!(me(&house.users, &caller).await.unwrap().email, "anna@example.org");
        caller.subject = house.users.nobody().to_string();
        assert!(matches!(me(&house.users, &caller).await, Err(AccountError::NoAccount)));
        caller.subject = "somebody".to_owned();
        assert!(matches!(me(&house.users, &caller).await, Err(AccountError::NoAccount)));
    }

    #[tokio::test]
    async fn needs_the_scope() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        caller.scopes = vec!["payments:read".to_owned()];
        assert!(matches!(me(&house.users, &caller).await, Err(AccountError::Scope)));
    }
}
