//! Key names.

use events::{Receipt, StreamName};

/// The names of one context's own keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    tag: String,
}

impl Keys {
    pub fn new(context: String, partition: u8) -> Self {
        Self { tag: format!("{{{context}/{partition}}}") }
    }

    pub fn waits(&self, group: &str) -> String {
        format!("{}:retry:{group}", self.tag)
    }

    pub fn retries(&self, group: &str) -> String {
        format!("{}:retries:{group}", self.tag)
    }

    pub fn dead(&self) -> String {
        format!("{}:dead", self.tag)
    }

    pub fn parked(&self, group: &str, member: &str) -> String {
        format!("{}:parked:{group}:{member}", self.tag)
    }

    pub fn replays_due(&self, group: &str) -> String {
        format!("{}:replay:{group}", self.tag)
    }

    pub fn replays(&self, group: &str) -> String {
        format!("{}:replays:{group}", self.tag)
    }

    pub fn totals(&self, group: &str) -> String {
        format!("{}:totals:{group}", self.tag)
    }
}

/// The stream of a context.
pub(crate) fn events(stream: &StreamName) -> String {
    format!("{{{stream}}}:events")
}

/// The groups that a commit to this stream rings for.
pub(crate) fn groups(stream: &StreamName) -> String {
    format!("{{{stream}}}:groups")
}

/// Whether a group's bell was rung.
pub(crate) fn rung(stream: &StreamName, group: &str) -> String {
    format!("{{{stream}}}:rung:{group}")
}

/// The channel of a group's bell.
pub(crate) fn bell(group: &str) -> String {
    format!("bell:{group}")
}

/// An entry's name among the waits. **Shape** `payments/0|1767225600000-0`.
pub(crate) fn member(receipt: &Receipt) -> String {
    format!("{}|{}", receipt.stream, receipt.entry)
}
