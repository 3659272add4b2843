//! Refresh: a used-up token for the next pair, or the end of the family.

use super::{ATTEMPTS, device, tokens};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Credentials, Deed, RefreshToken, Refreshed, Refusal, Session, Why};
use crate::state::{Written, content, meta, session_key, unlisted};
use crate::wire::api::{RefreshRequest, TokensAnswer};
use crate::wire::body::SessionBody;
use crate::wire::event;
use principal::Client;
use records::{Change, RecordsError, Version};

/// Why the session does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is none of ours, or its session is over.
    #[error("the session has ended")]
    Ended,
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Others changed the session more often than we tried.
    #[error("the session changed again and again")]
    Contended,
}

/// Refreshes a session.
///
/// Twins that present the same token at once get the same next token: one commits, the other finds the new number
/// within the grace. Where the answer of a commit is lost, the caller's repetition within the grace finds it too.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(
    users: &Users,
    scope: &Asked,
    client: &Client,
    request: RefreshRequest,
) -> Result<TokensAnswer, RefreshError> {
    let token: RefreshToken = request.refresh_token.parse().map_err(|_| RefreshError::Ended)?;
    for _ in 0..ATTEMPTS {
        let Some((version, session)) = users.load_session(token.session).await? else {
            return Err(RefreshError::Ended);
        };
        if !users.refresh_key.proves(&token, session.credential_epoch) {
            return Err(RefreshError::Ended);
        }
        let Some((_, user)) = users.load_user(session.user).await? else { return Err(RefreshError::Ended) };
        let account: Credentials = user.credentials();
        let now = users.now();
        match session.refresh(token.number, account, now) {
            Ok(Refreshed::Repeated) => return Ok(tokens(users, &user, &session, now)),
            Ok(Refreshed::Rotated(next)) => {
                let next = next.seen_from(device(client));
                if users.commit(step(scope, version, &next)?).await? == Written::Committed {
                    return Ok(tokens(users, &user, &next, now));
                }
            }
            Err(Refusal::Reused(ended)) => {
                let change = step(scope, version, &ended)?
                    .with_event(event::session_ended(&ended)?)
                    .with_index(unlisted(&ended)?)
                    .with_trail(users.told(scope, user.id, user.id, &reused(&ended))?);
                if users.commit(change).await? == Written::Committed {
                    return Err(RefreshError::Ended);
                }
            }
            Err(Refusal::Ended | Refusal::Expired | Refusal::Idle | Refusal::CredentialsChanged) => {
                return Err(RefreshError::Ended);
            }
        }
    }
    Err(RefreshError::Contended)
}

/// Somebody has a copy of a token: the account's owner or a thief, nobody knows.
fn reused(session: &Session) -> Deed {
    Deed::refused(Act::ReuseRefreshToken, Why::Token).about(session.id)
}

/// The change of a session to its next state, which carries the moment of its last step.
fn step(scope: &Asked, version: Version, next: &Session) -> Result<Change, RecordsError> {
    let at = next.ended.map_or(next.rotated_at, |end| end.at);
    Ok(Change::new(
        session_key(next.id)?,
        Some(version),
        content(&SessionBody::from(next))?,
        meta(scope, next.user, at),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RefreshKey, SecretKey};
    use crate::testing::{House, logged_in};
    use users_wire::{SESSION_ENDED, SessionEndReason, SessionSnapshot};

    async fn present(house: &House, token: &str) -> Result<TokensAnswer, RefreshError> {
        refresh(&house.users, &house.scope, &house.client, RefreshRequest { refresh_token: token.to_owned() }).await
    }

    fn ended(outcome: &Result<TokensAnswer, RefreshError>) -> bool {
        matches!(outcome, Err(RefreshError::Ended))
    }

    #[tokio::test]
    async fn each_refresh_hands_out_the_next_token() {
        let (house, first) = logged_in().await;
        let second = present(&house, &first.refresh_token).await.unwrap();
        let third = present(&house, &second.refresh_token).await.unwrap();
        assert_ne!(first.refresh_token, second.refresh_token);
        assert_ne!(second.refresh_token, third.refresh_token);
        assert_eq!(third.session_id, first.session_id);
        assert_ne!(third.access_token, first.access_token, "each access token has a name of its own");
    }

    #[tokio::test]
    async fn twins_within_the_grace_get_the_same_token() {
        let (house, first) = logged_in().await;
        let both = futures::future::join_all((0..8).map(|_| present(&house, &first.refresh_token))).await;
        let answers: Vec<String> = both.into_iter().map(|answer| answer.unwrap().refresh_token).collect();
        assert!(answers.iter().all(|token| *token == answers[0]), "{answers:?}");
        assert_ne!(answers[0], first.refresh_token);
        assert!(house.most_at_once() > 1, "they really ran at the same time");
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_again_within_the_grace() {
        let (house, first) = logged_in().await;
        house.lose_commit(0);
        assert!(matches!(present(&house, &first.refresh_token).await, Err(RefreshError::Records(_))));
        let again = present(&house, &first.refresh_token).await.unwrap();
        let (_, session) = house.users.load_session(first.session_id).await.unwrap().unwrap();
        assert_eq!(session.number, 2, "one rotation, not two");
        assert!(present(&house, &again.refresh_token).await.is_ok());
    }

    #[tokio::test]
    async fn a_used_token_ends_the_family_and_only_this_family() {
        let (house, first) = logged_in().await;
        let other = house.log_in().await;
        let second = present(&house, &first.refresh_token).await.unwrap();
        house.clock.advance_ms(10_001);
        assert!(ended(&present(&house, &first.refresh_token).await));
        assert!(ended(&present(&house, &second.refresh_token).await), "the thief and the owner both");
        assert!(present(&house, &other.refresh_token).await.is_ok());

        let event = house.memory.events().into_iter().find(|event| event.kind == SESSION_ENDED).unwrap();
        let snapshot: SessionSnapshot = event.data_as().unwrap();
        assert_eq!((snapshot.id, snapshot.end_reason), (first.session_id, Some(SessionEndReason::TokenReused)));
    }

    #[tokio::test]
    async fn many_thieves_end_the_family_once() {
        let (house, first) = logged_in().await;
        present(&house, &first.refresh_token).await.unwrap();
        house.clock.advance_ms(10_001);
        for outcome in futures::future::join_all((0..8).map(|_| present(&house, &first.refresh_token))).await {
            assert!(ended(&outcome));
        }
        let ends = house.memory.events().into_iter().filter(|event| event.kind == SESSION_ENDED).count();
        assert_eq!(ends, 1);
    }

    #[tokio::test]
    async fn forged_and_foreign_tokens_change_nothing() {
        let (house, first) = logged_in().await;
        let forged = RefreshKey::new(SecretKey::new(&[9; 32]).unwrap()).issue(first.session_id, 1, 1).to_string();
        let unknown = house.users.refresh_key.issue(house.users.new_session_id(), 1, 1).to_string();
        for token in ["", "rt1", &forged, &unknown, &first.access_token, &format!("{}x", first.refresh_token)] {
            assert!(ended(&present(&house, token).await), "{token}");
        }
        assert!(present(&house, &first.refresh_token).await.is_ok(), "a stranger cannot end a session");
    }

    #[tokio::test]
    async fn a_new_credential_epoch_ends_the_sessions_that_began_before() {
        let (house, first) = logged_in().await;
        house.change_user(|user| user.credential_epoch += 1).await;
        assert!(ended(&present(&house, &first.refresh_token).await));
        let fresh = house.log_in().await;
        assert!(present(&house, &fresh.refresh_token).await.is_ok());
    }

    #[tokio::test]
    async fn a_session_that_is_changed_again_and_again_is_a_conflict() {
        let (house, first) = logged_in().await;
        house.always_conflict();
        assert!(matches!(present(&house, &first.refresh_token).await, Err(RefreshError::Contended)));
    }

    #[tokio::test]
    async fn ten_thousand_refreshes_at_once_leave_every_family_legal() {
        const FAMILIES: usize = 20;
        const ROUNDS: usize = 10;
        const TWINS: usize = 50;
        let (house, first) = logged_in().await;
        let mut families = vec![vec![first.refresh_token]];
        for _ in 1..FAMILIES {
            families.push(vec![house.log_in().await.refresh_token]);
        }
        for round in 0..ROUNDS {
            // Every twin of every family at once; in odd rounds some of every second family come with an old token.
            let presented: Vec<(usize, String)> = (0..FAMILIES * TWINS)
                .map(|place| {
                    let tokens = &families[place % FAMILIES];
                    let old = round % 2 == 1 && place.is_multiple_of(7) && (place % FAMILIES).is_multiple_of(2);
                    (place % FAMILIES, tokens[tokens.len().saturating_sub(1 + usize::from(old))].clone())
                })
                .collect();
            let answers = futures::future::join_all(presented.iter().map(|(_, token)| present(&house, token))).await;
            for ((family, _), answer) in presented.iter().zip(answers) {
                match answer {
                    Ok(tokens) if !families[*family].contains(&tokens.refresh_token) => {
                        families[*family].push(tokens.refresh_token);
                    }
                    Ok(_) | Err(RefreshError::Ended | RefreshError::Contended) => {}
                    Err(RefreshError::Records(error)) => panic!("{error}"),
                }
            }
            house.clock.advance_ms(if round % 3 == 2 { 10_001 } else { 100 });
        }
        for tokens in &families {
            let last: RefreshToken = tokens.last().unwrap().parse().unwrap();
            let (_, session) = house.users.load_session(last.session).await.unwrap().unwrap();
            assert_eq!(session.number as usize, tokens.len(), "each number was handed out once, and none was left out");
            let alive = present(&house, tokens.last().unwrap()).await.is_ok();
            assert_eq!(alive, session.ended.is_none(), "a family that nobody ended goes on");
        }
        let ended = house.memory.events().into_iter().filter(|event| event.kind == SESSION_ENDED).count();
        assert_eq!(ended, FAMILIES / 2, "exactly those in which a used token came back after the grace");
    }
}
