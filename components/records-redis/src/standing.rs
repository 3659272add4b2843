//! What a record stands in after a change: its entries of indexes and its timers, folded from all its changes.
//!
//! A body says what its own change did. Bodies that were replaced are deleted after a day, and with them would go what they
//! entered into indexes: a session that is refreshed every ten minutes was entered once, when it began. So the cleaner
//! writes a page before it deletes a body: what the record stood in after that change. A rebuild folds upon it.

use crate::body::{self, ChangeIn, IndexIn, TimerIn, Whole};
use crate::{RedisRecords, closed};
use records::RecordsError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of this shape.
const SHAPE: u8 = 1;
/// The most changes that one fold follows.
const AT_MOST: usize = 65_536;

/// **Shape** `{"v":1,"index":{"sessions-of:usr_1":{"ses_1":"{}"}},"timers":{"expire":1767225600000}}`, and `"past"` with the
/// name of a body where older ones are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    v: u8,
    /// By index and place: the summary.
    pub(crate) index: BTreeMap<String, BTreeMap<String, String>>,
    /// By name: when it is due, in milliseconds since 1970.
    pub(crate) timers: BTreeMap<String, i64>,
    /// The newest of the older bodies that are still there: without it the way to them would be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) past: Option<String>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { v: SHAPE, index: BTreeMap::new(), timers: BTreeMap::new(), past: None }
    }
}

impl Standing {
    /// Does what a change did.
    pub(crate) fn apply(&mut self, change: &ChangeIn) {
        for step in &change.index {
            match step {
                IndexIn::Put { index, sort, summary } => {
                    self.index.entry(index.clone()).or_default().insert(sort.clone(), summary.clone());
                }
                IndexIn::Remove { index, sort } => self.take_out(index, sort),
            }
        }
        for step in &change.timers {
            match step {
                TimerIn::Set { name, due } => self.timers.insert(name.clone(), due.unix_ms()),
                TimerIn::Clear { name } => self.timers.remove(name),
            };
        }
    }

    fn take_out(&mut self, index: &str, sort: &str) {
        if let Some(entries) = self.index.get_mut(index) {
            entries.remove(sort);
            if entries.is_empty() {
                self.index.remove(index);
            }
        }
    }

    /// Leaves out what a later change says anew: it need not be said twice, and an erasure says it without what is
    /// personal.
    pub(crate) fn leave_to(&mut self, later: &Whole) {
        for step in &later.change.index {
            let (IndexIn::Put { index, sort, .. } | IndexIn::Remove { index, sort }) = step;
            self.take_out(index, sort);
        }
        if later.tombstone {
            self.index.values_mut().flat_map(BTreeMap::values_mut).for_each(String::clear);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty() && self.timers.is_empty() && self.past.is_none()
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes).ok().filter(|standing| standing.v == SHAPE)
    }
}

impl RedisRecords {
    /// The page of this body, where there is one.
    pub(crate) async fn read_standing(&self, body: &str) -> Result<Option<Standing>, RecordsError> {
        let key = self.keys.standing(body);
        let Some(bytes) = self.bodies.get(&key).await.map_err(closed)? else { return Ok(None) };
        Standing::read(&bytes).map(Some).ok_or(RecordsError::Corrupt { key })
    }

    /// Writes the page of this body.
    pub(crate) async fn write_standing(&self, body: &str, standing: &Standing) -> Result<(), RecordsError> {
        let bytes = serde_json::to_vec(standing).map_err(|error| RecordsError::Invalid(error.to_string()))?;
        self.bodies.set(&self.keys.standing(body), bytes).await.map_err(closed)
    }

    /// A body with its change; `None` where it is gone.
    pub(crate) async fn read_whole(&self, name: &str) -> Result<Option<Whole>, RecordsError> {
        let Some(bytes) = self.bodies.get(name).await.map_err(closed)? else { return Ok(None) };
        body::whole(&bytes).map(Some).ok_or_else(|| RecordsError::Corrupt { key: name.to_owned() })
    }

    /// What the record stood in after the change with this body, and the page upon which that was folded.
    pub(crate) async fn standing_after(&self, name: &str) -> Result<(Standing, Option<String>), RecordsError> {
        let (mut changes, mut next, mut past) = (Vec::new(), Some(name.to_owned()), None);
        let (mut standing, mut base) = (Standing::default(), None);
        while let Some(name) = next {
            if let Some(found) = self.read_standing(&name).await? {
                (standing, base) = (found, Some(name));
                break;
            }
            let Some(whole) = self.read_whole(&name).await? else { break };
            if changes.len() == 1 {
                past = Some(name.clone());
            }
            if changes.len() == AT_MOST {
                return Err(RecordsError::Corrupt { key: name });
            }
            let own = format!("{}:{}:", self.keys.context(), whole.key);
            // Nothing but this record's own bodies, whatever a body says.
            next = whole.previous.filter(|previous| previous.starts_with(&own));
            changes.push(whole.change);
        }
        changes.iter().rev().for_each(|change| standing.apply(change));
        if past.is_some() {
            standing.past = past;
        }
        Ok((standing, base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(change: &str, tombstone: bool) -> Whole {
        let text = format!(
            r#"{{"v":1,"key":"r","version":"1.2","previous":null,"tombstone":{tombstone},"change":{{"once":null,"postings":[],
            "events":[],"keep_previous":false,{change}}}}}"#
        );
        body::whole(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_last_word_counts_and_what_was_taken_out_is_gone() {
        let mut standing = Standing::default();
        standing.apply(
            &whole(
                r#""index":[{"put":{"index":"i","sort":"1","summary":"a"}},{"put":{"index":"i","sort":"2","summary":"b"}}],
                "timers":[{"set":{"name":"t","due":"2026-01-01T00:00:00.000Z"}}]"#,
                false,
            )
            .change,
        );
        standing.apply(&whole(r#""index":[{"remove":{"index":"i","sort":"1"}}],"timers":[]"#, false).change);
        let bytes = serde_json::to_vec(&standing).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            r#"{"v":1,"index":{"i":{"2":"b"}},"timers":{"t":1767225600000}}"#
        );
        assert_eq!(Standing::read(&bytes), Some(standing.clone()));
        standing.apply(
            &whole(r#""index":[{"remove":{"index":"i","sort":"2"}}],"timers":[{"clear":{"name":"t"}}]"#, false).change,
        );
        assert!(standing.is_empty());
    }

    #[test]
    fn an_erased_record_leaves_no_summary_behind() {
        let mut standing = Standing::default();
        let put = r#""timers":[],"index":[{"put":{"index":"i","sort":"1","summary":"Ann"}},{"put":{"index":"j","sort":"1","summary":"Ann"}}]"#;
        standing.apply(&whole(put, false).change);
        standing.leave_to(&whole(r#""timers":[],"index":[{"put":{"index":"j","sort":"1","summary":""}}]"#, true));
        assert_eq!(serde_json::to_string(&standing.index).unwrap(), r#"{"i":{"1":""}}"#);
    }
}
