//! Streams, looked at: XRANGE over the shared connection, XREAD over one that may block.

use crate::answer::{Answer, failed};
use crate::keys::events;
use async_trait::async_trait;
use core::time::Duration;
use events::{EntryId, EventsError, Reach, StreamName, Tail, Told};
use redis_client::{Argument, Redis, Repeat};
use std::sync::Arc;

/// Looks at streams. The connection's user needs XRANGE and XREVRANGE on each stream, and XREAD on those that it waits
/// for.
#[derive(Clone)]
pub struct RedisTail {
    shared: Arc<dyn Redis>,
    blocking: Arc<dyn Redis>,
}

impl RedisTail {
    /// `blocking` is a connection of its own: whatever follows a blocked command on one waits with it. Its time-out must
    /// be longer than any wait.
    pub fn new(shared: Arc<dyn Redis>, blocking: Arc<dyn Redis>) -> Self {
        Self { shared, blocking }
    }

    async fn end(&self, command: &str, stream: &StreamName) -> Result<Option<EntryId>, EventsError> {
        let (from, to) = if command == "XRANGE" { ("-", "+") } else { ("+", "-") };
        let arguments = vec![events(stream).into(), from.into(), to.into(), "COUNT".into(), 1.into()];
        let found = self.shared.execute(command, arguments, Repeat::Safe).await.map_err(failed)?;
        Ok(told(Answer::new(found))?.first().map(|told| told.entry))
    }
}

/// Entries one after the other, each as its place, the name of its one field, and what that holds.
fn told(mut answer: Answer) -> Result<Vec<Told>, EventsError> {
    let mut found = Vec::new();
    while !answer.is_empty() {
        let entry = answer.parsed()?;
        // Whatever the field is called: an entry has one.
        answer.bytes()?;
        found.push(Told { entry, payload: answer.bytes()? });
    }
    Ok(found)
}

#[async_trait]
impl Tail for RedisTail {
    async fn reach(&self, stream: &StreamName) -> Result<Option<Reach>, EventsError> {
        let Some(newest) = self.end("XREVRANGE", stream).await? else { return Ok(None) };
        // Asked second, so that it is never beyond the newest.
        let oldest = self.end("XRANGE", stream).await?.unwrap_or(newest);
        Ok(Some(Reach { oldest, newest }))
    }

    async fn after(&self, stream: &StreamName, entry: EntryId, limit: u32) -> Result<Vec<Told>, EventsError> {
        let arguments = vec![
            events(stream).into(),
            format!("({entry}").into(),
            "+".into(),
            "COUNT".into(),
            i64::from(limit).into(),
        ];
        let found = self.shared.execute("XRANGE", arguments, Repeat::Safe).await.map_err(failed)?;
        told(Answer::new(found))
    }

    async fn wait_after(
        &self,
        stream: &StreamName,
        entry: EntryId,
        limit: u32,
        within: Duration,
    ) -> Result<Vec<Told>, EventsError> {
        // Zero would block for ever.
        let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX).max(1);
        let arguments: Vec<Argument> = vec![
            "COUNT".into(),
            i64::from(limit).into(),
            "BLOCK".into(),
            within_ms.into(),
            "STREAMS".into(),
            events(stream).into(),
            entry.to_string().into(),
        ];
        let found = self.blocking.execute("XREAD", arguments, Repeat::Safe).await.map_err(failed)?;
        let mut answer = Answer::new(found);
        // Nothing came: nil. Else the stream's name stands first.
        if answer.bytes()?.is_empty() {
            return Ok(Vec::new());
        }
        told(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis_client::Reply;

    #[test]
    fn entries_are_read_from_a_flat_answer_and_a_torn_one_is_an_error() {
        let word = |word: &str| Reply::Bytes(word.as_bytes().to_vec());
        let flat = vec![word("7-0"), word("e"), word("{}"), word("7-1"), word("e"), word("[]")];
        let found = told(Answer::new(flat.clone())).unwrap();
        assert_eq!(found.iter().map(|told| told.entry.to_string()).collect::<Vec<_>>(), ["7-0", "7-1"]);
        assert_eq!(found[1].payload, b"[]");
        assert!(told(Answer::new(flat[..5].to_vec())).is_err());
    }
}
