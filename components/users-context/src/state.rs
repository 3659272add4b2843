//! What every use case holds: the ports and keys of the context, and typed access to its records.

use crate::domain::{EmailIndexKey, RefreshKey, Session, User};
use crate::hashing::PasswordHashing;
use crate::issuer::Issuer;
use crate::wire::body::{LoginBody, SessionBody, UserBody};
use ambient::{Clock, Random, Timestamp, uuid_v7};
use bytes::Bytes;
use ids::{Partition, SessionId, UserId};
use principal::RequestScope;
use records::{Change, Content, Meta, Outcome, RecordKey, Records, RecordsError, Refusal, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;

/// Accounts have one partition (ARCHITECTURE: the way from an address to its account must be found without one).
const PARTITION: Partition = 0;

/// The state of the context's routes; cheap to clone.
#[derive(Clone)]
pub struct Users {
    /// Accounts, sessions and the index of addresses.
    pub records: Arc<dyn Records>,
    /// Where passwords are hashed.
    pub hashing: Arc<dyn PasswordHashing>,
    /// The clock of the use cases.
    pub clock: Arc<dyn Clock>,
    /// Randomness for names.
    pub random: Arc<dyn Random>,
    /// Issues access tokens.
    pub issuer: Arc<Issuer>,
    /// Makes refresh tokens genuine.
    pub refresh_key: RefreshKey,
    /// Names the index of e-mail addresses.
    pub email_index_key: EmailIndexKey,
}

/// What became of a change here: the context uses neither once-rows nor postings, so nothing else can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is true and durable.
    Committed,
    /// Somebody was faster: load again and decide again.
    Conflict,
}

impl Users {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn new_uuid(&self) -> Uuid {
        uuid_v7(self.clock.as_ref(), self.random.as_ref())
    }

    pub(crate) fn new_user_id(&self) -> UserId {
        UserId::new(PARTITION, self.new_uuid())
    }

    pub(crate) fn new_session_id(&self) -> SessionId {
        SessionId::new(PARTITION, self.new_uuid())
    }

    /// The account that nobody has: loaded where an address has none, so that both cases ask the store twice.
    pub(crate) fn nobody(&self) -> UserId {
        UserId::derived(PARTITION, &[b"nobody"])
    }

    /// The account; `None` where there is none or it was erased.
    pub(crate) async fn load_user(&self, id: UserId) -> Result<Option<(Version, User)>, RecordsError> {
        let found = self.load::<UserBody>(&user_key(id)?).await?;
        Ok(found.and_then(|(version, body)| Some((version, body?.into()))))
    }

    /// The session; `None` where there is none.
    pub(crate) async fn load_session(&self, id: SessionId) -> Result<Option<(Version, Session)>, RecordsError> {
        let found = self.load::<SessionBody>(&session_key(id)?).await?;
        Ok(found.and_then(|(version, body)| Some((version, body?.into()))))
    }

    /// The claim of an address by an account: a version alone where it was given up.
    pub(crate) async fn load_login(&self, name: &str) -> Result<Option<(Version, Option<LoginBody>)>, RecordsError> {
        self.load(&login_key(name)?).await
    }

    async fn load<T: DeserializeOwned>(&self, key: &RecordKey) -> Result<Option<(Version, Option<T>)>, RecordsError> {
        let Some(record) = self.records.load(key).await? else { return Ok(None) };
        let body = match &record.content {
            None => None,
            Some(bytes) => {
                let corrupt = |_| RecordsError::Corrupt { key: key.to_string() };
                Some(serde_json::from_slice(bytes).map_err(corrupt)?)
            }
        };
        Ok(Some((record.version, body)))
    }

    /// Commits a change, with the outcomes that it can have here.
    pub(crate) async fn commit(&self, change: Change) -> Result<Written, RecordsError> {
        match self.records.commit(change).await? {
            Outcome::Committed(_) => Ok(Written::Committed),
            Outcome::Conflict { .. } => Ok(Written::Conflict),
            Outcome::Refused(Refusal::Stale) => Err(RecordsError::Unavailable("the writer slept".to_owned())),
            outcome @ (Outcome::Replay(_)
            | Outcome::Mismatch
            | Outcome::InFlight { .. }
            | Outcome::Refused(
                Refusal::Floor { .. } | Refusal::Unbalanced { .. } | Refusal::OutOfRange { .. },
            )) => Err(RecordsError::Invalid(format!("a change without once-row and postings ended as {outcome:?}"))),
        }
    }
}

/// Who and what caused a change by a request.
pub(crate) fn meta(scope: &RequestScope, actor: UserId, at: Timestamp) -> Meta {
    Meta { at, trace: scope.trace.to_string(), cause: None, actor: Some(actor.to_string()) }
}

/// The content of a record.
pub(crate) fn content(body: &impl Serialize) -> Result<Content, RecordsError> {
    let bytes = serde_json::to_vec(body).map_err(|error| RecordsError::Invalid(error.to_string()))?;
    Ok(Content::Body(Bytes::from(bytes)))
}

/// `user:<id>`.
pub(crate) fn user_key(id: UserId) -> Result<RecordKey, RecordsError> {
    named(format!("user:{id}"))
}

/// `session:<id>`.
pub(crate) fn session_key(id: SessionId) -> Result<RecordKey, RecordsError> {
    named(format!("session:{id}"))
}

/// `login:<HMAC of the address>`.
pub(crate) fn login_key(name: &str) -> Result<RecordKey, RecordsError> {
    named(format!("login:{name}"))
}

fn named(name: String) -> Result<RecordKey, RecordsError> {
    RecordKey::new(name).map_err(|error| RecordsError::Invalid(error.to_string()))
}
