//! The operator's calls.

use crate::MemoryEventLog;
use crate::state::Replay;
use async_trait::async_trait;
use events::{DeadLetter, DeadLetterPage, DeadLetters, EntryId, EventsError};

#[async_trait]
impl DeadLetters for MemoryEventLog {
    async fn list(&self, after: Option<EntryId>, limit: u32) -> Result<DeadLetterPage, EventsError> {
        let (state, _) = self.answering()?;
        let limit = limit.clamp(1, 100) as usize;
        let older = state.letters.iter().rev().filter(|(id, _)| after.is_none_or(|after| **id < after));
        let letters: Vec<_> = older.map(|(_, letter)| letter.clone()).take(limit).collect();
        let next = if letters.len() == limit { letters.last().map(|letter| letter.id) } else { None };
        Ok(DeadLetterPage { letters, next })
    }

    async fn inspect(&self, letter: EntryId) -> Result<Option<DeadLetter>, EventsError> {
        Ok(self.answering()?.0.letters.get(&letter).cloned())
    }

    async fn replay(&self, letter: EntryId) -> Result<bool, EventsError> {
        self.ask(letter, None)
    }

    async fn replay_edited(&self, letter: EntryId, payload: &[u8]) -> Result<bool, EventsError> {
        self.ask(letter, Some(payload.to_vec()))
    }

    async fn purge(&self, letter: EntryId) -> Result<bool, EventsError> {
        let (mut state, _) = self.answering()?;
        state.replays.remove(&letter);
        Ok(state.letters.remove(&letter).is_some())
    }
}

impl MemoryEventLog {
    fn ask(&self, letter: EntryId, edited: Option<Vec<u8>>) -> Result<bool, EventsError> {
        let (mut state, now) = self.answering()?;
        let Some(group) = state.letters.get(&letter).map(|found| found.group.clone()) else { return Ok(false) };
        state.replays.insert(letter, Replay { due: now, deliveries: 0, retries: 0, edited });
        state.rings.push(group);
        Ok(true)
    }
}
