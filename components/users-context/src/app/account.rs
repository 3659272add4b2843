//! What use cases on the caller's own account share: whose it is, and a change of it that decides again when somebody
//! else was faster.

use super::ATTEMPTS;
use super::throttling::{AttemptError, at_password};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{Act, Deed, EmailAddress, Password, User, Why};
use crate::hashing::HashingError;
use crate::state::{Written, content, meta, user_key};
use crate::wire::body::UserBody;
use events::NewEvent;
use hasher_wire::Plain;
use ids::UserId;
use principal::Principal;
use records::{Change, RecordsError, Version};

/// The scope that opens the caller's own account.
pub const PROFILE_SCOPE: &str = "profile";

/// Why nothing was done to an account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The token does not open the account.
    #[error("the scope `{PROFILE_SCOPE}` is needed")]
    Scope,
    /// The account is gone since the token was issued, or never was.
    #[error("there is no such account")]
    NoAccount,
    /// A store is gone.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Others changed the account more often than we tried.
    #[error("the account changed again and again")]
    Contended,
}

/// The account of a caller whose token opens it.
pub(super) fn own(principal: &Principal) -> Result<UserId, AccountError> {
    principal.require_scope(PROFILE_SCOPE).map_err(|_| AccountError::Scope)?;
    principal.subject.parse().map_err(|_| AccountError::NoAccount)
}

/// The name under which an address is claimed, however it is spelt; of a text that is none, a name that nobody has.
pub(super) fn login_name(users: &Users, email: &str) -> String {
    match EmailAddress::parse(email) {
        Ok(email) => users.email_index_key.name(&email),
        Err(_) => users.email_index_key.name_of_nobody(email),
    }
}

/// The account of an address, in two loads whatever there is.
pub(super) async fn by_email(users: &Users, email: &str) -> Result<Option<(Version, User)>, RecordsError> {
    let name = login_name(users, email);
    let claimed = users.load_login(&name).await?.and_then(|(_, body)| body);
    let found = users.load_user(claimed.map_or_else(|| users.nobody(), |body| body.user_id)).await?;
    // A claim may be ahead of its account, or have been left behind by it (see `claim`): then it opens nothing.
    Ok(found.filter(|(_, user)| users.email_index_key.name(&user.email) == name))
}

/// Why a password was not compared.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// There were too many attempts, or they cannot be counted.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// The hasher has no answer.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// What was refused could not be written down.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Whether what was typed is the password of an account to which the caller is logged in: an attempt that counts, so that
/// a stolen token does not open the way to guessing, and is told as what it was for.
pub(super) async fn knows_password(
    users: &Users,
    scope: &Asked,
    user: &User,
    typed: &Plain,
    act: Act,
) -> Result<bool, ProofError> {
    let attempt = at_password(users, user.id).await?;
    let password = Password::attempt(typed);
    match users.hashing.verify(password.as_ref(), Some(&user.password_phc), scope).await {
        Ok(verified) if verified.matches => attempt.succeeded().await,
        Ok(_) => {
            users.refused(scope, Some(user.id), Some(user.id), Deed::refused(act, Why::Password)).await?;
            return Ok(false);
        }
        Err(error) => {
            attempt.undecided().await;
            return Err(error.into());
        }
    }
    Ok(true)
}

/// The state of an account after a decision, and what is told of it.
pub(super) struct Next {
    pub(super) user: User,
    pub(super) events: Vec<NewEvent>,
    /// What the audit trail says of it; `None` where it is not told.
    pub(super) deed: Option<Deed>,
}

/// Loads an account, decides and commits; decides again when somebody else changed it in between. Where the decision is
/// that nothing is to be done, the account comes back as it is.
pub(super) async fn change_account<E: From<AccountError>>(
    users: &Users,
    scope: &Asked,
    id: UserId,
    actor: UserId,
    decide: &mut (dyn FnMut(User) -> Result<Option<Next>, E> + Send),
) -> Result<User, E> {
    for _ in 0..ATTEMPTS {
        let found = users.load_user(id).await.map_err(AccountError::Records)?;
        let (version, user) = found.ok_or(AccountError::NoAccount)?;
        let Some(mut next) = decide(user.clone())? else { return Ok(user) };
        // An account of before the seal has a key from its next change on.
        next.user.subject_key.get_or_insert_with(|| users.new_subject_key());
        let key = user_key(id).map_err(AccountError::Records)?;
        let body = content(&UserBody::from(&next.user)).map_err(AccountError::Records)?;
        let mut change = Change::new(key, Some(version), body, meta(scope, actor, users.now()));
        for event in next.events {
            change.events.push(users.sealed(&next.user, event).map_err(AccountError::Records)?);
        }
        if let Some(deed) = next.deed {
            change.trail.push(users.told(scope, id, actor, &deed).map_err(AccountError::Records)?);
        }
        if users.commit(change).await.map_err(AccountError::Records)? == Written::Committed {
            return Ok(next.user);
        }
    }
    Err(AccountError::Contended.into())
}
