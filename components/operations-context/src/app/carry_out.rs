//! How an act is carried out: written down, done, written down.
//!
//! Acts lie in the store of this context, dead letters under the keys of theirs: no single step reaches both. So the act is
//! written first, with the letters that it is about and with its row in the audit trail; then it takes effect, which may be
//! repeated without harm; then its end is written, with the answer in the once-row of the request. Whoever dies in between
//! leaves an act that is asked for: the same request goes on with the same letters. Nothing takes effect that is not in the
//! trail; a row that says `asked` and has no `done` says that somebody should look.
//!
//! The act's name follows from the caller and the key, so that twins write one act: both may ask for the replay of a letter
//! (the group is handed it once, or once more, and handles each event once), one of them writes the end.

use super::{OperationsError, Reply};
use crate::Operations;
use crate::domain::{Act, Edited, Reason, edit};
use crate::wire::act::{ActAnswer, ActId};
use crate::wire::audit::{TrailPersonal, TrailText};
use crate::wire::stored::{StoredAct, StoredEnd, Summary};
use events::{DeadLetters, EntryId};
use principal::{Client, Idempotency, RequestScope};
use records::{
    AccountKey, Answer, Change, Content, Fingerprint, IndexName, IndexStep, Meta, Once, OnceKey, OnceState, OnceStep,
    Outcome, RecordKey, TrailEntry, Version,
};
use serde_json::{Map, Value};

/// What stands before the id in a record's name.
const PREFIX: &str = "act:";
/// The index of all acts, newest first.
const INDEX: &str = "acts";
/// How often an act is read again because a twin wrote it.
const TRIES: u32 = 3;

/// An operator who asks for something.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The account.
    pub subject: String,
    /// Key and fingerprint of the request.
    pub idempotency: Idempotency,
    /// Trace and deadline.
    pub scope: RequestScope,
    /// From where.
    pub client: Client,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    pub act: Act,
    pub context: &'a str,
    pub reason: Option<Reason>,
}

/// To which letters, once that is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    pub letters: Vec<EntryId>,
    pub next: Option<EntryId>,
    pub data: Option<Map<String, Value>>,
    pub digests: Option<(String, String)>,
}

/// Carries an act out, once for each key; `choose` is asked which letters where the act is new.
pub(super) async fn carry_out(
    house: &Operations,
    asked: &Asked,
    plan: Plan<'_>,
    choose: impl Future<Output = Result<Chosen, OperationsError>>,
) -> Result<Reply, OperationsError> {
    let letters = &*super::service(house, plan.context)?.letters;
    match house.records.once(&asked.once_key()).await? {
        Some(OnceState::Done { fingerprint, answer }) if fingerprint.0 == asked.idempotency.fingerprint => {
            return Ok(Reply { answer, replayed: true });
        }
        Some(_) => return Err(OperationsError::KeyReused),
        None => {}
    }
    let id = asked.act_id();
    let (mut held, mut choose) = (load(house, id).await?, Some(choose));
    for _ in 0..TRIES {
        let Some((version, stored)) = held else {
            // Asked once: a twin that was faster has chosen for both.
            let Some(choose) = choose.take() else { return Err(OperationsError::Contended) };
            let stored = asked.write_down(house, &plan, choose.await?);
            held = match commit(house, asked.first(house, id, &stored)?).await? {
                Written::At(version) => Some((version, stored)),
                Written::Overtaken => load(house, id).await?,
                Written::Replay(answer) => return Ok(Reply { answer, replayed: true }),
            };
            continue;
        };
        if stored.fingerprint != asked.fingerprint() {
            return Err(OperationsError::KeyReused);
        }
        if stored.end.is_some() {
            // The once-row is gone after seven days, the act stays.
            return Ok(Reply { answer: shown(id, &stored)?, replayed: true });
        }
        let was_there = take_effect(letters, &stored).await?;
        let ended = StoredAct { end: Some(StoredEnd { at: house.clock.now(), was_there }), ..stored };
        let answer = shown(id, &ended)?;
        match commit(house, asked.last(house, id, version, &ended, &answer)?).await? {
            Written::At(_) => return Ok(Reply { answer, replayed: false }),
            Written::Replay(answer) => return Ok(Reply { answer, replayed: true }),
            Written::Overtaken => held = load(house, id).await?,
        }
    }
    Err(OperationsError::Contended)
}

/// Does it to each letter; whether each was there for it. Again it does no harm.
async fn take_effect(port: &dyn DeadLetters, act: &StoredAct) -> Result<Vec<bool>, OperationsError> {
    let what: Act = act.act.parse().map_err(|error| OperationsError::unwritable(&error))?;
    let mut was_there = Vec::with_capacity(act.letters.len());
    for letter in &act.letters {
        let letter: EntryId = letter.parse().map_err(|error| OperationsError::unwritable(&error))?;
        was_there.push(match (what, &act.data) {
            (Act::Replay, _) => port.replay(letter).await?,
            (Act::Purge, _) => port.purge(letter).await?,
            (Act::Edit, data) => match port.inspect(letter).await? {
                Some(found) => {
                    let Edited { payload, .. } = edit(&found.payload, data.as_ref().unwrap_or(&Map::new()))?;
                    port.replay_edited(letter, &payload).await?
                }
                None => false,
            },
        });
    }
    Ok(was_there)
}

impl Asked {
    fn act_id(&self) -> ActId {
        ActId::derived(0, &[self.subject.as_bytes(), self.idempotency.key.as_str().as_bytes()])
    }

    fn once_key(&self) -> OnceKey {
        OnceKey { kind: "request", who: self.subject.clone(), key: self.idempotency.key.as_str().to_owned() }
    }

    fn fingerprint(&self) -> String {
        Fingerprint(self.idempotency.fingerprint).to_string()
    }

    /// The act before anything has happened.
    fn write_down(&self, house: &Operations, plan: &Plan<'_>, chosen: Chosen) -> StoredAct {
        StoredAct {
            act: plan.act.word().to_owned(),
            context: plan.context.to_owned(),
            by: self.subject.clone(),
            asked_at: house.clock.now(),
            trace: self.scope.trace.to_string(),
            fingerprint: self.fingerprint(),
            reason: plan.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            letters: chosen.letters.iter().map(ToString::to_string).collect(),
            next: chosen.next.map(|next| next.to_string()),
            data: chosen.data,
            digests: chosen.digests,
            end: None,
        }
    }

    /// The change that writes the act down.
    fn first(&self, house: &Operations, id: ActId, act: &StoredAct) -> Result<Change, OperationsError> {
        self.change(house, id, None, act)
    }

    /// The change that writes its end down, and answers the request.
    fn last(
        &self,
        house: &Operations,
        id: ActId,
        version: Version,
        act: &StoredAct,
        answer: &Answer,
    ) -> Result<Change, OperationsError> {
        let once = Once {
            key: self.once_key(),
            fingerprint: Fingerprint(self.idempotency.fingerprint),
            step: OnceStep::Finish { attempt: None, answer: answer.clone() },
        };
        Ok(self.change(house, id, Some(version), act)?.with_once(once))
    }

    fn change(
        &self,
        house: &Operations,
        id: ActId,
        expected: Option<Version>,
        act: &StoredAct,
    ) -> Result<Change, OperationsError> {
        let unwritable = |error: &dyn core::fmt::Display| OperationsError::unwritable(error);
        let body = serde_json::to_vec(act).map_err(|error| unwritable(&error))?;
        let meta = Meta {
            at: house.clock.now(),
            trace: self.scope.trace.to_string(),
            cause: None,
            actor: Some(self.subject.clone()),
        };
        let put = IndexStep::Put {
            index: index()?,
            sort: format!("{:014}", act.asked_at.unix_ms()),
            summary: serde_json::to_string(&summary(act)).map_err(|error| unwritable(&error))?,
        };
        Ok(Change::new(record_of(id)?, expected, Content::Body(body.into()), meta)
            .with_index(put)
            .with_trail(self.told(house, id, act)?)
            .keeping_previous())
    }

    /// The row of the audit trail.
    fn told(&self, house: &Operations, id: ActId, act: &StoredAct) -> Result<TrailEntry, OperationsError> {
        let (before, after) = act.digests.as_ref().map_or((None, None), |(before, after)| (Some(before), Some(after)));
        let text = TrailText {
            act: act.act.as_str().into(),
            step: if act.end.is_some() { "done" } else { "asked" }.into(),
            id: id.to_string().into(),
            actor: self.subject.as_str().into(),
            letters: u32::try_from(act.letters.len()).unwrap_or(u32::MAX),
            done: summary(act).d,
            first: act.letters.first().map(|letter| letter.as_str().into()),
            before: before.map(|digest| digest.as_str().into()),
            after: after.map(|digest| digest.as_str().into()),
            trace: self.scope.trace.to_string().into(),
        };
        let mut salt = [0; 16];
        house.random.fill(&mut salt);
        Ok(TrailEntry {
            account: AccountKey::new(act.context.clone()).map_err(|error| OperationsError::unwritable(&error))?,
            text: serde_json::to_string(&text).map_err(|error| OperationsError::unwritable(&error))?,
            personal: Some(
                TrailPersonal::line(&self.client, act.reason.as_deref(), salt)
                    .map_err(|error| OperationsError::unwritable(&error))?,
            ),
        })
    }
}

fn summary(act: &StoredAct) -> Summary {
    let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
    Summary {
        a: act.act.clone(),
        c: act.context.clone(),
        b: act.by.clone(),
        t: act.asked_at,
        n: count(act.letters.len()),
        d: act.end.as_ref().map(|end| count(end.was_there.iter().filter(|was| **was).count())),
    }
}

/// What became of a change.
enum Written {
    At(Version),
    Overtaken,
    Replay(Answer),
}

async fn commit(house: &Operations, change: Change) -> Result<Written, OperationsError> {
    match house.records.commit(change).await? {
        Outcome::Committed(committed) => Ok(Written::At(committed.version)),
        Outcome::Conflict { .. } | Outcome::InFlight { .. } => Ok(Written::Overtaken),
        Outcome::Replay(answer) => Ok(Written::Replay(answer)),
        Outcome::Mismatch => Err(OperationsError::KeyReused),
        Outcome::Refused(refusal) => Err(OperationsError::Refused(refusal)),
    }
}

fn shown(id: ActId, act: &StoredAct) -> Result<Answer, OperationsError> {
    let body = serde_json::to_string(&ActAnswer::of(id, act)).map_err(|error| OperationsError::unwritable(&error))?;
    Ok(Answer { status: 200, body })
}

pub(super) fn index() -> Result<IndexName, OperationsError> {
    IndexName::new(INDEX).map_err(|error| OperationsError::unwritable(&error))
}

fn record_of(id: ActId) -> Result<RecordKey, OperationsError> {
    RecordKey::new(format!("{PREFIX}{id}")).map_err(|error| OperationsError::unwritable(&error))
}

/// The act that a record's name is about.
pub(super) fn act_of(key: &RecordKey) -> Option<ActId> {
    key.as_str().strip_prefix(PREFIX)?.parse().ok()
}

/// An act as it was last written.
pub(super) async fn load(house: &Operations, id: ActId) -> Result<Option<(Version, StoredAct)>, OperationsError> {
    let Some(record) = house.records.load(&record_of(id)?).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    let stored = serde_json::from_slice(&content).map_err(|error| OperationsError::unwritable(&error))?;
    Ok(Some((record.version, stored)))
}
