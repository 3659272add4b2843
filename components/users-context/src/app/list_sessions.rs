//! List sessions: where the caller is logged in.

use super::account::{AccountError, own};
use crate::Users;
use crate::domain::Session;
use crate::state::{session_id_of, sessions_of};
use crate::wire::session::{SessionAnswer, SessionsPage};
use futures::future::{join_all, try_join};
use principal::Principal;
use records::{Cursor, RecordsError};

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListSessionsError {
    /// The caller's cursor is none that a page named.
    #[error("the cursor is not one that a page named")]
    Cursor,
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<RecordsError> for ListSessionsError {
    fn from(error: RecordsError) -> Self {
        Self::Account(error.into())
    }
}

/// The caller's sessions that could be continued, newest login first. A page may hold fewer than asked for: sessions that
/// expired stay in the index until the account has too many, and are left out here.
///
/// # Errors
/// [`ListSessionsError`].
pub async fn list_sessions(
    users: &Users,
    principal: &Principal,
    cursor: Option<String>,
    limit: u32,
) -> Result<SessionsPage, ListSessionsError> {
    let owner = own(principal)?;
    let (index, cursor) = (sessions_of(owner)?, cursor.map(Cursor));
    let listed = async {
        match users.records.list(&index, cursor.as_ref(), limit).await {
            // The limit was checked before, so that only the cursor is left to blame.
            Err(RecordsError::Invalid(_)) if cursor.is_some() => Err(ListSessionsError::Cursor),
            page => Ok::<_, ListSessionsError>(page?),
        }
    };
    let account = async { Ok::<_, ListSessionsError>(users.load_user(owner).await?) };
    let (page, account) = try_join(listed, account).await?;
    let (_, user) = account.ok_or(AccountError::NoAccount)?;

    let ids = page.entries.iter().filter_map(|entry| session_id_of(&entry.key));
    let loaded = join_all(ids.map(|id| users.load_session(id))).await;
    let (credentials, now) = (user.credentials(), users.now());
    let mut items = Vec::new();
    for session in loaded {
        let Some((_, session)) = session? else { continue };
        if session.is_live(credentials, now) {
            items.push(answer(session, principal));
        }
    }
    Ok(SessionsPage { items, next_cursor: page.next.map(|cursor| cursor.0) })
}

fn answer(session: Session, caller: &Principal) -> SessionAnswer {
    let Session { id, rotated_at, created_at, expires_at, device, .. } = session;
    SessionAnswer {
        id,
        current: caller.session.as_deref() == Some(id.to_string().as_str()),
        agent: device.agent,
        address: device.address,
        created_at,
        last_used_at: rotated_at,
        expires_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::end_session::end_session;
    use crate::app::log_out::log_out;
    use crate::testing::{House, client, logged_in, principal};
    use ids::SessionId;

    async fn ids(house: &House, caller: &Principal) -> Vec<SessionId> {
        let page = list_sessions(&house.users, caller, None, 50).await.unwrap();
        page.items.into_iter().map(|session| session.id).collect()
    }

    #[tokio::test]
    async fn shows_where_the_caller_is_logged_in_and_which_one_asks() {
        let (mut house, laptop) = logged_in().await;
        house.clock.advance_ms(60_000);
        house.client = client("203.0.113.9", "Telephone/1.0");
        let telephone = house.log_in().await;
        let page = list_sessions(&house.users, &principal(&telephone), None, 50).await.unwrap();
        let shown: Vec<_> = page
            .items
            .iter()
            .map(|item| (item.id, item.current, item.agent.as_deref(), item.address.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                (telephone.session_id, true, Some("Telephone/1.0"), Some("203.0.113.9")),
                (laptop.session_id, false, Some("Laptop/1.0"), Some("192.0.2.1")),
            ]
        );
        assert_eq!(page.next_cursor, None);
    }

    #[tokio::test]
    async fn a_refresh_shows_from_where_it_came() {
        let (mut house, tokens) = logged_in().await;
        house.client = client("2001:db8::7", "Laptop/2.0");
        house.clock.advance_ms(60_000);
        house.refresh(&tokens).await.unwrap();
        let page = list_sessions(&house.users, &principal(&tokens), None, 50).await.unwrap();
        assert_eq!(page.items[0].agent.as_deref(), Some("Laptop/2.0"));
        assert_eq!(page.items[0].address.as_deref(), Some("2001:db8::7"));
        assert_eq!(page.items[0].last_used_at, house.users.now());
    }

    #[tokio::test]
    async fn what_is_over_is_not_shown() {
        let (house, first) = logged_in().await;
        let second = house.log_in().await;
        log_out(&house.users, &house.scope, &principal(&first)).await.unwrap();
        assert_eq!(ids(&house, &principal(&second)).await, [second.session_id]);
        let third = house.log_in().await;
        end_session(&house.users, &house.scope, &principal(&third), &second.session_id.to_string()).await.unwrap();
        assert_eq!(ids(&house, &principal(&third)).await, [third.session_id]);
        house.clock.advance_ms(8 * 86_400_000);
        assert!(ids(&house, &principal(&third)).await.is_empty(), "idle for too long");
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_a_gap() {
        let (house, first) = logged_in().await;
        for _ in 0..4 {
            house.clock.advance_ms(1_000);
            house.log_in().await;
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = list_sessions(&house.users, &principal(&first), cursor, 2).await.unwrap();
            seen.extend(page.items.into_iter().map(|session| session.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids(&house, &principal(&first)).await);
        assert_eq!(seen.len(), 5);
        let forged = list_sessions(&house.users, &principal(&first), Some("%".to_owned()), 2).await;
        assert!(matches!(forged, Err(ListSessionsError::Cursor)));
    }
}
