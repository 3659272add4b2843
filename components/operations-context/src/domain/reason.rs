//! Why an operator does something, in their own words.

/// A reason: 1 to 200 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// A text that is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to {} characters on one line", Reason::MAX_CHARS)]
pub struct InvalidReason;

impl Reason {
    /// The most characters of a reason: it has room in a row of the audit trail, however it is written.
    pub const MAX_CHARS: usize = 200;

    /// Takes a reason; white space around it is left out.
    ///
    /// # Errors
    /// [`InvalidReason`].
    pub fn new(text: &str) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidReason) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(Reason::new("  the template is there now ").unwrap().as_str(), "the template is there now");
        assert!(Reason::new(&"ü".repeat(200)).is_ok());
        for bad in ["", "  ", "two\nlines", "a\u{0}b", &"x".repeat(201)] {
            assert_eq!(Reason::new(bad), Err(InvalidReason), "{bad:?}");
        }
    }
}
