//! What a group does to its streams.

use crate::answer::{Answer, failed, failed_for, is_missing_group};
use crate::keys::{bell, events, groups, member, rung};
use crate::{RedisEventLog, script};
use async_trait::async_trait;
use core::time::Duration;
use events::{Backoff, Delivery, EntryId, Envelope, EventLog, EventsError, Receipt, StreamName, WhenEmpty};
use futures::future::{join_all, try_join_all};
use redis_client::{Argument, Repeat};
use std::collections::BTreeMap;

/// The consumer that holds what is in workers' hands: one constant name, so that none has to be cleaned up.
const WORKER: &str = "worker";
/// The consumer that holds what waits for a retry.
const WAITING: &str = "waiting";
/// How long a bell stays silent that nobody armed again; a worker renews it while it finds entries.
const SILENCE_MS: i64 = 5_000;
/// Longer than any wait: an entry that waits for longer has lost its row among the waits.
const LONGEST_WAIT_MS: i64 = 2 * 3_600_000;
/// How long an entry is known to have its dead letter: longer than it may take until it is acknowledged.
const PARKED_MS: i64 = 7 * 24 * 3_600_000;

fn ms(duration: Duration) -> Argument {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).into()
}

fn text(value: &impl ToString) -> Argument {
    value.to_string().into()
}

#[async_trait]
impl EventLog for RedisEventLog {
    async fn subscribe(&self, group: &str, stream: &StreamName) -> Result<bool, EventsError> {
        let made = script::SUBSCRIBE.run(&*self.redis, vec![events(stream), groups(stream)], vec![group.into()]).await;
        Answer::new(made.map_err(failed)?).flag()
    }

    async fn read(
        &self,
        group: &str,
        stream: &StreamName,
        limit: u32,
        when_empty: WhenEmpty,
    ) -> Result<Vec<Delivery>, EventsError> {
        let then = match when_empty {
            WhenEmpty::Stay => "stay",
            WhenEmpty::Leave => "leave",
        };
        let keys = vec![events(stream), rung(stream, group)];
        let arguments = vec![group.into(), WORKER.into(), i64::from(limit).into(), then.into(), SILENCE_MS.into()];
        let read = script::READ.run(&*self.redis, keys, arguments).await;
        let mut answer = Answer::new(read.map_err(|error| failed_for(group, stream, error))?);
        let mut found = Vec::new();
        while !answer.is_empty() {
            let entry = answer.parsed()?;
            let receipt = Receipt { stream: stream.clone(), entry, deliveries: 1, retries: 0, letter: None };
            found.push(Delivery { receipt, payload: Some(answer.bytes()?) });
        }
        Ok(found)
    }

    async fn acknowledge(&self, group: &str, receipts: &[Receipt]) -> Result<(), EventsError> {
        let (letters, entries): (Vec<_>, Vec<_>) = receipts.iter().partition(|receipt| receipt.letter.is_some());
        for letter in letters.iter().filter_map(|receipt| receipt.letter) {
            self.purge_from(group, letter).await?;
        }
        let mut streams: BTreeMap<&StreamName, Vec<EntryId>> = BTreeMap::new();
        for receipt in &entries {
            streams.entry(&receipt.stream).or_default().push(receipt.entry);
        }
        try_join_all(streams.iter().map(|(stream, entries)| self.settle(group, stream, entries))).await?;
        let retried: Vec<Argument> =
            entries.iter().filter(|receipt| receipt.retries > 0).map(|receipt| member(receipt).into()).collect();
        if !retried.is_empty() {
            let keys = vec![self.keys.waits(group), self.keys.retries(group)];
            script::FORGET.run(&*self.redis, keys, retried).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn claim_abandoned(
        &self,
        group: &str,
        stream: &StreamName,
        idle: Duration,
    ) -> Result<Option<Delivery>, EventsError> {
        let arguments = vec![group.into(), WORKER.into(), WAITING.into(), ms(idle), LONGEST_WAIT_MS.into()];
        let claimed = script::CLAIM.run(&*self.redis, vec![events(stream)], arguments).await;
        let mut answer = Answer::new(claimed.map_err(|error| failed_for(group, stream, error))?);
        if answer.is_empty() {
            return Ok(None);
        }
        let (entry, deliveries) = (answer.parsed()?, answer.parsed()?);
        let payload = payload(&mut answer)?;
        let mut receipt = Receipt { stream: stream.clone(), entry, deliveries, retries: 0, letter: None };
        // Rare enough for a round trip of its own: it lies under another hash tag.
        let arguments = vec![self.keys.retries(group).into(), member(&receipt).into()];
        let retries = self.redis.execute("HGET", arguments, Repeat::Safe).await.map_err(failed)?;
        receipt.retries = Answer::new(retries).text()?.parse().unwrap_or(0);
        Ok(Some(Delivery { receipt, payload }))
    }

    async fn defer(&self, group: &str, receipt: &Receipt, backoff: Backoff) -> Result<(), EventsError> {
        let wait = [ms(backoff.first), ms(backoff.cap), i64::from(backoff.jitter_permille).into()];
        if let Some(letter) = receipt.letter {
            let keys = vec![self.keys.replays_due(group), self.keys.replays(group), self.keys.totals(group)];
            let arguments = [text(&letter), text(&receipt.deliveries)].into_iter().chain(wait).collect();
            script::DEFER_REPLAY.run(&*self.redis, keys, arguments).await.map_err(failed)?;
            return Ok(());
        }
        let keys = vec![self.keys.waits(group), self.keys.retries(group), self.keys.totals(group)];
        let arguments = core::iter::once(member(receipt).into()).chain(wait).collect();
        script::WAIT.run(&*self.redis, keys, arguments).await.map_err(failed)?;
        let arguments =
            vec![group.into(), WORKER.into(), WAITING.into(), text(&receipt.entry), text(&receipt.deliveries)];
        let held = script::HOLD.run(&*self.redis, vec![events(&receipt.stream)], arguments).await;
        held.map_err(|error| failed_for(group, &receipt.stream, error))?;
        Ok(())
    }

    async fn claim_due(&self, group: &str, limit: u32) -> Result<Vec<Delivery>, EventsError> {
        let keys = vec![self.keys.waits(group), self.keys.retries(group)];
        let due = script::DUE.run(&*self.redis, keys.clone(), vec![i64::from(limit).into()]).await;
        let mut answer = Answer::new(due.map_err(failed)?);
        let mut rows = Vec::new();
        while !answer.is_empty() {
            rows.push(Row { member: answer.text()?, due: answer.text()?, retries: answer.parsed()? });
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let resumed = join_all(rows.iter().map(|row| self.resume(group, row))).await;
        let (mut found, mut ended, mut failure) = (Vec::new(), Vec::new(), None);
        for (row, resumed) in rows.into_iter().zip(resumed) {
            let outcome = match resumed {
                Ok(Resumed::Taken(delivery)) => {
                    found.push(delivery);
                    "taken"
                }
                Ok(Resumed::Busy) => "busy",
                Ok(Resumed::Gone) => "gone",
                // Its row stays: it is due at the next look, too.
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            ended.extend([Argument::from(row.member), row.due.into(), outcome.into()]);
        }
        if !ended.is_empty() {
            // A row that stays although its entry was taken is found busy or gone later: the deliveries go on.
            match script::UNWAIT.run(&*self.redis, keys, ended).await.map_err(failed) {
                Err(error) if found.is_empty() => failure = Some(error),
                _ => {}
            }
        }
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    async fn park(&self, group: &str, delivery: &Delivery, cause: &str) -> Result<(), EventsError> {
        let receipt = &delivery.receipt;
        let payload = delivery.payload.clone().unwrap_or_default();
        let trace = Envelope::from_json(&payload).map(|event| event.traceid).unwrap_or_default();
        let letter: [Argument; 7] = [
            group.into(),
            cause.into(),
            text(&receipt.stream),
            text(&receipt.entry),
            text(&receipt.deliveries),
            trace.into(),
            payload.into(),
        ];
        if let Some(old) = receipt.letter {
            let keys =
                vec![self.keys.dead(), self.keys.replays_due(group), self.keys.replays(group), self.keys.totals(group)];
            let arguments = core::iter::once(text(&old)).chain(letter).collect();
            script::REBURY.run(&*self.redis, keys, arguments).await.map_err(failed)?;
            return Ok(());
        }
        let member = member(receipt);
        let keys = vec![
            self.keys.dead(),
            self.keys.parked(group, &member),
            self.keys.waits(group),
            self.keys.retries(group),
            self.keys.totals(group),
        ];
        let arguments = [PARKED_MS.into(), member.into()].into_iter().chain(letter).collect();
        script::BURY.run(&*self.redis, keys, arguments).await.map_err(failed)?;
        self.settle(group, &receipt.stream, &[receipt.entry]).await
    }

    async fn claim_replay(&self, group: &str, lease: Duration) -> Result<Option<Delivery>, EventsError> {
        let keys =
            vec![self.keys.dead(), self.keys.replays_due(group), self.keys.replays(group), self.keys.totals(group)];
        let claimed = script::CLAIM_REPLAY.run(&*self.redis, keys, vec![ms(lease)]).await;
        let mut answer = Answer::new(claimed.map_err(failed)?);
        if answer.is_empty() {
            return Ok(None);
        }
        let (letter, deliveries, retries) = (answer.parsed()?, answer.parsed()?, answer.parsed()?);
        let (stream, entry) = (answer.parsed()?, answer.parsed()?);
        let payload = Some(answer.bytes()?).filter(|payload| !payload.is_empty());
        let receipt = Receipt { stream, entry, deliveries, retries, letter: Some(letter) };
        Ok(Some(Delivery { receipt, payload }))
    }

    async fn ring(&self, group: &str) -> Result<(), EventsError> {
        let arguments = vec![bell(group).into(), "bell".into()];
        self.redis.execute("PUBLISH", arguments, Repeat::Safe).await.map_err(failed)?;
        Ok(())
    }
}

/// An entry whose wait is over.
struct Row {
    member: String,
    /// The moment as the server wrote it: what the row is compared with when it is ended.
    due: String,
    retries: u32,
}

/// What became of an entry whose wait is over.
enum Resumed {
    Taken(Delivery),
    Busy,
    Gone,
}

impl RedisEventLog {
    /// Acknowledges entries of one stream; a group that is not there any more has nothing to settle.
    async fn settle(&self, group: &str, stream: &StreamName, entries: &[EntryId]) -> Result<(), EventsError> {
        let arguments = [events(stream).into(), group.into()].into_iter().chain(entries.iter().map(text)).collect();
        match self.redis.execute("XACK", arguments, Repeat::Safe).await {
            Err(error) if !is_missing_group(&error) => Err(failed(error)),
            _ => Ok(()),
        }
    }

    async fn resume(&self, group: &str, row: &Row) -> Result<Resumed, EventsError> {
        let Some((Ok(stream), Ok(entry))) =
            row.member.split_once('|').map(|(stream, entry)| (stream.parse::<StreamName>(), entry.parse::<EntryId>()))
        else {
            return Err(EventsError::Unexpected(format!("`{}` among the waits", row.member)));
        };
        let arguments = vec![group.into(), WORKER.into(), WAITING.into(), text(&entry)];
        let resumed = match script::RESUME.run(&*self.redis, vec![events(&stream)], arguments).await {
            Err(error) if is_missing_group(&error) => return Ok(Resumed::Gone),
            resumed => resumed.map_err(failed)?,
        };
        let mut answer = Answer::new(resumed);
        let outcome = answer.text()?;
        let payload = match outcome.as_str() {
            "gone" => return Ok(Resumed::Gone),
            "busy" => return Ok(Resumed::Busy),
            "trimmed" => None,
            _ => Some(()),
        };
        let deliveries = answer.parsed()?;
        let bytes = answer.bytes()?;
        let receipt = Receipt { stream, entry, deliveries, retries: row.retries, letter: None };
        Ok(Resumed::Taken(Delivery { receipt, payload: payload.map(|()| bytes) }))
    }
}

/// Whether the entry still has its bytes, and those.
fn payload(answer: &mut Answer) -> Result<Option<Vec<u8>>, EventsError> {
    let there = answer.text()? == "payload";
    let bytes = answer.bytes()?;
    Ok(there.then_some(bytes))
}
