//! Giving history up: the bodies that a record had before are put on the garbage list, all in one step.
//!
//! They are found by following predecessors from the present body, and named to the list together: a crash before leaves
//! the way to them intact, and after it the cleaner knows them all.

use crate::{RedisRecords, body, closed, gone};
use records::{RecordKey, RecordsError};
use redis_client::{Argument, Repeat};
use std::collections::BTreeSet;

/// The most predecessors that one call follows; no record of ours changes as often.
const AT_MOST: usize = 4_096;
/// How many are named in one command.
const AT_ONCE: usize = 512;

impl RedisRecords {
    /// Puts every body before the present one on the garbage list.
    pub(crate) async fn history_to_garbage(&self, key: &RecordKey) -> Result<u64, RecordsError> {
        let Some(head) = self.read_head(key).await? else { return Ok(0) };
        let own = format!("{}:{key}:", self.keys.context());
        let mut name = self.keys.body(key, head.version, head.uuid);
        let mut found = BTreeSet::new();
        while found.len() < AT_MOST {
            // A body that is gone ends the way: a cleaner took it, and with it the list had all that came before.
            let Some(bytes) = self.bodies.get(&name).await.map_err(closed)? else { break };
            let corrupt = || RecordsError::Corrupt { key: name.clone() };
            let Some(previous) = body::predecessor(&bytes).ok_or_else(corrupt)? else { break };
            // Nothing but this record's own bodies, whatever a body says.
            if !previous.starts_with(&own) {
                return Err(corrupt());
            }
            if !found.insert(previous.clone()) {
                break;
            }
            name = previous;
        }
        let all: Vec<_> = found.into_iter().collect();
        // The oldest last: as long as a way is cut nowhere, the next call finds what this one did not name.
        for part in all.chunks(AT_ONCE).rev() {
            let mut arguments: Vec<Argument> = vec![self.keys.of("garbage").into(), "NX".into()];
            for body in part {
                arguments.push(self.clock.now().unix_ms().to_string().into());
                arguments.push(body.clone().into());
            }
            self.redis.execute("ZADD", arguments, Repeat::Safe).await.map_err(gone)?;
        }
        Ok(u64::try_from(all.len()).unwrap_or(u64::MAX))
    }
}
