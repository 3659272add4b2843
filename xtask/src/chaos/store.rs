//! What Redis holds, read by its own operator: an account of what is there that asks none of our components.
//!
//! Nothing here writes; the one command that disturbs is the pause, which is a fault.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chaos::Reading;
use chaos::reading::{Balance, Event, Waiting};

use crate::resp::{Connection, Reply};

/// The contexts that have records, events and timers.
const CONTEXTS: [&str; 6] = ["users", "payments", "notifications", "queries", "webhooks", "sandbox"];
/// The one that plays the acquirer. Its timers are notices, due within seconds: until they are sent it knows more than
/// it has told, and both sides cannot be held against each other.
const ACQUIRER: &str = "sandbox";
/// Events that are read at once.
const PIECE: &str = "1000";
/// A timer that was due for so long should have been attended to. **Units** milliseconds.
const OVERDUE_MS: i64 = 3000;
/// Counts once-rows that are under way: requests that nobody has ended.
const COUNT_OPEN: &str = "local cursor, open = '0', 0
    repeat
      local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
      cursor = page[1]
      for _, key in ipairs(page[2]) do
        if redis.call('TYPE', key).ok == 'string' and redis.call('GETRANGE', key, 0, 1) == 'B ' then open = open + 1 end
      end
    until cursor == '0'
    return open";

/// A connection of the operator's.
pub struct Store(Connection);

impl Store {
    /// Connects.
    ///
    /// # Errors
    /// When Redis is not there.
    pub fn open(address: SocketAddr, password: &str) -> anyhow::Result<Self> {
        Ok(Self(Connection::open_as(address, "operator", password)?))
    }

    /// Lets Redis answer nobody for a while.
    ///
    /// # Errors
    /// When it is not there.
    pub fn pause(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.ask(&["CLIENT", "PAUSE", &how_long.as_millis().to_string(), "ALL"]).map(drop)
    }

    /// What still waits that should not: deliveries, retries, dead letters, overdue timers, requests under way.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn waiting(&mut self) -> anyhow::Result<Waiting> {
        let mut waiting = Waiting::default();
        let time = list(self.ask(&["TIME"])?)?;
        let second: i64 = text(time.into_iter().next().context("no time")?)?.parse()?;
        let overdue = (second * 1000 - OVERDUE_MS).to_string();
        for context in CONTEXTS {
            let key = |kind: &str| format!("{{{context}/0}}:{kind}");
            for group in self.groups(&key("events"))? {
                let Group { name, pending, unseen, .. } = group;
                waiting.note(format!("{context}: delivered to {name}, not handled"), pending);
                waiting.note(format!("{context}: not read by {name}"), unseen);
            }
            waiting.note(format!("dead letters of {context}"), number(self.ask(&["XLEN", &key("dead")])?)?);
            let timers = self.ask(&["ZCOUNT", &key("timers"), "-inf", &overdue])?;
            waiting.note(format!("overdue timers of {context}"), number(timers)?);
            if context == ACQUIRER {
                let notices = self.ask(&["ZCARD", &key("timers")])?;
                waiting.note("notices that the acquirer has yet to send", number(notices)?);
            }
            let open = self.ask(&["EVAL", COUNT_OPEN, "0", &key("o:*")])?;
            waiting.note(format!("requests under way in {context}"), number(open)?);
            for retries in self.named(&key("retry:*"))? {
                let count = number(self.ask(&["ZCARD", &retries])?)?;
                waiting.note(format!("retries in {retries}"), count);
            }
        }
        Ok(waiting)
    }

    /// Balances and events of payments.
    ///
    /// # Errors
    /// When Redis cannot be read, or something there has another shape.
    pub fn read(&mut self, reading: &mut Reading) -> anyhow::Result<()> {
        for account in list(self.ask(&["ZRANGE", "{payments/0}:accounts", "0", "-1"])?)? {
            let account = text(account)?;
            let fields = self.ask(&["HMGET", &format!("{{payments/0}}:b:{account}"), "posted", "held"])?;
            let [posted, held] = <[Reply; 2]>::try_from(list(fields)?).ok().context("no balance")?;
            let balance = Balance { posted_minor: text(posted)?.parse()?, held_minor: text(held)?.parse()? };
            reading.kept.insert(account, balance);
        }
        self.each_event("{payments/0}:events", &mut |envelope| {
            let event = Event::read(envelope)?;
            if event.kind.starts_with("payments.payment.") {
                reading.events.push(event);
            }
            Ok(())
        })
    }

    /// Shows every envelope of a stream, oldest first.
    ///
    /// # Errors
    /// When Redis cannot be read, or whoever looks finds something wrong.
    pub fn each_event(&mut self, stream: &str, look: &mut dyn FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut from = "-".to_owned();
        loop {
            let piece = list(self.ask(&["XRANGE", stream, &from, "+", "COUNT", PIECE])?)?;
            let is_last = piece.is_empty();
            for entry in piece {
                let [id, fields] = <[Reply; 2]>::try_from(list(entry)?).ok().context("no entry")?;
                from = format!("({}", text(id)?);
                let envelope = list(fields)?.into_iter().nth(1).context("an event without its envelope")?;
                look(&text(envelope)?)?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The consumer groups of a stream. Counted here: Redis' own number of what a group has not read is too high after a
    /// load of its file.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn groups(&mut self, stream: &str) -> anyhow::Result<Vec<Group>> {
        if number(self.ask(&["EXISTS", stream])?)? == 0 {
            return Ok(Vec::new());
        }
        let groups = list(self.ask(&["XINFO", "GROUPS", stream])?)?;
        let mut groups: Vec<Group> = groups.into_iter().map(Group::read).collect::<anyhow::Result<_>>()?;
        for group in &mut groups {
            let unseen = self.ask(&["XRANGE", stream, &format!("({}", group.last), "+", "COUNT", PIECE])?;
            group.unseen = list(unseen)?.len() as u64;
        }
        Ok(groups)
    }

    /// The keys of a pattern. Walks the whole keyspace, which is fine in a Redis that nobody else uses.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn named(&mut self, pattern: &str) -> anyhow::Result<Vec<String>> {
        let (mut cursor, mut names) = ("0".to_owned(), Vec::new());
        loop {
            let page = list(self.ask(&["SCAN", &cursor, "MATCH", pattern, "COUNT", "10000"])?)?;
            let [next, keys] = <[Reply; 2]>::try_from(page).ok().context("no page of keys")?;
            cursor = text(next)?;
            for key in list(keys)? {
                names.push(text(key)?);
            }
            if cursor == "0" {
                return Ok(names);
            }
        }
    }

    /// Asks Redis.
    ///
    /// # Errors
    /// When it is not there or refuses.
    pub fn ask(&mut self, words: &[&str]) -> anyhow::Result<Reply> {
        match self.0.call(words)? {
            Reply::Refusal(why) => bail!("Redis refuses {}: {why}", words.first().unwrap_or(&"")),
            reply => Ok(reply),
        }
    }
}

/// A consumer group.
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many entries it was given and has not settled.
    pub pending: u64,
    /// The last entry that it was given.
    last: String,
    /// How many it was not given; counted apart, up to a thousand.
    pub unseen: u64,
}

impl Group {
    /// **Shape** names and values in turn: `name queries-worker consumers 1 pending 0 last-delivered-id 17-0 …`.
    fn read(reply: Reply) -> anyhow::Result<Self> {
        let mut group = Self { name: String::new(), pending: 0, last: String::new(), unseen: 0 };
        let mut fields = list(reply)?.into_iter();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            match text(name)?.as_str() {
                "name" => group.name = text(value)?,
                "pending" => group.pending = number(value)?,
                "last-delivered-id" => group.last = text(value)?,
                _ => {}
            }
        }
        Ok(group)
    }
}

pub(super) fn list(reply: Reply) -> anyhow::Result<Vec<Reply>> {
    match reply {
        Reply::List(list) => Ok(list),
        other => bail!("a list was expected: {other:?}"),
    }
}

pub(super) fn text(reply: Reply) -> anyhow::Result<String> {
    match reply {
        Reply::Text(text) => Ok(text),
        other => bail!("a text was expected: {other:?}"),
    }
}

pub(super) fn number(reply: Reply) -> anyhow::Result<u64> {
    match reply {
        Reply::Integer(number) => Ok(u64::try_from(number)?),
        other => bail!("a number was expected: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_whatever_else_redis_tells() {
        let word = |word: &str| Reply::Text(word.to_owned());
        let reply = [
            word("name"),
            word("queries-worker"),
            word("pending"),
            Reply::Integer(3),
            word("last-delivered-id"),
            word("17-0"),
            word("lag"),
            Reply::Nil,
        ];
        let group = Group::read(Reply::List(reply.into())).unwrap();
        assert_eq!((group.name.as_str(), group.pending, group.last.as_str()), ("queries-worker", 3, "17-0"));
        assert!(Group::read(Reply::Nil).is_err());
    }
}
