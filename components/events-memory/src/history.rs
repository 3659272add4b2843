//! What was told, trimmed or not.

use crate::MemoryEventLog;
use async_trait::async_trait;
use events::{EntryId, EventHistory, EventsError, MAX_TOLD, Span, StreamEntry, StreamName, ToldPage};

#[async_trait]
impl EventHistory for MemoryEventLog {
    async fn told(&self, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, EventsError> {
        let (state, _) = self.answering()?;
        let Some(found) = state.streams.get(stream) else { return Ok(ToldPage::default()) };
        let entry = |(id, payload): (&EntryId, &Vec<u8>)| StreamEntry { id: *id, payload: payload.clone() };
        let mut entries: Vec<_> = match span {
            Span::After(after) => found.told.iter().filter(|(id, _)| **id > after).map(entry).collect(),
            Span::Before(before) => {
                found.told.iter().rev().filter(|(id, _)| before.is_none_or(|before| **id < before)).map(entry).collect()
            }
        };
        let limit = limit.clamp(1, MAX_TOLD) as usize;
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let has_gap = match span {
            Span::After(after) => found.forgotten.is_some_and(|forgotten| after < forgotten),
            Span::Before(_) => found.forgotten.is_some() && !has_more,
        };
        Ok(ToldPage { entries, has_more, has_gap })
    }
}
