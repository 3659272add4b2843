//! What lies in the streams and what waits behind them: by scripts that only read.

use crate::answer::{Answer, failed};
use crate::keys::{Keys, events};
use crate::{RedisEventLog, script};
use ambient::Timestamp;
use async_trait::async_trait;
use events::{
    DeadLetter, EntryId, EventInspection, EventsError, ReplayState, RetryStats, Span, StreamEntry, StreamName,
    StreamStats,
};

/// The most entries of one look.
const PAGE: u32 = 100;
/// After every entry.
const END: EntryId = EntryId { unix_ms: u64::MAX, place: u64::MAX };

/// What may be missing.
fn optional<T: core::str::FromStr>(answer: &mut Answer) -> Result<Option<T>, EventsError> {
    let text = answer.text()?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| EventsError::Unexpected(format!("`{text}`")))
}

#[async_trait]
impl EventInspection for RedisEventLog {
    async fn stream(&self, stream: &StreamName) -> Result<Option<StreamStats>, EventsError> {
        let found = script::STREAM.run(&*self.redis, vec![events(stream)], Vec::new()).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        if answer.is_empty() {
            return Ok(None);
        }
        Ok(Some(StreamStats {
            stream: stream.clone(),
            length: answer.parsed()?,
            bytes: answer.parsed()?,
            oldest: optional(&mut answer)?,
            newest: optional(&mut answer)?,
            oldest_age_ms: answer.parsed()?,
            last: answer.parsed()?,
        }))
    }

    async fn entries(&self, stream: &StreamName, span: Span, limit: u32) -> Result<Vec<StreamEntry>, EventsError> {
        let (side, from) = match span {
            // Redis knows no range beyond its ends.
            Span::After(END) | Span::Before(Some(EntryId::START)) => return Ok(Vec::new()),
            Span::After(entry) => ("after", entry.to_string()),
            Span::Before(entry) => ("before", entry.map(|entry| entry.to_string()).unwrap_or_default()),
        };
        let arguments = vec![side.into(), from.into(), i64::from(limit.clamp(1, PAGE)).into()];
        let found = script::ENTRIES.run(&*self.redis, vec![events(stream)], arguments).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        let mut entries = Vec::new();
        while !answer.is_empty() {
            entries.push(StreamEntry { id: answer.parsed()?, payload: answer.bytes()? });
        }
        Ok(entries)
    }

    async fn retries(&self, context: &str, group: &str) -> Result<RetryStats, EventsError> {
        let keys = Keys::new(context.to_owned(), 0);
        let found = script::WAITING.run(&*self.redis, vec![keys.waits(group), keys.totals(group)], Vec::new()).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        Ok(RetryStats {
            waiting: answer.parsed()?,
            next_due: optional(&mut answer)?.map(Timestamp::from_unix_ms),
            retries: answer.parsed()?,
            parked: answer.parsed()?,
            replays: answer.parsed()?,
        })
    }

    async fn oldest_letter(&self, context: &str) -> Result<Option<EntryId>, EventsError> {
        let dead = Keys::new(context.to_owned(), 0).dead();
        let arguments = vec!["after".into(), "0-0".into(), 1.into()];
        let found = script::ENTRIES.run(&*self.redis, vec![dead], arguments).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        if answer.is_empty() { Ok(None) } else { answer.parsed().map(Some) }
    }

    async fn replay_of(&self, context: &str, letter: &DeadLetter) -> Result<Option<ReplayState>, EventsError> {
        let keys = Keys::new(context.to_owned(), 0);
        let keys = vec![keys.replays_due(&letter.group), keys.replays(&letter.group)];
        let found = script::REPLAY_STATE.run(&*self.redis, keys, vec![letter.id.to_string().into()]).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        if answer.is_empty() {
            return Ok(None);
        }
        Ok(Some(ReplayState {
            due: Timestamp::from_unix_ms(answer.parsed()?),
            deliveries: answer.parsed()?,
            retries: answer.parsed()?,
            edited: answer.flag()?,
        }))
    }
}
