//! Erasure as its owner and the other services see it: the request, the receipt, the parts, the keys.

use super::PrivacyError;
use super::confirm::confirm;
use super::store::{ERASE, erasure_change, is_erased, load_erasure};
use super::work::PrivacyWork;
use crate::app::ATTEMPTS;
use crate::app::account::{AccountError, own};
use crate::asked::Asked;
use crate::domain::{Act, Deed, Erasure, User};
use crate::state::{Written, meta, user_key};
use crate::wire::event;
use crate::wire::privacy::{ConfirmRequest, ErasureAnswer, SubjectKeyAnswer};
use crate::{Privacy, Users};
use core::time::Duration;
use ids::{ErasureId, UserId};
use principal::Principal;
use privacy::{ErasurePart, Service};
use records::{Change, Content, RecordsError, TimerStep};

/// When the worker looks at an erasure whose request may have died.
const LOOK_AFTER: Duration = Duration::from_secs(15);

/// Erases the caller's account. From the commit on that says so nobody logs in to it, no session goes on, nobody opens
/// what is sealed about the person, and the address is free; the other services hear of it by the same commit.
///
/// The receipt is written before, without effect while the account is there; killed in between, a repetition goes on where
/// it was. A caller whose account is gone already, with a token that is still out, is given the receipt again.
///
/// # Errors
/// [`PrivacyError`].
pub async fn request_erasure(
    privacy: &Privacy,
    scope: &Asked,
    principal: &Principal,
    request: ConfirmRequest,
) -> Result<ErasureAnswer, PrivacyError> {
    let users = &privacy.users;
    let owner = own(principal)?;
    let id = users.privacy_key.erasure_of(owner);
    let Some((_, user)) = users.load_user(owner).await? else {
        return show_erasure(users, id).await.map_err(|error| match error {
            PrivacyError::NotFound => AccountError::NoAccount.into(),
            error => error,
        });
    };
    confirm(users, scope, &user, request, Act::Erase).await?;
    erase_account(users, scope, owner, id).await?;
    // What is not done now is done by the worker.
    let work = PrivacyWork::new(users.records.clone(), privacy.trail.clone(), users.clock.clone(), "users-privacy");
    let _ = work.look(id, &scope.trace.to_string()).await;
    show_erasure(users, id).await
}

async fn erase_account(users: &Users, scope: &Asked, owner: UserId, id: ErasureId) -> Result<(), PrivacyError> {
    for _ in 0..ATTEMPTS {
        // Somebody else was faster: it is erased all the same.
        let Some((version, user)) = users.load_user(owner).await? else { return Ok(()) };
        let now = users.now();
        let known = load_erasure(&*users.records, id).await?;
        let expected = known.as_ref().map(|(version, _)| *version);
        let erasure = Erasure::request(id, owner, now, login_names(users, &user));
        // A twin that was faster may have been answered by some already: what they did stays in the receipt.
        let erasure = match known {
            Some((_, known)) if !known.parts.is_empty() => Erasure { login_names: erasure.login_names, ..known },
            _ => erasure,
        };
        let receipt = erasure_change(&erasure, expected, meta(scope, owner, now))?
            .with_timer(TimerStep::Set { name: ERASE, due: now.plus(LOOK_AFTER) });
        if users.commit(receipt).await? == Written::Conflict {
            continue;
        }
        let end = Change::new(user_key(owner)?, Some(version), Content::Tombstone, meta(scope, owner, now))
            .with_event(event::erasure_requested(&erasure)?)
            .with_trail(users.told(scope, owner, owner, &Deed::done(Act::Erase))?);
        if users.commit(end).await? == Written::Committed {
            return Ok(());
        }
    }
    Err(AccountError::Contended.into())
}

/// The claims that the account may hold: its address, and the one that it was about to move to.
fn login_names(users: &Users, user: &User) -> Vec<String> {
    let moving = user.email_change.iter().map(|change| &change.to);
    let mut names: Vec<_> =
        [&user.email].into_iter().chain(moving).map(|email| users.email_index_key.name(email)).collect();
    names.dedup();
    names
}

/// The receipt, for whoever has its name: there is nothing personal in it, and the person has no account any more.
///
/// # Errors
/// [`PrivacyError::NotFound`], also for one that was never confirmed; the store's.
pub async fn show_erasure(users: &Users, id: ErasureId) -> Result<ErasureAnswer, PrivacyError> {
    let (_, erasure) = load_erasure(&*users.records, id).await?.ok_or(PrivacyError::NotFound)?;
    if !is_erased(&*users.records, erasure.user).await? {
        return Err(PrivacyError::NotFound);
    }
    Ok(ErasureAnswer::from(&erasure))
}

/// Takes what a service did. The same again changes nothing.
///
/// # Errors
/// [`PrivacyError::Gone`] where there is no such erasure; the store's.
pub async fn take_part(
    users: &Users,
    scope: &Asked,
    id: ErasureId,
    service: Service,
    part: ErasurePart,
) -> Result<(), PrivacyError> {
    for _ in 0..ATTEMPTS {
        let (version, erasure) = load_erasure(&*users.records, id).await?.ok_or(PrivacyError::Gone)?;
        let actor = erasure.user;
        let Some(next) = erasure.with_part(service, part.clone()) else { return Ok(()) };
        let change = erasure_change(&next, Some(version), meta(scope, actor, users.now()))?;
        if users.commit(change).await? == Written::Committed {
            return Ok(());
        }
    }
    // The worker that hands in comes back.
    Err(RecordsError::Unavailable("the receipt changes again and again".to_owned()).into())
}

/// The key of a person's sealed data, for a service.
///
/// # Errors
/// [`PrivacyError::Gone`] where the account was erased, and with it the key; the store's.
pub async fn subject_key(users: &Users, subject: UserId) -> Result<SubjectKeyAnswer, PrivacyError> {
    let (_, user) = users.load_user(subject).await?.ok_or(PrivacyError::Gone)?;
    // A key is made before anything is sealed with it.
    let key = user.subject_key.ok_or(PrivacyError::Gone)?;
    Ok(SubjectKeyAnswer { key: key.expose() })
}
