//! Log out: end the session that the caller's token came from.

use super::end_session::{EndSessionError, end};
use crate::Users;
use crate::asked::Asked;
use crate::domain::EndReason;
use ids::{SessionId, UserId};
use principal::Principal;

/// Ends the caller's session; ending it twice is as good as once. Its access tokens hold for at most ten more minutes.
///
/// # Errors
/// [`EndSessionError`]; the scope does not matter, because whoever has a token may give it up.
pub async fn log_out(users: &Users, scope: &Asked, principal: &Principal) -> Result<(), EndSessionError> {
    let nobody = EndSessionError::NoSession;
    let Some(id) = principal.session.as_deref().and_then(|id| id.parse::<SessionId>().ok()) else { return Err(nobody) };
    let Ok(owner) = principal.subject.parse::<UserId>() else { return Err(nobody) };
    end(users, scope, owner, id, EndReason::LoggedOut).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::refresh::{RefreshError, refresh};
    use crate::testing::{logged_in, principal};
    use crate::wire::api::RefreshRequest;
    use users_wire::SESSION_ENDED;

    #[tokio::test]
    async fn afterwards_the_session_cannot_be_continued_and_once_is_enough() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        for _ in 0..2 {
            log_out(&house.users, &house.scope, &caller).await.unwrap();
        }
        let request = RefreshRequest { refresh_token: tokens.refresh_token };
        assert!(matches!(refresh(&house.users, &house.scope, &house.client, request).await, Err(RefreshError::Ended)));
        assert_eq!(house.memory.events().into_iter().filter(|event| event.kind == SESSION_ENDED).count(), 1);
    }

    #[tokio::test]
    async fn a_refresh_at_the_same_time_does_not_keep_the_session_alive() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let request = RefreshRequest { refresh_token: tokens.refresh_token.clone() };
        let (out, refreshed) = futures::future::join(
            log_out(&house.users, &house.scope, &caller),
            refresh(&house.users, &house.scope, &house.client, request),
        )
        .await;
        out.unwrap();
        if let Ok(next) = refreshed {
            let request = RefreshRequest { refresh_token: next.refresh_token };
            assert!(matches!(
                refresh(&house.users, &house.scope, &house.client, request).await,
                Err(RefreshError::Ended)
            ));
        }
        let (_, session) = house.users.load_session(tokens.session_id).await.unwrap().unwrap();
        assert!(session.ended.is_some());
    }

    #[tokio::test]
    async fn nobody_ends_the_session_of_another() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        caller.subject = house.users.nobody().to_string();
        assert!(matches!(log_out(&house.users, &house.scope, &caller).await, Err(EndSessionError::NoSession)));
        caller.session = None;
        assert!(matches!(log_out(&house.users, &house.scope, &caller).await, Err(EndSessionError::NoSession)));
    }
}
