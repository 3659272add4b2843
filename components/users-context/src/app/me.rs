//! Me: the caller's own profile.

use crate::Users;
use crate::wire::api::ProfileAnswer;
use ids::UserId;
use principal::Principal;
use records::RecordsError;

/// The scope that opens the profile.
pub const PROFILE_SCOPE: &str = "profile";

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum MeError {
    /// The token does not open the profile.
    #[error("the scope `{PROFILE_SCOPE}` is needed")]
    Scope,
    /// The account is gone since the token was issued.
    #[error("there is no such account")]
    NoAccount,
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// The caller's profile.
///
/// # Errors
/// [`MeError`].
pub async fn me(users: &Users, principal: &Principal) -> Result<ProfileAnswer, MeError> {
    principal.require_scope(PROFILE_SCOPE).map_err(|_| MeError::Scope)?;
    let id: UserId = principal.subject.parse().map_err(|_| MeError::NoAccount)?;
    let (_, user) = users.load_user(id).await?.ok_or(MeError::NoAccount)?;
    Ok(user.into())
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
        assert!(matches!(me(&house.users, &caller).await, Err(MeError::NoAccount)));
        caller.subject = "somebody".to_owned();
        assert!(matches!(me(&house.users, &caller).await, Err(MeError::NoAccount)));
    }

    #[tokio::test]
    async fn needs_the_scope() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        caller.scopes = vec!["payments:read".to_owned()];
        assert!(matches!(me(&house.users, &caller).await, Err(MeError::Scope)));
    }
}
