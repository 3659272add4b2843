//! How the streams and their archives stand, as the workers wrote it (`wiring-spin`).
//!
//! **Layout** a hash `{<context>/metrics}:stream`: `entries`, `bytes` (estimated), `pages`, `unarchived_ms`, `held_ms`, `over_budget`
//! (0 or 1).

use super::metrics::texts;
use core::fmt::Write;
use futures::future::join_all;
use redis_client::{Redis, Repeat};
use std::collections::BTreeMap;

/// Field, name and what it says.
const FAMILIES: [(&str, &str, &str); 6] = [
    ("entries", "spindrift_stream_entries", "Events in a stream."),
    ("bytes", "spindrift_stream_bytes", "About how many bytes they are."),
    ("over_budget", "spindrift_stream_over_budget", "1 where a stream is larger than it may be: an alarm."),
    ("held_ms", "spindrift_stream_held_milliseconds", "Age of the oldest event that some group has not settled."),
    ("pages", "spindrift_archive_pages", "Pages that the archive of a stream was ever given."),
    ("unarchived_ms", "spindrift_archive_behind_milliseconds", "Age of the oldest event that is in no page."),
];

/// The lines of every service that has shown something; one that does not answer is left out.
pub(super) async fn lines(redis: &dyn Redis, services: impl Iterator<Item = &'static str>) -> String {
    let shown = join_all(services.map(|name| async move {
        let key = format!("{{{name}/metrics}}:stream");
        let fields = redis.execute("HGETALL", vec![key.into()], Repeat::Safe).await.unwrap_or_default();
        let mut texts = texts(&fields);
        let mut values = BTreeMap::new();
        while let (Some(field), Some(value)) = (texts.next(), texts.next()) {
            values.extend(value.parse::<u64>().ok().map(|value| (field, value)));
        }
        (name, values)
    }))
    .await;
    let mut text = String::new();
    for (field, name, help) in FAMILIES {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (service, value) in shown.iter().filter_map(|(service, values)| Some((service, values.get(field)?))) {
            let _ = writeln!(text, "{name}{{service=\"{service}\"}} {value}");
        }
    }
    text
}
