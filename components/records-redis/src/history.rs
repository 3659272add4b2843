//! Giving history up: the bodies that a record had before are put on the garbage list, all in one step.
//!
//! They are found by following predecessors from the present body, and named to the list together: a crash before leaves
//! the way to them intact, and after it the cleaner knows them all.

use crate::keys::GIVEN_UP;
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
        // Newest first, as they are found.
        let mut found: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        while found.len() < AT_MOST {
            // A body that is gone ends the way: a cleaner took it, and with it the list had all that came before.
            let Some(bytes) = self.bodies.get(&name).await.map_err(closed)? else { break };
            let corrupt = || RecordsError::Corrupt { key: name.clone() };
            let Some(previous) = body::predecessor(&bytes).ok_or_else(corrupt)? else { break };
            // Nothing but this record's own bodies, whatever a body says.
            if !previous.starts_with(&own) {
                return Err(corrupt());
            }
            if !seen.insert(previous.clone()) {
                break;
            }
            found.push(previous.clone());
            name = previous;
        }
        let now_ms = self.clock.now().unix_ms();
        let all: Vec<_> = (0i64..).zip(found.into_iter().rev()).collect();
        // The oldest first: as long as a way is cut nowhere, the next call finds what this one did not name.
        for part in all.chunks(AT_ONCE) {
            let mut arguments: Vec<Argument> = vec![self.keys.of("garbage").into(), "NX".into()];
            for (place, body) in part {
                // In the order of versions, so that the cleaner meets each before the one that replaced it.
                arguments.push(now_ms.saturating_add(*place).to_string().into());
                arguments.push(format!("{body}{GIVEN_UP}").into());
            }
            self.redis.execute("ZADD", arguments, Repeat::Safe).await.map_err(gone)?;
        }
        Ok(u64::try_from(all.len()).unwrap_or(u64::MAX))
    }
}
