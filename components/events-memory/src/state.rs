//! What the double holds.

use ambient::Timestamp;
use events::{DeadLetter, Delivery, EntryId, EventsError, Receipt, StreamName};
use std::collections::{BTreeMap, BTreeSet};

/// Whose hands an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A worker's.
    Worker,
    /// Nobody's: it waits for its retry.
    Waiting,
}

/// An entry handed out and not settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub owner: Owner,
    pub since: Timestamp,
    pub deliveries: u32,
}

/// One group's place in one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub last: Option<EntryId>,
    pub pending: BTreeMap<EntryId, Pending>,
    /// The bell was rung and nobody found the stream empty since.
    pub rung: bool,
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub entries: BTreeMap<EntryId, Vec<u8>>,
    /// What an archive keeps of it: all that was appended, but for what was forgotten.
    pub told: BTreeMap<EntryId, Vec<u8>>,
    /// The last entry that was forgotten.
    pub forgotten: Option<EntryId>,
    pub newest: Option<EntryId>,
    pub groups: BTreeMap<String, Group>,
}

/// An entry that waits for its retry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub due: Timestamp,
    pub retries: u32,
}

/// A dead letter on its way back to its group.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    pub due: Timestamp,
    pub deliveries: u32,
    pub retries: u32,
    /// Handed out in place of the letter's own bytes.
    pub edited: Option<Vec<u8>>,
}

/// How often a group did what, since the beginning.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub retries: u64,
    pub parked: u64,
    pub replays: u64,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub streams: BTreeMap<StreamName, Stream>,
    pub waits: BTreeMap<(String, StreamName, EntryId), Wait>,
    pub letters: BTreeMap<EntryId, DeadLetter>,
    pub replays: BTreeMap<EntryId, Replay>,
    pub parked: BTreeSet<(String, StreamName, EntryId)>,
    pub counts: BTreeMap<String, Counts>,
    pub rings: Vec<String>,
    pub cut: bool,
}

/// The next id after the newest one, not before the present.
pub(crate) fn next_id(newest: Option<EntryId>, now: Timestamp) -> EntryId {
    let unix_ms = u64::try_from(now.unix_ms()).unwrap_or(0);
    match newest {
        Some(newest) if newest.unix_ms >= unix_ms => EntryId { unix_ms: newest.unix_ms, place: newest.place + 1 },
        _ => EntryId { unix_ms, place: 0 },
    }
}

impl State {
    pub fn append(&mut self, stream: &StreamName, payload: &[u8], now: Timestamp) {
        let stream = self.streams.entry(stream.clone()).or_default();
        let id = next_id(stream.newest, now);
        stream.newest = Some(id);
        stream.entries.insert(id, payload.to_vec());
        stream.told.insert(id, payload.to_vec());
        for (name, group) in stream.groups.iter_mut().filter(|(_, group)| !group.rung) {
            group.rung = true;
            self.rings.push(name.clone());
        }
    }

    /// The group's place in the stream, and the stream's entries.
    pub fn group(
        &mut self,
        group: &str,
        stream: &StreamName,
    ) -> Result<(&mut Group, &BTreeMap<EntryId, Vec<u8>>), EventsError> {
        let missing = || EventsError::NotSubscribed { group: group.to_owned(), stream: stream.clone() };
        let found = self.streams.get_mut(stream).ok_or_else(missing)?;
        let place = found.groups.get_mut(group).ok_or_else(missing)?;
        Ok((place, &found.entries))
    }

    pub fn counts(&mut self, group: &str) -> &mut Counts {
        self.counts.entry(group.to_owned()).or_default()
    }

    pub fn retries(&self, group: &str, stream: &StreamName, entry: EntryId) -> u32 {
        self.waits.get(&(group.to_owned(), stream.clone(), entry)).map_or(0, |wait| wait.retries)
    }

    /// Hands out an entry that was handed out before, as one more delivery; one that is trimmed leaves the group.
    pub fn hand_out(
        &mut self,
        group: &str,
        stream: &StreamName,
        entry: EntryId,
        now: Timestamp,
    ) -> Result<Delivery, EventsError> {
        let retries = self.retries(group, stream, entry);
        let (place, entries) = self.group(group, stream)?;
        let payload = entries.get(&entry).cloned();
        let pending = place.pending.entry(entry).or_insert(Pending { owner: Owner::Worker, since: now, deliveries: 0 });
        pending.owner = Owner::Worker;
        pending.since = now;
        pending.deliveries += 1;
        let deliveries = pending.deliveries;
        if payload.is_none() {
            place.pending.remove(&entry);
        }
        Ok(Delivery { receipt: Receipt { stream: stream.clone(), entry, deliveries, retries, letter: None }, payload })
    }
}

/// How long ago an entry was appended.
pub(crate) fn age_ms(entry: EntryId, now: Timestamp) -> u64 {
    let born = Timestamp::from_unix_ms(i64::try_from(entry.unix_ms).unwrap_or(i64::MAX));
    u64::try_from(now.since(born).as_millis()).unwrap_or(u64::MAX)
}
