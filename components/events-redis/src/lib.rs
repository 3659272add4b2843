//! The events ports on Redis streams: groups, retries, dead letters, by scripts of one step each.
//!
//! What lives here: key names, scripts and the reading of their answers. What does not: connections (`redis-client`),
//! appending (the commit script of `records-redis`) and the loop (`events`).
//!
//! **Shape** of the keys, `source` being whose events they are and `own` whose worker hears them:
//!
//! | key | type | holds |
//! |---|---|---|
//! | `{source/0}:events` | stream | envelopes, in field `e` |
//! | `{source/0}:groups` | set | groups that a commit rings for |
//! | `{source/0}:rung:<group>` | string, expires | the group's bell was rung and nobody found the stream empty since |
//! | `{own/0}:retry:<group>` | sorted set | `<stream>\|<entry>` by the moment when its wait is over |
//! | `{own/0}:retries:<group>` | hash | `<stream>\|<entry>` to how often it was put off |
//! | `{own/0}:dead` | stream | dead letters |
//! | `{own/0}:parked:<group>:<stream>\|<entry>` | string, expires | this entry has its dead letter |
//! | `{own/0}:replay:<group>` | sorted set | letters to be replayed by the moment when they may be |
//! | `{own/0}:replays:<group>` | hash | deliveries and retries of those, and what is handed out in place of their bytes |
//! | `{own/0}:totals:<group>` | hash | how often anything was put off, given up, replayed |
//!
//! **Invariant** a script touches keys of one hash tag, so that streams and their readers may lie on different servers
//! one day. What spans two of them is done in an order in which a death in between repeats something harmless: the wait
//! is noted before the entry changes hands, the dead letter is written before the entry is acknowledged.
//!
//! An entry in a worker's hands belongs to consumer `worker` of its group, one that waits for a retry to `waiting`; so
//! whoever looks for abandoned entries walks past none that wait.

mod answer;
mod dead_letters;
mod inspection;
mod keys;
mod log;
mod script;
mod statistics;
mod tail;

pub use tail::RedisTail;

use redis_client::Redis;
use std::sync::Arc;

/// The events of other contexts as one context's groups hear them, its dead letters, and how far all are.
#[derive(Clone)]
pub struct RedisEventLog {
    redis: Arc<dyn Redis>,
    keys: keys::Keys,
}

impl RedisEventLog {
    /// The log of a context in partition 0, over a connection that may read the streams that its groups hear.
    pub fn new(context: impl Into<String>, redis: Arc<dyn Redis>) -> Self {
        Self { redis, keys: keys::Keys::new(context.into(), 0) }
    }
}
