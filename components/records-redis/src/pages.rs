//! Pages: where rows of a chain lie for ever, in the key-value store.
//!
//! Two kinds. Pages of the **chain** hold rows in the order of posting, whole entries, at least [`PAGE_ROWS`] of them or those that
//! are old, each page with the digest of the one before: they prove. Pages of an **account** hold exactly [`PAGE_ROWS`] of its rows, so
//! that a row's page follows from its number: they answer quickly. Both are made of the same lines and hold each other
//! to account. A page is named by its number and what is in it follows from the rows, so whoever writes it writes the
//! same; a page that is there and different is never overwritten.
//!
//! An erasure takes the personal parts out of an account's rows, and with that its pages get other names: the number is
//! followed by how often the rows were shredded, their **generation**. A sealer that read the rows before and wakes
//! afterwards writes under a name of before. Pages of older generations are read only where there is no newer one, never
//! with what is personal, and are deleted: by whoever shreds once the newer ones are there, by the sealer that wakes, by the
//! cleaner a day later, by a rebuild.

use crate::journal::Chain;
use crate::keys::Keys;
use crate::{RedisRecords, closed};
use records::{AccountKey, ChainRow, RecordsError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How many rows an account's page has, and a page of the chain at least.
pub(crate) const PAGE_ROWS: u32 = 128;
/// How many rows a page of the chain has at most: the last entry may have begun at its last place but one.
pub(crate) const MOST_ROWS: u32 = PAGE_ROWS + 63;
/// The version of both shapes.
const SHAPE: u8 = 1;

/// A page of the chain.
///
/// **Shape** `{"v":1,"page":0,"previous":"00…","digest":"9f…","rows":["1 1 0 1767225600000 …",…]}`; `digest` is SHA-256
/// over `previous` (32 bytes) and the SHA-256 of each line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChainPage {
    v: u8,
    pub(crate) page: u64,
    pub(crate) previous: String,
    pub(crate) digest: String,
    pub(crate) rows: Vec<String>,
}

/// A page of an account.
///
/// **Shape** `{"v":1,"account":"merchant:EUR","page":0,"rows":["2 1 1 1767225600000 merchant:EUR 1 …",…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountPage {
    v: u8,
    account: AccountKey,
    page: u64,
    pub(crate) rows: Vec<String>,
}

impl ChainPage {
    /// The page after the one with this digest.
    pub(crate) fn new(page: u64, previous: [u8; 32], rows: Vec<String>) -> Self {
        let digest = chained(previous, &rows);
        Self { v: SHAPE, page, previous: hex(&previous), digest: hex(&digest), rows }
    }

    /// The digest of what is in the page, where page and predecessor are these.
    pub(crate) fn digest_after(&self, page: u64, previous: [u8; 32]) -> Option<[u8; 32]> {
        let digest = chained(previous, &self.rows);
        let same = self.v == SHAPE && self.page == page && self.previous == hex(&previous);
        (same && self.digest == hex(&digest)).then_some(digest)
    }
}

impl AccountPage {
    pub(crate) fn new(account: AccountKey, page: u64, rows: Vec<String>) -> Self {
        Self { v: SHAPE, account, page, rows }
    }
}

/// The digest of a page with these rows after the one with this digest.
pub(crate) fn chained(previous: [u8; 32], rows: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(previous);
    for row in rows {
        hash.update(Sha256::digest(row));
    }
    hash.finalize().into()
}

/// 64 hexadecimal digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes behind 64 hexadecimal digits; none but zeros behind an empty text, which stands before the first page.
pub(crate) fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.is_empty() {
        return Some(bytes);
    }
    if hex.len() != 64 {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The page of an account on which a row lies, and its place there.
pub(crate) fn place_of(number: u64) -> (u64, usize) {
    let from_zero = number.saturating_sub(1);
    let rows = u64::from(PAGE_ROWS);
    (from_zero / rows, usize::try_from(from_zero % rows).unwrap_or(usize::MAX))
}

impl<R: ChainRow> Chain<'_, R> {
    /// A page of the chain; `None` where there is none.
    pub(crate) async fn chain_page(&self, page: u64) -> Result<Option<ChainPage>, RecordsError> {
        self.read_journal_page(&self.keys.page(page)).await
    }

    /// The rows of a page of the chain that must be there.
    pub(crate) async fn chain_rows(&self, page: u64) -> Result<Vec<R>, RecordsError> {
        let corrupt = || RecordsError::Corrupt { key: self.keys.page(page) };
        let lines = self.chain_page(page).await?.ok_or_else(corrupt)?.rows;
        lines.iter().map(|line| R::from_line(line).ok_or_else(corrupt)).collect()
    }

    /// The lines of an account's page: of this generation, or of an older one without what is personal.
    pub(crate) async fn account_page_lines(
        &self,
        account: &AccountKey,
        generation: u64,
        page: u64,
    ) -> Result<Option<Vec<String>>, RecordsError> {
        let found = self.records.newest_account_page(&self.keys, account, generation, page).await?;
        Ok(found.map(|(of, lines)| match of {
            of if of == generation => lines,
            _ => lines.iter().map(|line| R::impersonal(line).to_owned()).collect(),
        }))
    }

    /// The rows of an account's page that must be there.
    pub(crate) async fn account_page_rows(
        &self,
        account: &AccountKey,
        mut generation: u64,
        page: u64,
    ) -> Result<Vec<R>, RecordsError> {
        let key = self.keys.account_page(account, generation, page);
        let corrupt = || RecordsError::Corrupt { key: key.clone() };
        let lines = loop {
            if let Some(lines) = self.account_page_lines(account, generation, page).await? {
                break lines;
            }
            // Shredded since the generation was read: what was of an older one is gone.
            match self.open_account(account, Some(0), 1).await?.0.generation {
                newer if newer > generation => generation = newer,
                _ => return Err(corrupt()),
            }
        };
        let rows: Vec<_> = lines.iter().map(|line| R::from_line(line).ok_or_else(corrupt)).collect::<Result<_, _>>()?;
        let first = page.saturating_mul(u64::from(PAGE_ROWS)).saturating_add(1);
        let whole = rows.len() == PAGE_ROWS as usize
            && rows.iter().zip(first..).all(|(row, number)| row.account() == account && row.number() == number);
        if whole { Ok(rows) } else { Err(corrupt()) }
    }

    pub(crate) async fn read_journal_page<P: DeserializeOwned>(&self, key: &str) -> Result<Option<P>, RecordsError> {
        self.records.read_page_at(key).await
    }

    /// Writes a page; see [`RedisRecords::write_page`].
    pub(crate) async fn write_journal_page<P: Serialize + Sync>(
        &self,
        key: &str,
        page: &P,
    ) -> Result<(), RecordsError> {
        let bytes = serde_json::to_vec(page).map_err(|error| RecordsError::Invalid(error.to_string()))?;
        self.records.write_page(key, bytes).await
    }
}

impl RedisRecords {
    /// The newest that there is of an account's page, up to a generation: of which one it is, and its lines.
    pub(crate) async fn newest_account_page(
        &self,
        keys: &Keys,
        account: &AccountKey,
        generation: u64,
        page: u64,
    ) -> Result<Option<(u64, Vec<String>)>, RecordsError> {
        // The newest once more at the end: it may have been written, and the older ones deleted, while those were looked for.
        let again = (generation > 0).then_some(generation);
        for of in (0..=generation).rev().chain(again) {
            if let Some(found) = self.read_page_at::<AccountPage>(&keys.account_page(account, of, page)).await? {
                return Ok(Some((of, found.rows)));
            }
        }
        Ok(None)
    }

    /// Deletes what there is of an account's pages of older generations, but for those that are not written anew yet.
    /// `paged` is how many rows were in pages when there was this generation, or later.
    pub(crate) async fn delete_older_pages(
        &self,
        keys: &Keys,
        account: &AccountKey,
        generation: u64,
        paged: u64,
    ) -> Result<(), RecordsError> {
        let full = paged / u64::from(PAGE_ROWS);
        for page in 0..=full {
            // Nobody reads one that was never full; a sealer wrote it that died, or slept.
            let is_anew = page == full
                || self.bodies.get(&keys.account_page(account, generation, page)).await.map_err(closed)?.is_some();
            if is_anew {
                for older in 0..generation {
                    self.bodies.delete(&keys.account_page(account, older, page)).await.map_err(closed)?;
                }
            }
        }
        Ok(())
    }

    /// A page; `None` where there is none.
    pub(crate) async fn read_page_at<P: DeserializeOwned>(&self, key: &str) -> Result<Option<P>, RecordsError> {
        let Some(bytes) = self.bodies.get(key).await.map_err(closed)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| RecordsError::Corrupt { key: key.to_owned() })
    }

    /// Writes a page unless it is there, and reads it back: only what the store shows may be dropped elsewhere.
    pub(crate) async fn write_page(&self, key: &str, bytes: Vec<u8>) -> Result<(), RecordsError> {
        match self.bodies.get(key).await.map_err(closed)? {
            Some(found) if found == bytes => return Ok(()),
            Some(_) => return Err(RecordsError::Corrupt { key: key.to_owned() }),
            None => self.bodies.set(key, bytes.clone()).await.map_err(closed)?,
        }
        match self.bodies.get(key).await.map_err(closed)? {
            Some(found) if found == bytes => Ok(()),
            _ => Err(RecordsError::Unavailable(format!("{key} does not show what was written"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_covers_every_row_their_order_and_all_pages_before() {
        let rows = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let page = ChainPage::new(3, [1; 32], rows(&["a", "b"]));
        assert!(page.digest_after(3, [1; 32]).is_some());
        assert_eq!((page.digest_after(4, [1; 32]), page.digest_after(3, [2; 32])), (None, None));
        for other in [&["b", "a"][..], &["a"], &["a", "b", "c"], &["ab"], &["a", "B"]] {
            let altered = ChainPage { rows: rows(other), ..page.clone() };
            assert_eq!(altered.digest_after(3, [1; 32]), None, "{other:?}");
        }
    }

    #[test]
    fn a_rows_page_follows_from_its_number() {
        assert_eq!([place_of(1), place_of(128), place_of(129)], [(0, 0), (0, 127), (1, 0)]);
        assert_eq!(bytes_of(&hex(&[0xa5; 32])), Some([0xa5; 32]));
        assert_eq!([bytes_of(""), bytes_of("ab"), bytes_of(&"x".repeat(64))], [Some([0; 32]), None, None]);
    }
}
