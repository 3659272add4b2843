//! What an instance remembers: bodies by key (immutable, so never wrong) and which body a record's version has.
//! Both are bounded hints; losing them costs a round trip.

use crate::body::Loaded;
use records::{RecordKey, Version};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The most bodies.
const MAX_BODIES: usize = 256;
/// The most bytes of their contents.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most heads.
const MAX_HEADS: usize = 1024;

/// The memory of one instance.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    bodies: HashMap<String, Loaded>,
    order: VecDeque<String>,
    bytes: usize,
    heads: HashMap<RecordKey, (Version, Uuid)>,
}

/// What an entry is counted as.
fn weight(key: &str, body: &Loaded) -> usize {
    key.len() + body.content.as_ref().map_or(0, bytes::Bytes::len)
}

impl Cache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn body(&self, key: &str) -> Option<Loaded> {
        self.inner().bodies.get(key).cloned()
    }

    /// Remembers a body, forgetting the oldest where there are too many.
    pub(crate) fn keep_body(&self, key: String, body: Loaded) {
        let mut inner = self.inner();
        if inner.bodies.contains_key(&key) {
            return;
        }
        inner.bytes += weight(&key, &body);
        inner.order.push_back(key.clone());
        inner.bodies.insert(key, body);
        while inner.order.len() > MAX_BODIES || inner.bytes > MAX_BYTES {
            let Some(oldest) = inner.order.pop_front() else { break };
            if let Some(body) = inner.bodies.remove(&oldest) {
                inner.bytes = inner.bytes.saturating_sub(weight(&oldest, &body));
            }
        }
    }

    /// The body of a record at this version, where it was seen.
    pub(crate) fn uuid_of(&self, record: &RecordKey, version: Version) -> Option<Uuid> {
        self.inner().heads.get(record).filter(|(seen, _)| *seen == version).map(|(_, uuid)| *uuid)
    }

    pub(crate) fn keep_head(&self, record: &RecordKey, version: Version, uuid: Uuid) {
        let mut inner = self.inner();
        if inner.heads.len() >= MAX_HEADS {
            inner.heads.clear();
        }
        inner.heads.insert(record.clone(), (version, uuid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::Timestamp;

    #[test]
    fn the_oldest_bodies_give_way() {
        let cache = Cache::default();
        let body = |bytes: usize| Loaded { content: Some(vec![0; bytes].into()), at: Timestamp::from_unix_ms(0) };
        for place in 0..=MAX_BODIES {
            cache.keep_body(place.to_string(), body(1));
        }
        assert!(cache.body("0").is_none() && cache.body("1").is_some());
        cache.keep_body("large".into(), body(MAX_BYTES - 10));
        assert!(cache.body("2").is_none() && cache.body("large").is_some());
    }
}
