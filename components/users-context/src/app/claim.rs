//! The claim of an address: the one record that says whose it is, created before the account has it and given up after.

use super::ATTEMPTS;
use crate::Users;
use crate::asked::Asked;
use crate::domain::{EmailAddress, User};
use crate::state::{content, login_key, meta, user_key};
use crate::wire::body::{LoginBody, UserBody};
use core::time::Duration;
use ids::UserId;
use records::{Change, Content, RecordsError};

/// After this long a claim that its account does not bear out is one that somebody died over, and may be taken.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(60 * 60);

/// Why nobody has the address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClaimError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// It changed hands more often than we tried.
    #[error("the address is claimed and given up again and again")]
    Contended,
}

/// Claims an address for an account and says who has it now: that account, or the one that had it before. The same
/// calls either way.
pub(super) async fn claim(
    users: &Users,
    scope: &Asked,
    email: &EmailAddress,
    wanted: UserId,
) -> Result<UserId, ClaimError> {
    let name = users.email_index_key.name(email);
    let mut expected = None;
    for _ in 0..ATTEMPTS {
        let now = users.now();
        let body = content(&LoginBody { user_id: wanted, claimed_at: Some(now) })?;
        // Ours or another's: the record says whose it is.
        users.commit(Change::new(login_key(&name)?, expected, body, meta(scope, wanted, now))).await?;
        let claimed = users.load_login(&name).await?;
        let holder = claimed.as_ref().and_then(|(_, body)| body.as_ref());
        let account = user_key(holder.map_or_else(|| users.nobody(), |body| body.user_id))?;
        let account = users.load::<UserBody>(&account).await?;
        match claimed {
            Some((version, Some(body))) => {
                // An erased account has no address, whoever comes to take its claim away.
                let erased = matches!(account, Some((_, None)));
                let account = account.and_then(|(_, body)| Some(User::from(body?)));
                let moved = account.is_some_and(|user| users.email_index_key.name(&user.email) != name);
                let old = body.claimed_at.is_none_or(|at| now.since(at) >= LEFT_BEHIND_AFTER);
                if body.user_id == wanted || !(erased || moved && old) {
                    return Ok(body.user_id);
                }
                expected = Some(version);
            }
            // Given up by its account: claimed again on top of that version.
            Some((version, None)) => expected = Some(version),
            None => expected = None,
        }
    }
    Err(ClaimError::Contended)
}

/// Gives an address up that an account had. Where that fails, the claim opens nothing, and whoever registers the address
/// an hour later takes it.
pub(super) async fn give_up(
    users: &Users,
    scope: &Asked,
    email: &EmailAddress,
    user: &User,
) -> Result<(), RecordsError> {
    let name = users.email_index_key.name(email);
    let Some((version, Some(body))) = users.load_login(&name).await? else { return Ok(()) };
    if body.user_id != user.id {
        return Ok(());
    }
    let change = Change::new(login_key(&name)?, Some(version), Content::Tombstone, meta(scope, user.id, users.now()));
    users.commit(change).await.map(|_| ())
}
