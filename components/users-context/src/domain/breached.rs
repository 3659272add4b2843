//! The passwords that are tried first: a list shipped with the component, compact enough to lie in its memory.
//!
//! **Shape** of `breached-passwords.bin`: the first four bytes of the SHA-256 of each password in Unicode NFC and lower
//! case, sorted, without repetition. Another password is taken for one of the list by chance once in 2^32 divided by the
//! length of the list (8 000 entries: once in half a million), and then somebody chooses again.
//!
//! What does not live here: where the list comes from and how a larger one is built (docs/identity.md and
//! `examples/breached_list.rs`).

use sha2::{Digest, Sha256};

/// Length of one entry. **Units** bytes.
pub const PREFIX_BYTES: usize = 4;

/// The list.
const LIST: &[u8] = include_bytes!("../../breached-passwords.bin");

/// Words to which people add a year, a few digits or a sign; by a rule, because all they make of them would be the longer
/// part of the list.
const WORDS: &str = "spring summer autumn winter fall frühling fruehling sommer herbst primavera verano otoño invierno \
    estate autunno inverno printemps été automne hiver january february march april may june july august september \
    october november december januar februar märz mai juni juli oktober dezember monday tuesday wednesday thursday \
    friday saturday sunday password passwort kennwort welcome willkommen bienvenue hello hallo secret geheim changeme \
    letmein admin administrator login master test office company firma qwerty qwertz dragon football soccer baseball \
    monkey sunshine princess superman batman pokemon starwars iloveyou spindrift";

/// The entry of a password in Unicode NFC and lower case.
pub fn prefix(folded: &str) -> [u8; PREFIX_BYTES] {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(folded.as_bytes()));
    [a, b, c, d]
}

/// Whether a password in Unicode NFC and lower case is on the list, or one of the words and what people add to it.
pub(super) fn is_common(folded: &str) -> bool {
    let added = |c: char| c.is_ascii_digit() || c.is_ascii_punctuation();
    let word = folded.trim_end_matches(added);
    let (entries, _) = LIST.as_chunks::<PREFIX_BYTES>();
    WORDS.split_whitespace().any(|common| common == word) || entries.binary_search(&prefix(folded)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_list_is_sorted_whole_and_not_empty() {
        let (entries, rest) = LIST.as_chunks::<PREFIX_BYTES>();
        assert!(rest.is_empty());
        assert!(entries.len() > 8_000, "{}", entries.len());
        assert!(entries.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn knows_the_usual_ones_and_not_the_unusual() {
        for common in ["password", "12345678", "iloveyou", "qwertyuiop", "sommer2026", "october-2027!", "spindrift"] {
            assert!(is_common(common), "{common}");
        }
        for own in ["correct horse", "sommernacht26", "a secret 2026", "a long enough secret", "zp4kq7ms"] {
            assert!(!is_common(own), "{own}");
        }
    }
}
