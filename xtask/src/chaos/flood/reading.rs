//! What Redis holds after a flood, read by its own operator. Two commands are no reading: the pause, which is a fault, and
//! the one that brings the timers of letters forward.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use chaos::flood::{Effects, Found, Plan, Stands};
use chaos::reading::{Event, Waiting};

use crate::chaos::store::{Store, list, number, text};
use crate::resp::Reply;

/// The lists by status in which a payment of the flood may be.
const STATUSES: [&str; 3] = ["requires_confirmation", "failed", "captured"];
/// Entries of one read.
const PIECE: usize = 1000;
/// The groups whose effects are counted.
const GROUPS: [&str; 2] = ["notifications-worker", "queries-worker"];

/// What waits while a letter is not sent.
pub const LETTERS: &str = "letters that are not sent";
/// Makes every letter that waits for its next try due now.
const FORWARD: &str = "local now = redis.call('TIME')[1] * 1000
    for _, timer in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      redis.call('ZADD', KEYS[1], 'XX', 'LT', now, timer)
    end
    return 1";

/// A connection of the operator's.
pub struct Reader(Store);

impl Reader {
    /// Connects.
    ///
    /// # Errors
    /// When Redis is not there.
    pub fn open(address: SocketAddr, password: &str) -> anyhow::Result<Self> {
        Store::open(address, password).map(Self)
    }

    /// Lets Redis answer nobody for a while.
    ///
    /// # Errors
    /// When it is not there.
    pub fn pause(&mut self, how_long: Duration) -> anyhow::Result<()> {
        self.0.pause(how_long)
    }

    /// What still waits that should not: deliveries, retries, dead letters, timers.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn waiting(&mut self) -> anyhow::Result<Waiting> {
        let mut waiting = Waiting::default();
        for context in ["users", "payments", "notifications", "queries"] {
            let key = |kind: &str| format!("{{{context}/0}}:{kind}");
            for group in self.0.groups(&key("events"))? {
                waiting.note(format!("{context}: delivered to {}, not handled", group.name), group.pending);
                waiting.note(format!("{context}: not read by {}", group.name), group.unseen);
            }
            waiting.note(format!("dead letters of {context}"), number(self.0.ask(&["XLEN", &key("dead")])?)?);
            for group in GROUPS {
                let retries = self.0.ask(&["ZCARD", &key(&format!("retry:{group}"))])?;
                waiting.note(format!("retries of {group} in {context}"), number(retries)?);
            }
        }
        // Letters are sent by timer: one that is set is one that is not sent.
        let letters = self.0.ask(&["ZCARD", "{notifications/0}:timers"])?;
        waiting.note(LETTERS, number(letters)?);
        Ok(waiting)
    }

    /// Does not wait for the next tries of letters: after three that a fault spoilt, half an hour may be left until then.
    ///
    /// # Errors
    /// When Redis is not there.
    pub fn bring_letters_forward(&mut self) -> anyhow::Result<()> {
        self.0.ask(&["EVAL", FORWARD, "1", "{notifications/0}:timers"]).map(drop)
    }

    /// What people have before the flood.
    ///
    /// # Errors
    /// When Redis cannot be read.
    pub fn remember(&mut self, plan: &Plan, found: &mut Found) -> anyhow::Result<()> {
        for person in plan.people() {
            let inbox = self.members(&format!("{{notifications/0}}:i:inbox:{person}"))?;
            found.before.insert(person.to_string(), inbox.into_iter().collect());
        }
        found.letters_before = self.letters()?.into_keys().collect();
        Ok(())
    }

    /// Everything after it.
    ///
    /// # Errors
    /// When Redis cannot be read, or something there has another shape.
    pub fn read(&mut self, plan: &Plan, found: &mut Found) -> anyhow::Result<()> {
        self.stream("{payments/0}:events", |envelope| {
            let event = Event::read(envelope)?;
            if event.kind.starts_with("payments.payment.") {
                found.events.push(event);
            }
            Ok(())
        })?;
        self.stream("{notifications/0}:events", |envelope| {
            let event = Envelope::read(envelope)?;
            if event.kind.starts_with("notifications.notification.") {
                found.announced.push((event.subject, event.version));
            }
            Ok(())
        })?;
        for person in plan.people() {
            let effects = self.effects(&person.to_string())?;
            found.people.insert(person.to_string(), effects);
        }
        found.letters = self.letters()?;
        Ok(())
    }

    fn effects(&mut self, person: &str) -> anyhow::Result<Effects> {
        let mut effects = Effects::default();
        for message in self.members(&format!("{{notifications/0}}:i:inbox:{person}"))? {
            *effects.inbox.entry(message).or_default() += 1;
        }
        effects.unread = self.members(&format!("{{notifications/0}}:i:unread:{person}"))?.into_iter().collect();
        let projected = &mut effects.projected;
        for payment in self.members(&format!("{{queries/0}}:i:payments-of:{person}"))? {
            projected.payments.entry(payment).or_insert(Stands { lists: BTreeSet::new(), times: 0 }).times += 1;
        }
        for status in STATUSES {
            for payment in self.members(&format!("{{queries/0}}:i:payments-of:{person}:{status}"))? {
                let stands = projected.payments.entry(payment).or_insert(Stands { lists: BTreeSet::new(), times: 0 });
                stands.lists.insert(status.to_owned());
            }
        }
        projected.messages = self.members(&format!("{{queries/0}}:i:notifications-of:{person}"))?.into_iter().collect();
        let posted = self.0.ask(&["HGET", &format!("{{queries/0}}:b:captured:{person}:EUR"), "posted"])?;
        projected.captured_minor = match posted {
            Reply::Nil => 0,
            posted => text(posted)?.parse()?,
        };
        Ok(effects)
    }

    /// Every letter that the provider has, by name.
    fn letters(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut letters = BTreeMap::new();
        for mailbox in self.0.named("{sandbox/0}:i:mailbox:*")? {
            for letter in self.members(&mailbox)? {
                *letters.entry(letter).or_default() += 1;
            }
        }
        Ok(letters)
    }

    /// The names in an index: of each member `<sort>\0<kind>:<name>` the last word.
    fn members(&mut self, index: &str) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        loop {
            let (from, to) = (names.len().to_string(), (names.len() + PIECE - 1).to_string());
            let piece = list(self.0.ask(&["ZRANGE", index, &from, &to])?)?;
            let is_last = piece.len() < PIECE;
            for member in piece {
                names.push(text(member)?.rsplit(':').next().unwrap_or_default().to_owned());
            }
            if is_last {
                return Ok(names);
            }
        }
    }

    fn stream(&mut self, stream: &str, mut look: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.0.each_event(stream, &mut look)
    }
}

/// The members of an envelope that count here.
struct Envelope {
    kind: String,
    subject: String,
    version: (u32, u64),
}

impl Envelope {
    fn read(envelope: &str) -> anyhow::Result<Self> {
        let value: serde_json::Value = serde_json::from_str(envelope)?;
        let word = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let version = word("version");
        let (epoch, number) = version.split_once('.').unwrap_or_default();
        Ok(Self {
            kind: word("type"),
            subject: word("subject"),
            version: (epoch.parse().unwrap_or_default(), number.parse().unwrap_or_default()),
        })
    }
}
