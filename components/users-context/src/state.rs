//! What every use case holds: the ports and keys of the context, and typed access to its records.

use crate::asked::Asked;
use crate::domain::{
    CodeKey, DeviceKey, Digits, EmailIndexKey, FactorKey, FirstAdmins, PrivacyKey, ProgramKey, ROLE_ADMIN,
    ROLE_OPERATOR, RecoveryCode, RefreshKey, Session, ThrottleKey, User,
};
use crate::hashing::PasswordHashing;
use crate::issuer::Issuer;
use crate::wire::body::{LoginBody, SessionBody, UserBody};
use crate::wire::keys::KeyBody;
use ambient::{Clock, Random, Timestamp, uuid_v7};
use api_key::KeyId;
use bytes::Bytes;
use events::NewEvent;
use ids::{Partition, Partitions, SessionId, UserId};
use privacy::{KEY_BYTES, NONCE_BYTES, SubjectKey};
use records::{
    AccountKey, Change, Content, IndexName, IndexStep, Meta, Notes, Outcome, OwnTrail, RecordKey, Records,
    RecordsError, Refusal, Trail, Version,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use throttle::Throttle;
use uuid::Uuid;

/// Accounts have one partition (ARCHITECTURE: the way from an address to its account must be found without one).
const PARTITION: Partition = 0;

/// The state of the context's routes; cheap to clone.
#[derive(Clone)]
pub struct Users {
    /// Accounts, sessions and the index of addresses.
    pub records: Arc<dyn Records>,
    /// Where refusals are written down.
    pub notes: Arc<dyn Notes>,
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
    /// Proves one-time codes.
    pub code_key: CodeKey,
    /// Proves devices from which somebody logged in before.
    pub device_key: DeviceKey,
    /// Makes the secrets of second factors.
    pub factor_key: FactorKey,
    /// Names erasures so that nobody can foresee them.
    pub privacy_key: PrivacyKey,
    /// Among how many partitions the things of people are divided.
    pub partitions: Partitions,
    /// Who is an administrator before there are any.
    pub first_admins: FirstAdmins,
    /// Counts attempts.
    pub throttle: Arc<dyn Throttle>,
    /// Names what they are counted by.
    pub throttle_key: ThrottleKey,
}

/// What the routes of access hold besides: the audit trail as it is read, sealed and checked.
#[derive(Clone)]
pub struct Access {
    /// What every use case holds.
    pub users: Users,
    /// The trail.
    pub trail: Arc<dyn Trail>,
}

/// What export and erasure hold: what every use case holds, and each account's own part of the audit trail.
#[derive(Clone)]
pub struct Privacy {
    /// What every use case holds.
    pub users: Users,
    /// The accounts' own rows of the trail.
    pub trail: Arc<dyn OwnTrail>,
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

    /// The name of a new person, with the partition in which other contexts keep their things.
    pub(crate) fn new_user_id(&self) -> UserId {
        let uuid = self.new_uuid();
        UserId::new(self.partitions.of_new(uuid), uuid)
    }

    pub(crate) fn new_session_id(&self) -> SessionId {
        SessionId::new(PARTITION, self.new_uuid())
    }

    pub(crate) fn new_key_id(&self) -> KeyId {
        KeyId::new(PARTITION, self.new_uuid())
    }

    /// A one-time code that nobody can foresee.
    pub(crate) fn new_digits(&self) -> Digits {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        Digits::from_random(u64::from_be_bytes(bytes))
    }

    /// A key for what events will say about a person.
    pub(crate) fn new_subject_key(&self) -> SubjectKey {
        let mut bytes = [0; KEY_BYTES];
        self.random.fill(&mut bytes);
        SubjectKey::new(bytes)
    }

    /// The event as it may lie in the stream: what is personal in it is sealed with the account's own key.
    pub(crate) fn sealed(&self, user: &User, event: NewEvent) -> Result<NewEvent, RecordsError> {
        let (Some(personal), Some(key)) = (&event.personal, &user.subject_key) else { return Ok(event) };
        let mut nonce = [0; NONCE_BYTES];
        self.random.fill(&mut nonce);
        let unsealed = |error: &dyn core::fmt::Display| RecordsError::Invalid(error.to_string());
        let sealed = key.seal(user.id, event.kind, personal, nonce).map_err(|error| unsealed(&error))?;
        let personal = Some(serde_json::to_value(sealed).map_err(|error| unsealed(&error))?);
        Ok(NewEvent { personal, ..event })
    }

    /// A recovery code that nobody can foresee.
    pub(crate) fn new_recovery_code(&self) -> RecoveryCode {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        RecoveryCode::from_random(bytes)
    }

    /// The roles that an account has at present: those that it was given, those of a first administrator, and an operator's
    /// for each administrator.
    pub(crate) fn roles_of(&self, user: &User) -> Vec<String> {
        let mut roles = user.roles.clone();
        let mut add = |role: &str| {
            if !roles.iter().any(|own| own == role) {
                roles.push(role.to_owned());
            }
        };
        if self.first_admins.include(user) {
            add(ROLE_ADMIN);
        }
        if user.roles.iter().any(|role| role == ROLE_ADMIN) || self.first_admins.include(user) {
            add(ROLE_OPERATOR);
        }
        roles
    }

    /// A commit that changes nothing, where one that changes something would be made for an account that is there: a
    /// stopwatch must not tell. It loses against the first one of its kind, as a registration of a known address does.
    pub(crate) async fn commit_nothing(&self, scope: &Asked) -> Result<(), RecordsError> {
        let body = content(&serde_json::Map::new())?;
        let change = Change::new(named("decoy".to_owned())?, None, body, meta(scope, self.nobody(), self.now()));
        self.commit(change).await.map(|_| ())
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

    /// The API key; `None` where there never was one.
    pub(crate) async fn load_key(&self, id: KeyId) -> Result<Option<(Version, ProgramKey)>, RecordsError> {
        let found = self.load::<KeyBody>(&key_record(id)?).await?;
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

    /// A record: a version alone where it was erased.
    pub(crate) async fn load<T: DeserializeOwned>(
        &self,
        key: &RecordKey,
    ) -> Result<Option<(Version, Option<T>)>, RecordsError> {
        load(&*self.records, key).await
    }

    /// Commits a change, with the outcomes that it can have here.
    pub(crate) async fn commit(&self, change: Change) -> Result<Written, RecordsError> {
        commit(&*self.records, change).await
    }
}

/// A record: a version alone where it was erased.
pub(crate) async fn load<T: DeserializeOwned>(
    records: &dyn Records,
    key: &RecordKey,
) -> Result<Option<(Version, Option<T>)>, RecordsError> {
    let Some(record) = records.load(key).await? else { return Ok(None) };
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
pub(crate) async fn commit(records: &dyn Records, change: Change) -> Result<Written, RecordsError> {
    match records.commit(change).await? {
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

/// Who and what caused a change by a request.
pub(crate) fn meta(scope: &Asked, actor: UserId, at: Timestamp) -> Meta {
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

/// `key:<id>`.
pub(crate) fn key_record(id: KeyId) -> Result<RecordKey, RecordsError> {
    named(format!("key:{id}"))
}

/// `keys-of:<account>`: its keys by their names, which sort by the time of their making.
pub(crate) fn keys_of(id: UserId) -> Result<IndexName, RecordsError> {
    IndexName::new(format!("keys-of:{id}")).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// The session that a record of it is about.
pub(crate) fn session_id_of(key: &RecordKey) -> Option<SessionId> {
    key.as_str().strip_prefix("session:")?.parse().ok()
}

/// `sessions-of:<account>`: its sessions by their names, which sort by the time of the login.
pub(crate) fn sessions_of(id: UserId) -> Result<IndexName, RecordsError> {
    IndexName::new(format!("sessions-of:{id}")).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// Puts a new session into the list of its account. Everything that a list shows is in the session's body, because it
/// changes with each refresh and is personal.
pub(crate) fn listed(session: &Session) -> Result<IndexStep, RecordsError> {
    Ok(IndexStep::Put { index: sessions_of(session.user)?, sort: session.id.to_string(), summary: "{}".to_owned() })
}

/// Takes a session that was ended out of the list.
pub(crate) fn unlisted(session: &Session) -> Result<IndexStep, RecordsError> {
    Ok(IndexStep::Remove { index: sessions_of(session.user)?, sort: session.id.to_string() })
}

/// Whose rows of the audit trail these are.
pub(crate) fn trail_account(name: &str) -> Result<AccountKey, RecordsError> {
    AccountKey::new(name).map_err(|error| RecordsError::Invalid(error.to_string()))
}

/// `login:<HMAC of the address>`.
pub(crate) fn login_key(name: &str) -> Result<RecordKey, RecordsError> {
    named(format!("login:{name}"))
}

/// `index`, of this name.
pub(crate) fn indexed(name: String) -> Result<IndexName, RecordsError> {
    IndexName::new(name).map_err(|error| RecordsError::Invalid(error.to_string()))
}

pub(crate) fn named(name: String) -> Result<RecordKey, RecordsError> {
    RecordKey::new(name).map_err(|error| RecordsError::Invalid(error.to_string()))
}
