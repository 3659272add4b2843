//! Versions as programs print them, compared by number.
use std::fmt;

/// The first three numbers of a version. What follows them (`-pre0`, `-nightly`) is left out of the comparison.
///
/// **Shape**: `1.95.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Breaking changes.
    pub major: u32,
    /// New things.
    pub minor: u32,
    /// Mended things.
    pub patch: u32,
}

impl Version {
    /// A version from its parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// The first version found in a text, such as the answer to `--version`.
    ///
    /// **Shape**: `spin 4.1.0-pre0 (abc 2026-01-01)` gives 4.1.0, `Redis server v=7.0.15 sha=…` gives 7.0.15.
    pub fn find(text: &str) -> Option<Self> {
        text.split(|c: char| c.is_whitespace() || c == '=').find_map(|word| Self::parse(word.trim_start_matches('v')))
    }

    fn parse(word: &str) -> Option<Self> {
        let mut numbers = word.split('.').map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        });
        let major = numbers.next()??;
        let minor = numbers.next()??;
        let patch = numbers.next().flatten().unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_programs_print() {
        for (text, expected) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", Some(Version::new(1, 95, 0))),
            ("spin 4.1.0-pre0 (8d4334e 2026-05-05)", Some(Version::new(4, 1, 0))),
            ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", Some(Version::new(7, 0, 15))),
            ("cargo-deny 0.18", Some(Version::new(0, 18, 0))),
            ("command not found", None),
        ] {
            assert_eq!(Version::find(text), expected, "{text}");
        }
    }

    #[test]
    fn compares_by_number_and_not_by_letter() {
        assert!(Version::new(1, 100, 0) > Version::new(1, 95, 0));
        assert!(Version::new(7, 0, 15) < Version::new(7, 2, 0));
    }
}
