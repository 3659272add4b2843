//! What an operator does to dead letters.

use crate::answer::{Answer, failed};
use crate::keys::bell;
use crate::{RedisEventLog, script};
use ambient::Timestamp;
use async_trait::async_trait;
use events::{DeadLetter, DeadLetterPage, DeadLetters, EntryId, EventsError};

/// The most letters of one page.
const PAGE: u32 = 100;

#[async_trait]
impl DeadLetters for RedisEventLog {
    async fn list(&self, after: Option<EntryId>, limit: u32) -> Result<DeadLetterPage, EventsError> {
        let limit = limit.clamp(1, PAGE);
        let from = after.map_or_else(|| "+".to_owned(), |after| format!("({after}"));
        let letters = self.letters(&from, "-", limit).await?;
        let next = if letters.len() == limit as usize { letters.last().map(|letter| letter.id) } else { None };
        Ok(DeadLetterPage { letters, next })
    }

    async fn inspect(&self, letter: EntryId) -> Result<Option<DeadLetter>, EventsError> {
        let id = letter.to_string();
        Ok(self.letters(&id, &id, 1).await?.pop())
    }

    async fn replay(&self, letter: EntryId) -> Result<bool, EventsError> {
        self.ask(letter, Vec::new()).await
    }

    async fn replay_edited(&self, letter: EntryId, payload: &[u8]) -> Result<bool, EventsError> {
        self.ask(letter, payload.to_vec()).await
    }

    async fn purge(&self, letter: EntryId) -> Result<bool, EventsError> {
        match self.inspect(letter).await? {
            Some(found) => self.purge_from(&found.group, letter).await,
            None => Ok(false),
        }
    }
}

impl RedisEventLog {
    /// Forgets a letter of a group: whether there was one.
    pub(crate) async fn purge_from(&self, group: &str, letter: EntryId) -> Result<bool, EventsError> {
        let keys = vec![self.keys.dead(), self.keys.replays_due(group), self.keys.replays(group)];
        let purged = script::PURGE.run(&*self.redis, keys, vec![letter.to_string().into()]).await;
        Answer::new(purged.map_err(failed)?).flag()
    }

    /// Asks for a letter to be handed out again, with its own bytes where none are given.
    async fn ask(&self, letter: EntryId, payload: Vec<u8>) -> Result<bool, EventsError> {
        let Some(found) = self.inspect(letter).await? else { return Ok(false) };
        let keys = vec![self.keys.dead(), self.keys.replays_due(&found.group), self.keys.replays(&found.group)];
        let arguments = vec![letter.to_string().into(), bell(&found.group).into(), payload.into()];
        Answer::new(script::REPLAY.run(&*self.redis, keys, arguments).await.map_err(failed)?).flag()
    }

    async fn letters(&self, from: &str, to: &str, limit: u32) -> Result<Vec<DeadLetter>, EventsError> {
        let arguments = vec![from.into(), to.into(), i64::from(limit).into()];
        let found = script::LETTERS.run(&*self.redis, vec![self.keys.dead()], arguments).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        let mut letters = Vec::new();
        while !answer.is_empty() {
            let id: EntryId = answer.parsed()?;
            letters.push(DeadLetter {
                id,
                at: Timestamp::from_unix_ms(i64::try_from(id.unix_ms).unwrap_or(i64::MAX)),
                group: answer.text()?,
                cause: answer.text()?,
                stream: answer.parsed()?,
                entry: answer.parsed()?,
                deliveries: answer.parsed()?,
                trace: answer.text()?,
                payload: answer.bytes()?,
            });
        }
        Ok(letters)
    }
}
