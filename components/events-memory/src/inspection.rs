//! What lies in the streams and what waits behind them.

use crate::MemoryEventLog;
use crate::state::age_ms;
use async_trait::async_trait;
use events::{
    DeadLetter, EntryId, EventInspection, EventsError, ReplayState, RetryStats, Span, StreamEntry, StreamName,
    StreamStats,
};

#[async_trait]
impl EventInspection for MemoryEventLog {
    async fn stream(&self, stream: &StreamName) -> Result<Option<StreamStats>, EventsError> {
        let (state, now) = self.answering()?;
        Ok(state.streams.get(stream).map(|found| {
            let oldest = found.entries.keys().next().copied();
            StreamStats {
                stream: stream.clone(),
                length: found.entries.len() as u64,
                bytes: found.entries.values().map(|payload| payload.len() as u64).sum(),
                oldest,
                newest: found.entries.keys().next_back().copied(),
                oldest_age_ms: oldest.map_or(0, |oldest| age_ms(oldest, now)),
                last: found.newest.unwrap_or(EntryId::START),
            }
        }))
    }

    async fn entries(&self, stream: &StreamName, span: Span, limit: u32) -> Result<Vec<StreamEntry>, EventsError> {
        let (state, _) = self.answering()?;
        let limit = limit.clamp(1, 100) as usize;
        let all = state.streams.get(stream).into_iter().flat_map(|found| &found.entries);
        let entry = |(id, payload): (&EntryId, &Vec<u8>)| StreamEntry { id: *id, payload: payload.clone() };
        Ok(match span {
            Span::After(after) => all.filter(|(id, _)| **id > after).take(limit).map(entry).collect(),
            Span::Before(before) => {
                let mut older: Vec<_> = all.filter(|(id, _)| before.is_none_or(|before| **id < before)).collect();
                older.reverse();
                older.into_iter().take(limit).map(entry).collect()
            }
        })
    }

    async fn retries(&self, _context: &str, group: &str) -> Result<RetryStats, EventsError> {
        let (mut state, _) = self.answering()?;
        let counts = *state.counts(group);
        let waits = || state.waits.iter().filter(|((of, _, _), _)| of == group).map(|(_, wait)| wait.due);
        Ok(RetryStats {
            waiting: waits().count() as u64,
            next_due: waits().min(),
            retries: counts.retries,
            parked: counts.parked,
            replays: counts.replays,
        })
    }

    async fn oldest_letter(&self, _context: &str) -> Result<Option<EntryId>, EventsError> {
        Ok(self.answering()?.0.letters.keys().next().copied())
    }

    async fn replay_of(&self, _context: &str, letter: &DeadLetter) -> Result<Option<ReplayState>, EventsError> {
        let (state, _) = self.answering()?;
        Ok(state.replays.get(&letter.id).map(|replay| ReplayState {
            due: replay.due,
            deliveries: replay.deliveries,
            retries: replay.retries,
            edited: replay.edited.is_some(),
        }))
    }
}
