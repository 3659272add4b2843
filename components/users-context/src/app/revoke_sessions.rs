//! Log out everywhere: every session of the account ends at once, whichever service or device it is in.

use super::account::{AccountError, Next, change_account, own};
use super::{renew, tokens};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed};
use crate::wire::api::TokensAnswer;
use crate::wire::event;
use principal::Principal;
use users_wire::RevokeReason;

/// Ends every session of the caller's by one commit: a new credential epoch, which no refresh token of before repeats.
/// Access tokens hold for at most ten more minutes.
///
/// # Errors
/// [`AccountError`].
pub async fn revoke_sessions(users: &Users, scope: &Asked, principal: &Principal) -> Result<(), AccountError> {
    revoke(users, scope, principal).await.map(|_| ())
}

/// Ends every session of the caller's but the one that asks, which goes on with new tokens; `None` where that is over too.
/// Killed between the two commits, it has ended with the others.
///
/// # Errors
/// [`AccountError`].
pub async fn revoke_other_sessions(
    users: &Users,
    scope: &Asked,
    principal: &Principal,
) -> Result<Option<TokensAnswer>, AccountError> {
    let user = revoke(users, scope, principal).await?;
    let session = renew(users, scope, principal, &user).await?;
    Ok(session.map(|session| tokens(users, &user, &session, users.now())))
}

async fn revoke(users: &Users, scope: &Asked, principal: &Principal) -> Result<crate::domain::User, AccountError> {
    let id = own(principal)?;
    change_account(users, scope, id, id, &mut |user| {
        let user = user.revoking_sessions();
        let told = event::sessions_revoked(&user, RevokeReason::LoggedOutEverywhere)?;
        Ok(Some(Next { user, events: vec![told], deed: Some(Deed::done(Act::LogOutEverywhere)) }))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::list_sessions::list_sessions;
    use crate::app::refresh::RefreshError;
    use crate::testing::{logged_in, principal};
    use users_wire::{SESSIONS_REVOKED, SessionsRevoked};

    #[tokio::test]
    async fn every_session_ends_by_one_commit() {
        let (house, first) = logged_in().await;
        let second = house.log_in().await;
        let before = house.memory.commits();
        revoke_sessions(&house.users, &house.scope, &principal(&first)).await.unwrap();
        assert_eq!(house.memory.commits(), before + 1);
        for tokens in [&first, &second] {
            assert!(matches!(house.refresh(tokens).await, Err(RefreshError::Ended)));
        }
        let event = house.memory.events().pop().unwrap();
        assert_eq!((event.kind.as_str(), &event.personal), (SESSIONS_REVOKED, &None));
        let told: SessionsRevoked = event.data_as().unwrap();
        assert_eq!((told.user_id, told.reason), (first.user_id, RevokeReason::LoggedOutEverywhere));
        let fresh = house.log_in().await;
        let page = list_sessions(&house.users, &principal(&fresh), None, 50).await.unwrap();
        assert_eq!(page.items.len(), 1, "the others are not shown");
    }

    #[tokio::test]
    async fn the_one_that_asks_may_go_on() {
        let (house, mine) = logged_in().await;
        let other = house.log_in().await;
        let renewed = revoke_other_sessions(&house.users, &house.scope, &principal(&mine)).await.unwrap().unwrap();
        assert_eq!(renewed.session_id, mine.session_id);
        assert!(matches!(house.refresh(&other).await, Err(RefreshError::Ended)));
        assert!(matches!(house.refresh(&mine).await, Err(RefreshError::Ended)), "the token of before is void");
        assert!(house.refresh(&renewed).await.is_ok(), "and its return did not end the family");
    }

    #[tokio::test]
    async fn killed_before_the_renewal_all_are_logged_out_and_nobody_is_locked_out() {
        let (house, mine) = logged_in().await;
        house.fail_commit_after_next();
        assert!(revoke_other_sessions(&house.users, &house.scope, &principal(&mine)).await.is_err());
        assert!(matches!(house.refresh(&mine).await, Err(RefreshError::Ended)));
        let fresh = house.log_in().await;
        assert!(house.refresh(&fresh).await.is_ok());
    }

    #[tokio::test]
    async fn a_refresh_at_the_same_time_does_not_survive() {
        let (house, mine) = logged_in().await;
        let caller = principal(&mine);
        let (out, refreshed) =
            futures::future::join(revoke_sessions(&house.users, &house.scope, &caller), house.refresh(&mine)).await;
        out.unwrap();
        if let Ok(next) = refreshed {
            assert!(matches!(house.refresh(&next).await, Err(RefreshError::Ended)));
        }
    }
}
