//! The text of server-sent events. **Source** HTML standard, 9.2.5 and 9.2.6.

use bytes::Bytes;
use core::fmt::Write;
use core::time::Duration;
use events::EntryId;
use serde::Serialize;

/// Blocks under construction: each is an event, a comment or a wish of the server's.
#[derive(Debug, Default)]
pub(super) struct Frames(String);

impl Frames {
    /// How long the client waits before it comes back.
    pub(super) fn retry(&mut self, after: Duration) {
        self.line(format_args!("retry: {}", after.as_millis()));
        self.0.push('\n');
    }

    /// That somebody is still there, and how far everything is told. A client that resumes names this place; it shows no
    /// event for it.
    pub(super) fn beat(&mut self, told: EntryId) {
        self.line(format_args!(": {told}\nid: {told}"));
        self.0.push('\n');
    }

    /// An event in words.
    pub(super) fn block(&mut self, block: &str) {
        self.0.push_str(block);
    }

    /// Whether there is something to send.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub(super) fn finish(self) -> Bytes {
        Bytes::from(self.0)
    }

    fn line(&mut self, text: core::fmt::Arguments<'_>) {
        // Writing into a text cannot fail.
        let _ = writeln!(self.0, "{text}");
    }
}

/// An event in words.
///
/// # Errors
/// The codec's.
pub(super) fn event<T: Serialize>(entry: EntryId, name: &str, data: &T) -> Result<String, serde_json::Error> {
    // JSON on one line: the codec escapes line breaks.
    Ok(format!("id: {entry}\nevent: {name}\ndata: {}\n\n", serde_json::to_string(data)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_as_the_standard_wants_it() {
        let entry = EntryId { unix_ms: 7, place: 1 };
        let mut frames = Frames::default();
        frames.retry(Duration::from_secs(2));
        frames.beat(entry);
        frames.block(&event(entry, "read", &serde_json::json!({ "text": "two\nlines" })).unwrap());
        let text = String::from_utf8(frames.finish().to_vec()).unwrap();
        assert_eq!(text, "retry: 2000\n\n: 7-1\nid: 7-1\n\nid: 7-1\nevent: read\ndata: {\"text\":\"two\\nlines\"}\n\n");
    }
}
