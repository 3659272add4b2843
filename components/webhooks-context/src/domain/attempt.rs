//! One try to hand a message to its endpoint, as the log keeps it.

use ambient::Timestamp;
use core::time::Duration;

/// The most bytes of an answer that are kept.
pub const MAX_ANSWER_BYTES: usize = 1024;
/// The most tries that a message remembers; older ones are forgotten.
pub const LOG_LENGTH: usize = 20;
/// The most bytes of tries that a message remembers, as [`Attempt::weight`] counts them.
pub const LOG_BYTES: usize = 18 * 1024;

/// From how many characters on a run of base64 behind a mark is taken for a secret.
const SECRET_RUN: usize = 16;

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nobody knows yet, or ever: the sender may have died.
    Open,
    /// There was an answer.
    Answered {
        /// Its status.
        status: u16,
        /// Its content type, where it named one.
        content_type: Option<String>,
        /// The beginning of its body, as text.
        body: String,
        /// What it asked for by `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// There was none.
    Failed {
        /// Why: `not_sent`, `lost`, `refused_url`.
        why: &'static str,
        /// What the host says of it.
        detail: String,
    },
}

impl Ending {
    /// Whether the endpoint has it.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// Whether the endpoint says that it is gone for good.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }

    /// In a word, for lists.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered { status: 200..=299, .. } => "delivered",
            Self::Answered { .. } => "refused",
            Self::Failed { why, .. } => why,
        }
    }
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which one of the message, from 1, over all rounds.
    pub number: u32,
    /// When it began.
    pub begun_at: Timestamp,
    /// How long it took; nothing while it is open.
    pub took: Option<Duration>,
    /// Where it went.
    pub url: String,
    /// How it ended.
    pub ending: Ending,
}

impl Attempt {
    /// The most bytes that it takes in a body.
    pub fn weight(&self) -> usize {
        let text = match &self.ending {
            Ending::Open => 0,
            Ending::Answered { content_type, body, .. } => {
                body.len().saturating_add(content_type.as_ref().map_or(0, String::len))
            }
            Ending::Failed { detail, .. } => detail.len(),
        };
        // A character may be written as two.
        self.url.len().saturating_add(text.saturating_mul(2)).saturating_add(256)
    }
}

/// The beginning of an answer's body as text without what might be a secret: receivers echo what they are sent.
pub fn redacted(body: &[u8]) -> String {
    let bytes = body.get(..MAX_ANSWER_BYTES).unwrap_or(body);
    let text = String::from_utf8_lossy(bytes);
    let printable: String =
        text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect();
    // One mark after the other, so that none hides behind the other's text.
    let clean = ["whsec_", "v1,"].iter().fold(printable, |text, mark| without_what_follows(&text, mark));
    bounded(clean, MAX_ANSWER_BYTES)
}

/// The beginning of a text, cut between two characters.
pub fn bounded(mut text: String, most_bytes: usize) -> String {
    let mut end = most_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    text
}

/// Takes long runs of base64 away that follow a mark.
fn without_what_follows(text: &str, mark: &str) -> String {
    let mut parts = text.split(mark);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end =
            part.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))).unwrap_or(part.len());
        let (secret, after) = part.split_at(end);
        clean.push_str(mark);
        clean.push_str(if secret.len() >= SECRET_RUN { "[redacted]" } else { secret });
        clean.push_str(after);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_secret_or_a_signature_is_not_kept() {
        let echoed = br#"{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","webhook-signature":"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}"#;
        assert_eq!(redacted(echoed), r#"{"secret":"whsec_[redacted]","webhook-signature":"v1,[redacted]"}"#);
        assert_eq!(redacted(b"api v1,2 and v1,short"), "api v1,2 and v1,short");
    }

    proptest! {
        #[test]
        fn any_bytes_become_a_short_text_without_controls(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            let text = redacted(&bytes);
            prop_assert!(text.len() <= MAX_ANSWER_BYTES);
            prop_assert!(text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t')));
        }

        #[test]
        fn no_secret_survives_wherever_it_stands(before in "[a-z ,v1w]{0,30}", secret in "[A-Za-z0-9+/]{32}", after in "\\PC{0,30}") {
            let text = redacted(format!("{before}whsec_{secret}{after}").as_bytes());
            prop_assert!(!text.contains(&secret));
        }
    }
}
