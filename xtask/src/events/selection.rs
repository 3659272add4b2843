//! Which dead letters are meant.
use anyhow::ensure;
use clap::Args;
use serde_json::{Map, Value, json};

/// Letters by name, or by what is common to them.
#[derive(Debug, Default, Args)]
pub struct Selection {
    /// These letters, by the names that `dlq list` shows.
    pub letters: Vec<String>,
    /// Letters that this group gave up.
    #[arg(long)]
    pub group: Option<String>,
    /// Letters that were given up at this moment or later, such as 2026-01-01T00:00:00Z.
    #[arg(long)]
    pub since: Option<String>,
    /// Letters that were given up at this moment or earlier.
    #[arg(long)]
    pub until: Option<String>,
    /// Every letter of the context.
    #[arg(long)]
    pub all: bool,
}

impl Selection {
    /// What is sent, without cursor and reason: one body a hundred names, or one that describes them.
    ///
    /// # Errors
    /// When nothing is said, or too much.
    pub fn bodies(&self) -> anyhow::Result<Vec<Map<String, Value>>> {
        let described = self.group.is_some() || self.since.is_some() || self.until.is_some();
        let ways = [!self.letters.is_empty(), described, self.all].into_iter().filter(|said| *said).count();
        ensure!(ways == 1, "say which letters: their names, or --group, --since and --until, or --all");
        if !self.letters.is_empty() {
            return Ok(self.letters.chunks(100).map(|names| object(json!({ "letters": names }))).collect());
        }
        let mut body = object(json!({ "group": self.group, "since": self.since, "until": self.until }));
        body.retain(|_, value| !value.is_null());
        if self.all {
            body.insert("all".to_owned(), true.into());
        }
        Ok(vec![body])
    }

    /// The same as a query of the list.
    pub fn query(&self) -> String {
        let pairs = [("group", &self.group), ("since", &self.since), ("until", &self.until)];
        let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        pairs.map(|(name, value)| format!("&{name}={}", escaped(value))).collect()
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A value in a query: what is not unreserved (RFC 3986) is escaped.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_named_or_described_and_never_all_by_silence() {
        let bodies = |selection: &Selection| selection.bodies().map(|bodies| Value::from_iter(bodies).to_string());
        assert!(bodies(&Selection::default()).is_err());
        assert!(bodies(&Selection { all: true, group: Some("g".into()), ..Selection::default() }).is_err());
        assert_eq!(bodies(&Selection { all: true, ..Selection::default() }).unwrap(), r#"[{"all":true}]"#);
        let since = Selection { since: Some("2026-01-01T00:00:00Z".into()), ..Selection::default() };
        assert_eq!(bodies(&since).unwrap(), r#"[{"since":"2026-01-01T00:00:00Z"}]"#);
        assert_eq!(since.query(), "&since=2026-01-01T00%3A00%3A00Z");
        let named = Selection { letters: (0..150).map(|n| format!("{n}-0")).collect(), ..Selection::default() };
        assert_eq!(named.bodies().unwrap().len(), 2, "a hundred a request");
    }
}
