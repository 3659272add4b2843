//! The group's calls.

use crate::MemoryEventLog;
use crate::state::{Owner, Pending, State, Wait, age_ms, next_id};
use ambient::Timestamp;
use async_trait::async_trait;
use core::time::Duration;
use events::{
    Backoff, DeadLetter, Delivery, EntryId, Envelope, EventLog, EventStatistics, EventsError, GroupStats, Receipt,
    StreamName, WhenEmpty,
};
use std::sync::MutexGuard;

impl MemoryEventLog {
    pub(crate) fn answering(&self) -> Result<(MutexGuard<'_, State>, Timestamp), EventsError> {
        let state = self.state();
        if state.cut {
            return Err(EventsError::Unavailable("the connection is cut".to_owned()));
        }
        Ok((state, self.clock.now()))
    }
}

#[async_trait]
impl EventLog for MemoryEventLog {
    async fn subscribe(&self, group: &str, stream: &StreamName) -> Result<bool, EventsError> {
        let (mut state, _) = self.answering()?;
        let groups = &mut state.streams.entry(stream.clone()).or_default().groups;
        let new = !groups.contains_key(group);
        groups.entry(group.to_owned()).or_default();
        Ok(new)
    }

    async fn read(
        &self,
        group: &str,
        stream: &StreamName,
        limit: u32,
        when_empty: WhenEmpty,
    ) -> Result<Vec<Delivery>, EventsError> {
        let (mut state, now) = self.answering()?;
        let (place, entries) = state.group(group, stream)?;
        let mut found = Vec::new();
        for (entry, payload) in entries.iter().filter(|(id, _)| Some(**id) > place.last).take(limit as usize) {
            place.pending.insert(*entry, Pending { owner: Owner::Worker, since: now, deliveries: 1 });
            let receipt = Receipt { stream: stream.clone(), entry: *entry, deliveries: 1, retries: 0, letter: None };
            found.push(Delivery { receipt, payload: Some(payload.clone()) });
        }
        if let Some(last) = found.last() {
            place.last = Some(last.receipt.entry);
        }
        place.rung = !found.is_empty() || when_empty == WhenEmpty::Stay;
        Ok(found)
    }

    async fn acknowledge(&self, group: &str, receipts: &[Receipt]) -> Result<(), EventsError> {
        let (mut state, _) = self.answering()?;
        for receipt in receipts {
            if let Some(letter) = receipt.letter {
                state.letters.remove(&letter);
                state.replays.remove(&letter);
                continue;
            }
            if let Ok((place, _)) = state.group(group, &receipt.stream) {
                place.pending.remove(&receipt.entry);
            }
            state.waits.remove(&(group.to_owned(), receipt.stream.clone(), receipt.entry));
        }
        Ok(())
    }

    async fn claim_abandoned(
        &self,
        group: &str,
        stream: &StreamName,
        idle: Duration,
    ) -> Result<Option<Delivery>, EventsError> {
        let (mut state, now) = self.answering()?;
        let (place, _) = state.group(group, stream)?;
        let abandoned = |pending: &Pending| pending.owner == Owner::Worker && now.since(pending.since) >= idle;
        let Some(entry) = place.pending.iter().find(|(_, pending)| abandoned(pending)).map(|(entry, _)| *entry) else {
            return Ok(None);
        };
        state.hand_out(group, stream, entry, now).map(Some)
    }

    async fn defer(&self, group: &str, receipt: &Receipt, backoff: Backoff) -> Result<(), EventsError> {
        let (mut state, now) = self.answering()?;
        if let Some(letter) = receipt.letter {
            if let Some(replay) = state.replays.get_mut(&letter) {
                replay.retries += 1;
                replay.due = now.plus(backoff.wait(replay.retries));
                replay.deliveries = receipt.deliveries.saturating_sub(1);
                state.counts(group).retries += 1;
            }
            return Ok(());
        }
        let retries = state.retries(group, &receipt.stream, receipt.entry) + 1;
        let (place, _) = state.group(group, &receipt.stream)?;
        let Some(pending) = place.pending.get_mut(&receipt.entry) else { return Ok(()) };
        if pending.owner != Owner::Worker || pending.deliveries != receipt.deliveries {
            return Ok(());
        }
        pending.owner = Owner::Waiting;
        pending.deliveries = receipt.deliveries.saturating_sub(1);
        let row = (group.to_owned(), receipt.stream.clone(), receipt.entry);
        state.waits.insert(row, Wait { due: now.plus(backoff.wait(retries)), retries });
        state.counts(group).retries += 1;
        Ok(())
    }

    async fn claim_due(&self, group: &str, limit: u32) -> Result<Vec<Delivery>, EventsError> {
        let (mut state, now) = self.answering()?;
        let mut due: Vec<_> = state
            .waits
            .iter()
            .filter(|((of, _, _), wait)| of == group && wait.due <= now)
            .map(|((_, stream, entry), wait)| (wait.due, stream.clone(), *entry))
            .collect();
        due.sort();
        let mut found = Vec::new();
        for (_, stream, entry) in due {
            if found.len() >= limit as usize {
                break;
            }
            let waiting = state
                .group(group, &stream)
                .is_ok_and(|(place, _)| place.pending.get(&entry).is_some_and(|p| p.owner == Owner::Waiting));
            if waiting {
                found.push(state.hand_out(group, &stream, entry, now)?);
            }
        }
        Ok(found)
    }

    async fn park(&self, group: &str, delivery: &Delivery, cause: &str) -> Result<(), EventsError> {
        let (mut state, now) = self.answering()?;
        let receipt = &delivery.receipt;
        let row = (group.to_owned(), receipt.stream.clone(), receipt.entry);
        if receipt.letter.is_some() || state.parked.insert(row.clone()) {
            let payload = delivery.payload.clone().unwrap_or_default();
            let id = next_id(state.letters.keys().next_back().copied(), now);
            let letter = DeadLetter {
                id,
                at: now,
                group: group.to_owned(),
                cause: cause.to_owned(),
                stream: receipt.stream.clone(),
                entry: receipt.entry,
                deliveries: receipt.deliveries,
                trace: Envelope::from_json(&payload).map(|event| event.traceid).unwrap_or_default(),
                payload,
            };
            state.letters.insert(id, letter);
            state.counts(group).parked += 1;
        }
        if let Some(letter) = receipt.letter {
            state.letters.remove(&letter);
            state.replays.remove(&letter);
        } else {
            state.waits.remove(&row);
            if let Ok((place, _)) = state.group(group, &receipt.stream) {
                place.pending.remove(&receipt.entry);
            }
        }
        Ok(())
    }

    async fn claim_replay(&self, group: &str, lease: Duration) -> Result<Option<Delivery>, EventsError> {
        let (mut state, now) = self.answering()?;
        let State { replays, letters, counts, .. } = &mut *state;
        for (id, replay) in replays.iter_mut().filter(|(_, replay)| replay.due <= now) {
            let Some(letter) = letters.get(id).filter(|letter| letter.group == group) else { continue };
            replay.due = now.plus(lease);
            replay.deliveries += 1;
            counts.entry(group.to_owned()).or_default().replays += 1;
            let receipt = Receipt {
                stream: letter.stream.clone(),
                entry: letter.entry,
                deliveries: replay.deliveries,
                retries: replay.retries,
                letter: Some(*id),
            };
            let payload = replay.edited.as_ref().unwrap_or(&letter.payload).clone();
            let payload = Some(payload).filter(|payload| !payload.is_empty());
            return Ok(Some(Delivery { receipt, payload }));
        }
        Ok(None)
    }

    async fn ring(&self, group: &str) -> Result<(), EventsError> {
        self.answering()?.0.rings.push(group.to_owned());
        Ok(())
    }
}

#[async_trait]
impl EventStatistics for MemoryEventLog {
    async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError> {
        let (state, now) = self.answering()?;
        let Some(found) = state.streams.get(stream) else { return Ok(Vec::new()) };
        let stats = found.groups.iter().map(|(name, group)| {
            let unseen: Vec<_> = found.entries.keys().filter(|id| Some(**id) > group.last).collect();
            let oldest = group.pending.keys().chain(unseen.first().copied()).min();
            let age_ms = |id: Option<&EntryId>| id.map_or(0, |id| age_ms(*id, now));
            let pending = group.pending.first_key_value();
            GroupStats {
                stream: stream.clone(),
                group: name.clone(),
                lag: Some(unseen.len() as u64),
                pending: group.pending.len() as u64,
                oldest_age_ms: age_ms(oldest),
                oldest_pending_age_ms: age_ms(pending.map(|(id, _)| id)),
                oldest_pending_deliveries: pending.map_or(0, |(_, pending)| pending.deliveries),
            }
        });
        Ok(stats.collect())
    }

    async fn dead_letters(&self, _context: &str) -> Result<u64, EventsError> {
        Ok(self.answering()?.0.letters.len() as u64)
    }
}
