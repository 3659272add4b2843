//! The text of a cursor: where a page ended, in characters that a URL takes as they are.

use crate::{Cursor, RecordKey, RecordsError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Cursor {
    /// The place of one entry. **Shape** base64url of `<sort>`, a NUL, `<record>`.
    pub fn at(sort: &str, key: &RecordKey) -> Self {
        Self(URL_SAFE_NO_PAD.encode(format!("{sort}\0{key}")))
    }

    /// The sort key and the record of the entry.
    ///
    /// # Errors
    /// [`RecordsError::Invalid`] where the text was not made by [`Cursor::at`].
    pub fn place(&self) -> Result<(String, RecordKey), RecordsError> {
        let refused = || RecordsError::Invalid("the cursor was not made by this list".into());
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| refused())?;
        let text = String::from_utf8(bytes).map_err(|_| refused())?;
        let (sort, key) = text.split_once('\0').ok_or_else(refused)?;
        let key = RecordKey::new(key).map_err(|_| refused())?;
        Ok((sort.to_owned(), key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_a_forged_one_is_refused() {
        let key = RecordKey::new("payment:pay_1").unwrap();
        assert_eq!(Cursor::at("2026/ü", &key).place(), Ok(("2026/ü".to_owned(), key)));
        for forged in ["", "%", "AAAA", "/../", "bm8tbnVs"] {
            assert!(matches!(Cursor(forged.to_owned()).place(), Err(RecordsError::Invalid(_))), "{forged}");
        }
    }
}
