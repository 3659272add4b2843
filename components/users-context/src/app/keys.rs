//! API keys: make, list, rotate and revoke one's own; and what the other services ask about one.

use super::account::{AccountError, ProofError, knows_password, own};
use super::{ATTEMPTS, Invalid};
use crate::Users;
use crate::asked::Asked;
use crate::domain::{
    Act, Deed, InvalidProgramKey, KEY_SCOPES, KeySecret, ProgramKey, Status, User, key_name, key_scopes, life, overlap,
};
use crate::state::{Written, content, key_record, keys_of, meta};
use crate::wire::keys::{CreateKeyRequest, KeyAnswer, KeyBody, KeysPage, NewKeyAnswer, RotateKeyRequest};
use api_key::{KeyId, SECRET_BYTES, VerifiedKey, VerifyKey};
use futures::future::join_all;
use hasher_wire::Plain;
use ids::UserId;
use principal::Principal;
use records::{Change, IndexStep, MAX_PAGE, RecordsError};

/// The most keys that an account has at once.
pub const MOST_KEYS: u32 = 20;
/// How long a key lives, unless its owner says otherwise. **Units** days.
const DAYS: u32 = 90;
/// How long a secret goes on beside the next one, unless its owner says otherwise. **Units** hours.
const OVERLAP_HOURS: u32 = 24;

/// Why nothing was done about a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key of theirs; for a service that asks: none that holds, whatever the reason.
    #[error("there is no such key")]
    NoKey,
    /// The account has as many as it may.
    #[error("an account has at most {MOST_KEYS} keys")]
    TooMany,
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The password could not be compared.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The token does not open the account, or a store is gone.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<RecordsError> for KeyError {
    fn from(error: RecordsError) -> Self {
        Self::Account(error.into())
    }
}

impl From<InvalidProgramKey> for KeyError {
    fn from(error: InvalidProgramKey) -> Self {
        let field = match error {
            InvalidProgramKey::Name => "name",
            InvalidProgramKey::Scopes => "scopes",
            InvalidProgramKey::Days => "expires_in_days",
            InvalidProgramKey::Overlap => "overlap_hours",
        };
        Invalid { field, why: error.to_string() }.into()
    }
}

/// Makes a key. Where the answer is lost, the key is there and nobody knows its text: its owner sees it in the list and
/// revokes it.
///
/// # Errors
/// [`KeyError`].
pub async fn create_key(
    users: &Users,
    asked: &Asked,
    principal: &Principal,
    request: CreateKeyRequest,
) -> Result<NewKeyAnswer, KeyError> {
    let id = person(principal)?;
    let (name, scopes) = (key_name(&request.name)?, key_scopes(&request.scopes, &principal.scopes)?);
    let life = life(request.expires_in_days.unwrap_or(DAYS))?;
    prove(users, asked, id, &request.password, Act::CreateKey).await?;
    if users.records.count(&keys_of(id)?).await? >= u64::from(MOST_KEYS) {
        return Err(KeyError::TooMany);
    }
    let now = users.now();
    let key_id = users.new_key_id();
    let (text, secret) = new_secret(users, key_id);
    let key = ProgramKey {
        id: key_id,
        user: id,
        name,
        scopes,
        secrets: vec![secret],
        created_at: now,
        expires_at: now.plus(life),
        revoked_at: None,
    };
    let change = Change::new(key_record(key_id)?, None, content(&KeyBody::from(&key))?, meta(asked, id, now))
        .with_index(listed(&key)?)
        .with_trail(users.told(asked, id, id, &Deed::done(Act::CreateKey).about(key_id))?);
    match users.commit(change).await? {
        Written::Committed => Ok(NewKeyAnswer { key: text, about: KeyAnswer::of(key, now) }),
        Written::Conflict => Err(AccountError::Contended.into()),
    }
}

/// The caller's keys, newest first.
///
/// # Errors
/// [`KeyError`].
pub async fn list_keys(users: &Users, principal: &Principal) -> Result<KeysPage, KeyError> {
    let id = person(principal)?;
    let page = users.records.list(&keys_of(id)?, None, MAX_PAGE).await?;
    let names = page.entries.iter().filter_map(|entry| entry.sort.parse::<KeyId>().ok());
    let now = users.now();
    let mut items = Vec::new();
    for found in join_all(names.map(|name| users.load_key(name))).await {
        if let Some((_, key)) = found? {
            items.push(KeyAnswer::of(key, now));
        }
    }
    Ok(KeysPage { items })
}

/// Gives a key another secret; the one before goes on for a while, so that programs can be changed one by one.
///
/// # Errors
/// [`KeyError`].
pub async fn rotate_key(
    users: &Users,
    asked: &Asked,
    principal: &Principal,
    id: &str,
    request: RotateKeyRequest,
) -> Result<NewKeyAnswer, KeyError> {
    let owner = person(principal)?;
    let overlap = overlap(request.overlap_hours.unwrap_or(OVERLAP_HOURS))?;
    let life = life(request.expires_in_days.unwrap_or(DAYS))?;
    let id = id.parse().map_err(|_| KeyError::NoKey)?;
    prove(users, asked, owner, &request.password, Act::RotateKey).await?;
    let (text, secret) = new_secret(users, id);
    let rotated = change_key(users, asked, owner, id, Act::RotateKey, &|key| {
        // An ended key does not come back.
        key.revoked_at.is_none().then(|| key.rotated(secret.clone(), overlap, life))
    })
    .await?;
    let key = rotated.ok_or(KeyError::NoKey)?;
    Ok(NewKeyAnswer { key: text, about: KeyAnswer::of(key, users.now()) })
}

/// Ends a key; twice is as good as once. What other instances remember of it ends within a minute.
///
/// # Errors
/// [`KeyError`].
pub async fn revoke_key(users: &Users, asked: &Asked, principal: &Principal, id: &str) -> Result<(), KeyError> {
    let owner = person(principal)?;
    let id = id.parse().map_err(|_| KeyError::NoKey)?;
    let now = users.now();
    change_key(users, asked, owner, id, Act::RevokeKey, &|key| key.revoked(now)).await.map(drop)
}

/// Who has a key that a program showed to another service.
///
/// # Errors
/// [`KeyError::NoKey`] whatever the reason: never made, another secret, ended, expired, or its account may not be used.
pub async fn verify_key(users: &Users, question: &VerifyKey) -> Result<VerifiedKey, KeyError> {
    let digest = question.digest().ok_or(KeyError::NoKey)?;
    let (_, key) = users.load_key(question.id).await?.ok_or(KeyError::NoKey)?;
    let (_, user) = users.load_user(key.user).await?.ok_or(KeyError::NoKey)?;
    let usable = user.status == Status::Active && !user.must_reset;
    if !usable || !key.is_opened_by(&digest, users.now()) {
        return Err(KeyError::NoKey);
    }
    // What keys may be allowed is decided now, not when the key was made.
    let scopes = key.scopes.into_iter().filter(|scope| KEY_SCOPES.contains(&scope.as_str())).collect();
    let plan = user.roles.iter().find_map(|role| role.strip_prefix("plan:")).map(str::to_owned);
    Ok(VerifiedKey { user_id: key.user, scopes, plan, expires_at: key.expires_at })
}

/// The account of a caller who logged in: a key manages no keys.
fn person(principal: &Principal) -> Result<UserId, AccountError> {
    principal.session.as_ref().ok_or(AccountError::Scope)?;
    own(principal)
}

async fn prove(users: &Users, asked: &Asked, id: UserId, password: &Plain, act: Act) -> Result<User, KeyError> {
    let (_, user) = users.load_user(id).await?.ok_or(AccountError::NoAccount)?;
    if knows_password(users, asked, &user, password, act).await? {
        return Ok(user);
    }
    Err(Invalid { field: "password", why: "it is not the present password".to_owned() }.into())
}

fn new_secret(users: &Users, id: KeyId) -> (String, KeySecret) {
    let mut secret = [0; SECRET_BYTES];
    users.random.fill(&mut secret);
    let text = api_key::text(id, &secret);
    let last_four = text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    let kept = KeySecret { digest: api_key::digest(&secret), last_four, created_at: users.now(), ends_at: None };
    (text, kept)
}

fn listed(key: &ProgramKey) -> Result<IndexStep, RecordsError> {
    Ok(IndexStep::Put { index: keys_of(key.user)?, sort: key.id.to_string(), summary: "{}".to_owned() })
}

/// Changes a key of the owner's; decides again when somebody else changed it in between. `None` where nothing was to be
/// done.
async fn change_key(
    users: &Users,
    asked: &Asked,
    owner: UserId,
    id: KeyId,
    act: Act,
    decide: &(dyn Fn(ProgramKey) -> Option<ProgramKey> + Sync),
) -> Result<Option<ProgramKey>, KeyError> {
    for _ in 0..ATTEMPTS {
        let (version, key) = users.load_key(id).await?.ok_or(KeyError::NoKey)?;
        if key.user != owner {
            return Err(KeyError::NoKey);
        }
        let Some(next) = decide(key) else { return Ok(None) };
        let body = content(&KeyBody::from(&next))?;
        let mut change = Change::new(key_record(id)?, Some(version), body, meta(asked, owner, users.now()))
            .with_trail(users.told(asked, owner, owner, &Deed::done(act).about(id))?);
        if next.revoked_at.is_some() {
            change = change.with_index(IndexStep::Remove { index: keys_of(owner)?, sort: id.to_string() });
        }
        if users.commit(change).await? == Written::Committed {
            return Ok(Some(next));
        }
    }
    Err(AccountError::Contended.into())
}

#[cfg(test)]
mod tests;
