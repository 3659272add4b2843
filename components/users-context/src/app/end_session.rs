//! End one session of the caller's, such as that of a lost telephone.

use super::ATTEMPTS;
use super::account::{AccountError, own};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, EndReason};
use crate::state::{Written, content, meta, session_key, unlisted};
use crate::wire::body::SessionBody;
use crate::wire::event;
use ids::{SessionId, UserId};
use principal::Principal;
use records::{Change, RecordsError};

/// Why nothing was ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// There is no such session of theirs.
    #[error("the caller has no such session")]
    NoSession,
    /// The token does not open the account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Others changed the session more often than we tried.
    #[error("the session changed again and again")]
    Contended,
}

/// Ends a session of the caller's; ending it twice is as good as once. Its access tokens hold for at most ten more
/// minutes.
///
/// # Errors
/// [`EndSessionError`].
pub async fn end_session(users: &Users, scope: &Asked, principal: &Principal, id: &str) -> Result<(), EndSessionError> {
    let owner = own(principal)?;
    let id = id.parse().map_err(|_| EndSessionError::NoSession)?;
    end(users, scope, owner, id, EndReason::Revoked).await
}

/// What the trail tells of an end.
const fn told(reason: EndReason) -> Deed {
    match reason {
        EndReason::LoggedOut => Deed::done(Act::LogOut),
        EndReason::Revoked | EndReason::TooMany | EndReason::TokenReused => Deed::done(Act::EndSession),
    }
}

/// Ends a session of an account, and takes it out of the list.
pub(super) async fn end(
    users: &Users,
    scope: &Asked,
    owner: UserId,
    id: SessionId,
    reason: EndReason,
) -> Result<(), EndSessionError> {
    for _ in 0..ATTEMPTS {
        let Some((version, session)) = users.load_session(id).await? else { return Err(EndSessionError::NoSession) };
        if session.user != owner {
            return Err(EndSessionError::NoSession);
        }
        let now = users.now();
        let Some(ended) = session.end(reason, now) else { return Ok(()) };
        let body = content(&SessionBody::from(&ended))?;
        let change = Change::new(session_key(id)?, Some(version), body, meta(scope, owner, now))
            .with_event(event::session_ended(&ended)?)
            .with_index(unlisted(&ended)?)
            .with_trail(users.told(scope, owner, owner, &told(reason).about(id))?);
        if users.commit(change).await? == Written::Committed {
            return Ok(());
        }
    }
    Err(EndSessionError::Contended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::refresh::RefreshError;
    use crate::testing::{logged_in, principal};
    use users_wire::{SESSION_ENDED, SessionEndReason, SessionSnapshot};

    #[tokio::test]
    async fn the_session_of_a_lost_telephone_ends_and_the_others_go_on() {
        let (house, laptop) = logged_in().await;
        let telephone = house.log_in().await;
        let caller = principal(&laptop);
        for _ in 0..2 {
            end_session(&house.users, &house.scope, &caller, &telephone.session_id.to_string()).await.unwrap();
        }
        assert!(matches!(house.refresh(&telephone).await, Err(RefreshError::Ended)));
        assert!(house.refresh(&laptop).await.is_ok());
        let ends: Vec<_> = house.memory.events().into_iter().filter(|event| event.kind == SESSION_ENDED).collect();
        let [end] = ends.as_slice() else { panic!("one end, not {ends:?}") };
        assert_eq!(end.data_as::<SessionSnapshot>().unwrap().end_reason, Some(SessionEndReason::Revoked));
    }

    #[tokio::test]
    async fn a_session_of_another_and_none_at_all_answer_alike() {
        let (house, tokens) = logged_in().await;
        let mut caller = principal(&tokens);
        caller.subject = house.users.nobody().to_string();
        for id in [tokens.session_id.to_string(), house.users.new_session_id().to_string(), "ses_x".to_owned()] {
            let refused = end_session(&house.users, &house.scope, &caller, &id).await;
            assert!(matches!(refused, Err(EndSessionError::NoSession)), "{id}");
        }
        assert!(house.refresh(&tokens).await.is_ok());
        caller.scopes.clear();
        let refused = end_session(&house.users, &house.scope, &caller, "").await;
        assert!(matches!(refused, Err(EndSessionError::Account(AccountError::Scope))));
    }
}
