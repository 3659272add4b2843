//! Events in memory: the double of the events ports, for tests of consumers and of the loop.
//!
//! Simple and obviously right rather than fast. It says the same as `events-redis` to each call (one contract suite
//! binds both), and lets a test append, look at the bells and take everything away.

mod dead_letters;
mod history;
mod inspection;
mod log;
mod state;

use ambient::Clock;
use events::{EntryId, Envelope, StreamName};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Streams, groups and dead letters of one test; clones share them.
#[derive(Clone)]
pub struct MemoryEventLog {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

impl MemoryEventLog {
    /// An empty log that tells the time by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock }
    }

    /// Appends an event as a commit does, and rings the groups whose bell is armed.
    pub fn append(&self, stream: &StreamName, event: &Envelope) {
        // An envelope is always JSON; an empty entry would be parked and fail the test that appended it.
        self.append_bytes(stream, &serde_json::to_vec(event).unwrap_or_default());
    }

    /// Appends any bytes, also such as no commit would.
    pub fn append_bytes(&self, stream: &StreamName, payload: &[u8]) {
        let now = self.clock.now();
        self.state().append(stream, payload, now);
    }

    /// How often the group's bell rang so far.
    pub fn rings(&self, group: &str) -> usize {
        self.state().rings.iter().filter(|rung| *rung == group).count()
    }

    /// Loses everything, as a server without its disk.
    pub fn lose_everything(&self) {
        *self.state() = State::default();
    }

    /// Drops entries of a stream up to this one, as trimming does; what was told stays.
    pub fn trim_up_to(&self, stream: &StreamName, last: EntryId) {
        if let Some(found) = self.state().streams.get_mut(stream) {
            found.entries.retain(|id, _| *id > last);
        }
    }

    /// Forgets what was told up to this entry, as an archive does whose pages have had their time.
    pub fn forget_up_to(&self, stream: &StreamName, last: EntryId) {
        if let Some(found) = self.state().streams.get_mut(stream) {
            found.told.retain(|id, _| *id > last);
            found.forgotten = Some(last);
        }
    }

    /// Drops all entries of a stream, as trimming does.
    pub fn trim(&self, stream: &StreamName) {
        if let Some(found) = self.state().streams.get_mut(stream) {
            found.entries.clear();
        }
    }

    /// From now on, no call is answered, until it is called with `false`.
    pub fn cut(&self, cut: bool) {
        self.state().cut = cut;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
