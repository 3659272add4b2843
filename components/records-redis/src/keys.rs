//! Every name that records have in Redis and in the key-value store.

use events::StreamName;
use ids::{Partition, Partitions};
use records::{AccountKey, OnceKey, RecordKey, Version};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The names of one context's records in one partition.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    context: String,
    /// `{payments/0}:`: what stands in braces decides the slot, so that one script reaches all of it.
    prefix: String,
    partition: Partition,
    /// Among how many the records are divided; `None` where all of them are here.
    divided: Option<Partitions>,
    /// What pages are called by: `journal`, or `trail`.
    pages: &'static str,
}

impl Keys {
    pub(crate) fn new(context: &str, partition: Partition, divided: Option<Partitions>) -> Self {
        let prefix = format!("{{{context}/{partition}}}:");
        Self { context: context.to_owned(), prefix, partition, divided, pages: "journal" }
    }

    /// Among how many partitions the records are divided: 1 where all of them are in one.
    pub(crate) fn divided_among(&self) -> u8 {
        self.divided.map_or(1, Partitions::count)
    }

    /// Whether a record lies here: the store of a context holds the bodies of all its partitions.
    pub(crate) fn holds(&self, record: &RecordKey) -> bool {
        self.divided.is_none_or(|partitions| partitions.of_record(record.as_str()) == Some(self.partition))
    }

    /// The names of the audit trail's chain: `{payments/0}:trail:` in Redis, `payments:trail.0.…` in the store.
    pub(crate) fn of_trail(&self) -> Self {
        Self { prefix: self.of("trail:"), pages: "trail", ..self.clone() }
    }

    pub(crate) fn context(&self) -> &str {
        &self.context
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A key of one of the kinds without a name: `epoch`, `timers`, `trial`, `garbage`, `books`, `journal`, `frozen`.
    pub(crate) fn of(&self, kind: &str) -> String {
        format!("{}{kind}", self.prefix)
    }

    /// `{payments/0}:b:merchant:EUR`: balance and counts of an account.
    pub(crate) fn balance(&self, account: &AccountKey) -> String {
        format!("{}b:{account}", self.prefix)
    }

    /// `{payments/0}:j:merchant:EUR`: the open rows of an account.
    pub(crate) fn account_rows(&self, account: &AccountKey) -> String {
        format!("{}j:{account}", self.prefix)
    }

    /// `{payments/0}:h:payment:pay_00…`
    pub(crate) fn head(&self, record: &RecordKey) -> String {
        format!("{}h:{record}", self.prefix)
    }

    /// `{payments/0}:trail:w:<digest>`: the mark that the same was noted a moment ago.
    pub(crate) fn noted(&self, same: &str) -> String {
        format!("{}trail:w:{}", self.prefix, hex(Sha256::digest(same).as_slice()))
    }

    /// `{payments/0}:o:<digest>`
    pub(crate) fn once(&self, once: &OnceKey) -> String {
        format!("{}o:{}", self.prefix, once_digest(once))
    }

    /// `payments:payment:pay_00…:1.7.<uuid>` in the key-value store.
    pub(crate) fn body(&self, record: &RecordKey, version: Version, uuid: Uuid) -> String {
        format!("{}:{record}:{version}.{uuid}", self.context)
    }

    /// `payments:journal.0.page.17` in the key-value store: a page of the chain.
    pub(crate) fn page(&self, page: u64) -> String {
        format!("{}:{}.{}.page.{page}", self.context, self.pages, self.partition)
    }

    /// `payments:journal.0.account.merchant:EUR.17` in the key-value store: a page of an account;
    /// `users:trail.0.shredded.1.usr_00….17` where its rows were shredded, with how often.
    pub(crate) fn account_page(&self, account: &AccountKey, generation: u64, page: u64) -> String {
        let kind = if generation == 0 { "account".to_owned() } else { format!("shredded.{generation}") };
        format!("{}:{}.{}.{kind}.{account}.{page}", self.context, self.pages, self.partition)
    }

    /// `users:trail.0.generation.1.usr_00…` in the key-value store: that the account's rows were shredded so often; and on
    /// the garbage list, that older pages are to be looked for once more.
    pub(crate) fn generation(&self, account: &AccountKey, generation: impl core::fmt::Display) -> String {
        format!("{}:{}.{}.generation.{generation}.{account}", self.context, self.pages, self.partition)
    }

    /// `payments:archive.0.page.17` in the key-value store: a page of the stream's archive.
    pub(crate) fn archive_page(&self, page: u64) -> String {
        format!("{}:archive.{}.page.{page}", self.context, self.partition)
    }

    /// `payments:standing.0:payment:pay_00…:1.7.<uuid>` in the key-value store: what a record stood in after the change with
    /// this body, which is gone.
    pub(crate) fn standing(&self, body: &str) -> String {
        let rest = body.strip_prefix(&self.context).and_then(|rest| rest.strip_prefix(':')).unwrap_or(body);
        format!("{}:standing.{}:{rest}", self.context, self.partition)
    }

    /// `payments:rebuilt.0.2` in the key-value store: that the data was rebuilt as this epoch.
    pub(crate) fn rebuilt(&self, epoch: u32) -> String {
        format!("{}:rebuilt.{}.{epoch}", self.context, self.partition)
    }

    /// The same names with a word more before those in Redis: `{payments/0}:rebuild:old:h:…`.
    pub(crate) fn under(&self, word: &str) -> Self {
        Self { prefix: self.of(word), ..self.clone() }
    }

    /// Whether this is the stream among these names.
    pub(crate) fn is_of(&self, stream: &StreamName) -> bool {
        (stream.context(), stream.partition()) == (self.context.as_str(), self.partition)
    }

    pub(crate) const fn partition(&self) -> Partition {
        self.partition
    }

    /// `payments:mark.0` in the key-value store: the high-water mark of commits.
    pub(crate) fn mark(&self) -> String {
        format!("{}:mark.{}", self.context, self.partition)
    }
}

/// What follows a body's name in that of the mark which says that the body was not committed.
pub(crate) const LOST: &str = ".lost";
/// What follows a body's name on the garbage list where its record gave its history up.
pub(crate) const GIVEN_UP: &str = ".given-up";

/// `payments:payment:pay_00…:1.7.<uuid>.lost` in the key-value store: this body was refused.
pub(crate) fn lost(body: &str) -> String {
    format!("{body}{LOST}")
}

/// SHA-256 of the parts, each preceded by its length, in hexadecimal.
pub(crate) fn once_digest(once: &OnceKey) -> String {
    let mut hash = Sha256::new();
    for part in [once.kind.as_bytes(), once.who.as_bytes(), once.key.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_body_is_named_by_it() {
        let keys = Keys::new("payments", 0, None);
        assert_eq!(keys.standing("payments:payment:pay_1:1.7.x"), "payments:standing.0:payment:pay_1:1.7.x");
        assert_eq!(keys.under("rebuild:old:").of("h:a"), "{payments/0}:rebuild:old:h:a");
    }

    #[test]
    fn the_parts_of_a_once_row_cannot_run_into_each_other() {
        let once = |who: &str, key: &str| once_digest(&OnceKey { kind: "request", who: who.into(), key: key.into() });
        assert_eq!(once("a", "bc").len(), 64);
        assert_ne!(once("a", "bc"), once("ab", "c"));
    }
}
