//! What is read: records, once-rows, pages, balances. Nothing here changes anything.

use crate::body::Loaded;
use crate::scripts::{AT, BALANCES, COUNTS, LIST, TRIAL};
use crate::{RedisRecords, body, closed, gone, unreadable};
use ambient::Timestamp;
use records::{
    AccountKey, Answer, Balance, Cursor, Fingerprint, IndexEntry, IndexName, MAX_PAGE, MAX_TWINS, OnceKey, OnceState,
    Page, Record, RecordKey, RecordsError, TrialBalance, Version, check_places,
};
use redis_client::{Repeat, Reply};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How often a body that its store does not show is looked for under an unchanged head.
const BODY_READS: u32 = 5;
/// How often a head may change under a load before it gives up.
const HEAD_READS: u32 = 20;

/// Which body is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: Version,
    pub(crate) uuid: Uuid,
}

impl Head {
    /// Reads `<epoch>.<n> <uuid>`, with ` x` after it for a tombstone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self { version: words.next()?.parse().ok()?, uuid: words.next()?.parse().ok()? })
    }
}

impl RedisRecords {
    /// The head of a record, and on the way the layout of the data.
    pub(crate) async fn read_head(&self, key: &RecordKey) -> Result<Option<Head>, RecordsError> {
        let name = self.keys.head(key);
        let arguments = vec![name.as_str().into(), self.keys.of("epoch").into()];
        let replies = self.redis.execute("MGET", arguments, Repeat::Safe).await.map_err(gone)?;
        match replies.as_slice() {
            [Reply::Bytes(head), epoch] => {
                if let Some(layout) = layout(epoch) {
                    self.learn_layout(layout)?;
                }
                let head = core::str::from_utf8(head).ok().and_then(Head::parse);
                head.map(Some).ok_or(RecordsError::Corrupt { key: name })
            }
            // No head in data that exists: there is no such record.
            [Reply::Nil, epoch] if layout(epoch).is_some() => Ok(None),
            // No data at all: either there never was any, or it is lost; the mark tells.
            [Reply::Nil, _] => self.refuse_lost_data().await.map(|()| None),
            other => Err(unreadable(other)),
        }
    }

    /// Head, then body; a head that changes in between starts it anew.
    pub(crate) async fn read_record(&self, key: &RecordKey) -> Result<Option<Record>, RecordsError> {
        let mut missing: Option<(Head, u32)> = None;
        for _ in 0..HEAD_READS {
            let Some(head) = self.read_head(key).await? else { return Ok(None) };
            let body_key = self.keys.body(key, head.version, head.uuid);
            if let Some(loaded) = self.read_body(&body_key).await? {
                self.cache.keep_head(key, head.version, head.uuid);
                let Loaded { content, at } = loaded;
                return Ok(Some(Record { key: key.clone(), version: head.version, content, at }));
            }
            let reads = match missing {
                Some((same, reads)) if same == head => reads + 1,
                _ => 1,
            };
            if reads == BODY_READS {
                return Err(RecordsError::Corrupt { key: body_key });
            }
            missing = Some((head, reads));
            self.back_off(reads).await;
        }
        Err(RecordsError::Unavailable(format!("{key} changes faster than it can be read")))
    }

    /// A body, from the instance's memory where it is there.
    async fn read_body(&self, key: &str) -> Result<Option<Loaded>, RecordsError> {
        if let Some(loaded) = self.cache.body(key) {
            return Ok(Some(loaded));
        }
        let Some(bytes) = self.bodies.get(key).await.map_err(closed)? else { return Ok(None) };
        let loaded = body::read(&bytes).ok_or_else(|| RecordsError::Corrupt { key: key.to_owned() })?;
        self.cache.keep_body(key.to_owned(), loaded.clone());
        Ok(Some(loaded))
    }

    /// A once-row.
    pub(crate) async fn read_once(&self, key: &OnceKey) -> Result<Option<OnceState>, RecordsError> {
        let name = self.keys.once(key);
        let replies = self.redis.execute("GET", vec![name.as_str().into()], Repeat::Safe).await.map_err(gone)?;
        match replies.as_slice() {
            [Reply::Nil] | [] => Ok(None),
            [Reply::Bytes(row)] => {
                let row = core::str::from_utf8(row).ok().and_then(once_row);
                row.map(Some).ok_or(RecordsError::Corrupt { key: name })
            }
            other => Err(unreadable(other)),
        }
    }

    /// One page of an index.
    pub(crate) async fn read_page(
        &self,
        index: &IndexName,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page, RecordsError> {
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(RecordsError::Invalid(format!("a page has 1 to {MAX_PAGE} entries")));
        }
        let after = after.map(Cursor::place).transpose()?.map(|(sort, key)| format!("{sort}\0{key}"));
        let arguments = [
            self.keys.of(&format!("i:{index}")).into(),
            self.keys.of(&format!("s:{index}")).into(),
            after.unwrap_or_default().into(),
            i64::from(limit).into(),
        ];
        self.script(&LIST, 2, &arguments, page).await
    }

    /// Entries of an index at certain places.
    pub(crate) async fn read_places(
        &self,
        index: &IndexName,
        sorts: &[String],
    ) -> Result<Vec<Vec<IndexEntry>>, RecordsError> {
        check_places(sorts)?;
        if sorts.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec![
            self.keys.of(&format!("i:{index}")).into(),
            self.keys.of(&format!("s:{index}")).into(),
            i64::from(MAX_TWINS).into(),
        ];
        arguments.extend(sorts.iter().map(|sort| sort.as_str().into()));
        self.script(&AT, 2, &arguments, |fields| places(fields, sorts.len())).await
    }

    /// Sizes of indexes, in the order asked.
    pub(crate) async fn read_counts(&self, indexes: &[IndexName]) -> Result<Vec<u64>, RecordsError> {
        if indexes.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<_> = indexes.iter().map(|index| self.keys.of(&format!("i:{index}")).into()).collect();
        self.script(&COUNTS, indexes.len(), &arguments, |fields| {
            fields.iter().map(|count| count.parse().ok()).collect()
        })
        .await
    }

    /// Balances of accounts, in the order asked.
    pub(crate) async fn read_balances(&self, accounts: &[AccountKey]) -> Result<Vec<Balance>, RecordsError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<_> = accounts.iter().map(|account| self.keys.balance(account).into()).collect();
        self.script(&BALANCES, accounts.len(), &arguments, |fields| {
            let (pairs, _) = fields.as_chunks::<2>();
            pairs.iter().map(|[posted, held]| balance(posted, held)).collect()
        })
        .await
    }

    /// The running trial balance.
    pub(crate) async fn read_trial_balance(&self) -> Result<Vec<TrialBalance>, RecordsError> {
        self.trial_at(&self.keys.of("trial")).await
    }

    /// A running trial balance under this key.
    pub(crate) async fn trial_at(&self, key: &str) -> Result<Vec<TrialBalance>, RecordsError> {
        self.script(&TRIAL, 1, &[key.into()], |fields| {
            let mut lines: BTreeMap<&str, (i64, u64)> = BTreeMap::new();
            let (pairs, _) = fields.as_chunks::<2>();
            for [name, value] in pairs {
                match name.strip_suffix(":legs") {
                    Some(currency) => lines.entry(currency).or_default().1 = value.parse().ok()?,
                    None => lines.entry(name).or_default().0 = value.parse().ok()?,
                }
            }
            let line = |(currency, (sum_minor, legs)): (&str, _)| TrialBalance {
                currency: currency.to_owned(),
                sum_minor,
                legs,
            };
            Some(lines.into_iter().map(line).collect())
        })
        .await
    }
}

/// The layout that the reply to a GET of the epoch names, unless the data is not there yet.
fn layout(epoch: &Reply) -> Option<&str> {
    match epoch {
        Reply::Bytes(bytes) => core::str::from_utf8(bytes).ok().filter(|text| !text.starts_with("creating ")),
        Reply::Nil | Reply::Status(_) | Reply::Integer(_) => None,
    }
}

/// Reads `B <fingerprint> <attempt> <until>` or `D <fingerprint> <status> <body>`.
fn once_row(row: &str) -> Option<OnceState> {
    let (kind, rest) = row.split_once(' ')?;
    let (fingerprint, rest) = rest.split_once(' ')?;
    let fingerprint = parse_fingerprint(fingerprint)?;
    let (first, second) = rest.split_once(' ')?;
    match kind {
        "B" => Some(OnceState::InFlight { fingerprint, until: Timestamp::from_unix_ms(second.parse().ok()?) }),
        "D" => Some(OnceState::Done {
            fingerprint,
            answer: Answer { status: first.parse().ok()?, body: second.to_owned() },
        }),
        _ => None,
    }
}

/// 64 hexadecimal digits.
fn parse_fingerprint(text: &str) -> Option<Fingerprint> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(Fingerprint(bytes))
}

/// Reads the answer of `list.lua`.
fn page(fields: &[&str]) -> Option<Page> {
    let (&more, members) = fields.split_first()?;
    let (members, _) = members.as_chunks::<2>();
    let entries = members.iter().map(|[member, summary]| entry(member, summary)).collect::<Option<Vec<_>>>()?;
    let next = entries.last().filter(|_| more == "more").map(|last| Cursor::at(&last.sort, &last.key));
    Some(Page { entries, next })
}

/// Reads the answer of `at.lua` for so many places.
fn places(mut fields: &[&str], places: usize) -> Option<Vec<Vec<IndexEntry>>> {
    let mut found = Vec::with_capacity(places);
    for _ in 0..places {
        let (count, rest) = fields.split_first()?;
        let (members, rest) = rest.split_at_checked(count.parse::<usize>().ok()?.checked_mul(2)?)?;
        let (members, _) = members.as_chunks::<2>();
        found.push(members.iter().map(|[member, summary]| entry(member, summary)).collect::<Option<Vec<_>>>()?);
        fields = rest;
    }
    fields.is_empty().then_some(found)
}

/// An entry from its member `<sort>\0<record>` and its summary.
fn entry(member: &str, summary: &str) -> Option<IndexEntry> {
    let (sort, key) = member.split_once('\0')?;
    Some(IndexEntry { key: RecordKey::new(key).ok()?, sort: sort.to_owned(), summary: summary.to_owned() })
}

fn balance(posted: &str, held: &str) -> Option<Balance> {
    Some(Balance { posted_minor: posted.parse().ok()?, held_minor: held.parse().ok()? })
}
