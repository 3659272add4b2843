//! Log out: end the session that the caller's token came from.

use super::ATTEMPTS;
use crate::Users;
use crate::state::{Written, content, meta, session_key};
use crate::wire::body::SessionBody;
use crate::wire::event;
use ids::SessionId;
use principal::{Principal, RequestScope};
use records::{Change, RecordsError};

/// Why nothing was ended.
#[derive(Debug, thiserror::Error)]
pub enum LogOutError {
    /// The caller's token came from no session of theirs.
    #[error("the token came from no session")]
    NoSession,
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Others changed the session more often than we tried.
    #[error("the session changed again and again")]
    Contended,
}

/// Ends the caller's session; ending it twice is as good as once. Its access tokens hold for at most ten more minutes.
///
/// # Errors
/// [`LogOutError`].
pub async fn log_out(users: &Users, scope: &RequestScope, principal: &Principal) -> Result<(), LogOutError> {
    let id: SessionId = principal.session.as_deref().and_then(|id| id.parse().ok()).ok_or(LogOutError::NoSession)?;
    for _ in 0..ATTEMPTS {
        let Some((version, session)) = users.load_session(id).await? else { return Err(LogOutError::NoSession) };
        if session.user.to_string() != principal.subject {
            return Err(LogOutError::NoSession);
        }
        let now = users.now();
        let Some(ended) = session.log_out(now) else { return Ok(()) };
        let change = Change::new(
            session_key(id)?,
            Some(version),
            content(&SessionBody::from(&ended))?,
            meta(scope, ended.user, now),
        )
        .with_event(event::session_ended(&ended)?);
        if users.commit(change).await? == Written::Committed {
            return Ok(());
        }
    }
    Err(LogOutError::Contended)
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
        assert!(matches!(refresh(&house.users, &house.scope, request).await, Err(RefreshError::Ended)));
        assert_eq!(house.memory.events().into_iter().filter(|event| event.kind == SESSION_ENDED).count(), 1);
    }

    #[tokio::test]
    async fn a_refresh_at_the_same_time_does_not_keep_the_session_alive() {
        let (house, tokens) = logged_in().await;
        let caller = principal(&tokens);
        let request = RefreshRequest { refresh_token: tokens.refresh_token.clone() };
        let (out, refreshed) = futures::future::join(
            log_out(&house.users, &house.scope, &caller),
            refresh(&house.users, &house.scope, request),
        )
        .await;
        out.unwrap();
        if let Ok(next) = refreshed {
            let request = RefreshRequest { refresh_token: next.refresh_token };
            assert!(matches!(refresh(&house.users, &house.scope, request).await, Err(RefreshError::Ended)));
        }
        let (_, session) = house.users.load_session(tokens.session_id).await.unwrap().unwrap();
        assert!(session.ended.is_some());
    }

    #[tokio::test]
    async fn nobody_ends_the_session_of_another() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        caller.subject = house.users.nobody().to_string();
        assert!(matches!(log_out(&house.users, &house.scope, &caller).await, Err(LogOutError::NoSession)));
        caller.session = None;
        assert!(matches!(log_out(&house.users, &house.scope, &caller).await, Err(LogOutError::NoSession)));
    }
}
