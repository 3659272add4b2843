//! Charges and letters in the record store: names, bodies, indexes.

use super::SandboxError;
use super::announce::timer_of;
use crate::Sandbox;
use crate::domain::{Charge, ChargeId, LetterId, announce_at};
use crate::wire::{StoredCharge, StoredLetter};
use futures::future::try_join_all;
use records::{
    Change, Content, IndexName, IndexStep, InvalidName, Meta, Outcome, RecordKey, RecordsError, TimerStep, Version,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// All charges, newest first.
pub(crate) const CHARGES: &str = "charges";

/// What became of a change.
pub(crate) enum Written {
    Done,
    /// Somebody else was faster, or the record exists already.
    Overtaken,
}

fn unusable(error: InvalidName) -> SandboxError {
    SandboxError::Unreadable(error.to_string())
}

/// A name of an index.
pub(crate) fn index(name: String) -> Result<IndexName, SandboxError> {
    IndexName::new(name).map_err(unusable)
}

/// The index of the charges for one reference.
pub(crate) fn charges_for(reference: &str) -> Result<IndexName, SandboxError> {
    index(format!("charges-for:{}", digest(reference)))
}

/// The index of one mailbox. The address is hashed: names of keys hold no personal data.
pub(crate) fn mailbox(address: &str) -> Result<IndexName, SandboxError> {
    index(format!("mailbox:{}", digest(&address.to_lowercase())))
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The record of a charge.
pub(crate) fn charge_key(id: ChargeId) -> Result<RecordKey, SandboxError> {
    RecordKey::new(format!("charge:{id}")).map_err(unusable)
}

/// The record of a letter.
pub(crate) fn letter_key(id: LetterId) -> Result<RecordKey, SandboxError> {
    RecordKey::new(format!("letter:{id}")).map_err(unusable)
}

/// A body, with its version.
pub(crate) async fn load<T: DeserializeOwned>(
    sandbox: &Sandbox,
    key: &RecordKey,
) -> Result<Option<(Version, T)>, SandboxError> {
    let Some(record) = sandbox.records.load(key).await? else { return Ok(None) };
    let Some(content) = record.content else { return Ok(None) };
    let body = serde_json::from_slice(&content).map_err(|error| SandboxError::Unreadable(error.to_string()))?;
    Ok(Some((record.version, body)))
}

/// A charge, with its version.
pub(crate) async fn load_charge(sandbox: &Sandbox, id: ChargeId) -> Result<Option<(Version, Charge)>, SandboxError> {
    match load::<StoredCharge>(sandbox, &charge_key(id)?).await? {
        None => Ok(None),
        Some((version, stored)) => {
            let charge = Charge::try_from(stored).map_err(|what| SandboxError::Unreadable(what.to_owned()))?;
            Ok(Some((version, charge)))
        }
    }
}

/// Writes a charge, with the timer of the notice that is to be sent. Its indexes never change: a new one is entered, a changed one stays
/// where it is.
pub(crate) async fn write_charge(
    sandbox: &Sandbox,
    before: Option<(Version, &Charge)>,
    charge: &Charge,
) -> Result<Written, SandboxError> {
    let expected = before.map(|(version, _)| version);
    let mut change = change(sandbox, charge_key(charge.id)?, expected, &StoredCharge::from(charge))?;
    if let Some((occasion, due)) = announce_at(before.map(|(_, charge)| charge), charge, sandbox.clock.now()) {
        change = change.with_timer(TimerStep::Set { name: timer_of(occasion), due });
    }
    if expected.is_none() {
        for index in [index(CHARGES.to_owned())?, charges_for(&charge.asked.reference)?] {
            change = change.with_index(IndexStep::Put {
                index,
                sort: charge.created_at.to_string(),
                summary: "{}".to_owned(),
            });
        }
    }
    commit(sandbox, change).await
}

/// Puts a letter into its mailbox.
pub(crate) async fn write_letter(sandbox: &Sandbox, letter: &StoredLetter) -> Result<Written, SandboxError> {
    let change = change(sandbox, letter_key(letter.id)?, None, letter)?.with_index(IndexStep::Put {
        index: mailbox(&letter.to)?,
        sort: letter.received_at.to_string(),
        summary: "{}".to_owned(),
    });
    commit(sandbox, change).await
}

/// Leaves a tombstone where a letter was, or would have come.
pub(crate) async fn erase_letter(
    sandbox: &Sandbox,
    key: &RecordKey,
    expected: Option<Version>,
    letter: Option<&StoredLetter>,
) -> Result<Written, SandboxError> {
    let meta = Meta { at: sandbox.clock.now(), trace: "0".repeat(32), cause: None, actor: None };
    let mut change = Change::new(key.clone(), expected, Content::Tombstone, meta);
    if let Some(letter) = letter {
        let (index, sort) = (mailbox(&letter.to)?, letter.received_at.to_string());
        change = change.with_index(IndexStep::Remove { index, sort });
    }
    commit(sandbox, change).await
}

fn change<T: Serialize>(
    sandbox: &Sandbox,
    key: RecordKey,
    expected: Option<Version>,
    body: &T,
) -> Result<Change, SandboxError> {
    let body = serde_json::to_vec(body).map_err(|error| SandboxError::Unreadable(error.to_string()))?;
    let meta = Meta { at: sandbox.clock.now(), trace: "0".repeat(32), cause: None, actor: None };
    Ok(Change::new(key, expected, Content::Body(body.into()), meta))
}

async fn commit(sandbox: &Sandbox, change: Change) -> Result<Written, SandboxError> {
    match sandbox.records.commit(change).await? {
        Outcome::Committed(_) => Ok(Written::Done),
        Outcome::Conflict { .. } => Ok(Written::Overtaken),
        // No change of the sandbox has a once-row or postings.
        outcome @ (Outcome::Replay(_) | Outcome::Mismatch | Outcome::InFlight { .. } | Outcome::Refused(_)) => {
            Err(RecordsError::Unavailable(format!("unexpected outcome {outcome:?}")).into())
        }
    }
}

/// The newest bodies of an index, with how many there are.
pub(crate) async fn newest<T: DeserializeOwned>(
    sandbox: &Sandbox,
    index: &IndexName,
) -> Result<(Vec<T>, u64), SandboxError> {
    let total = sandbox.records.count(index).await?;
    let page = sandbox.records.list(index, None, 20).await?;
    let bodies = try_join_all(page.entries.iter().map(|entry| load::<T>(sandbox, &entry.key))).await?;
    Ok((bodies.into_iter().flatten().map(|(_, body)| body).collect(), total))
}
