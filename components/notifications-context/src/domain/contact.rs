//! Whom messages go to, as the users context last told it.

use events::EventVersion;
use ids::UserId;

/// A person's addresses and language. All of it is personal: it lives in record bodies, never in a key or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Whose it is.
    pub user_id: UserId,
    /// Where e-mail goes.
    pub email: String,
    /// How the person wants to be called.
    pub display_name: String,
    /// The language for messages, a BCP 47 tag such as `de-AT`.
    pub locale: String,
    /// The version of the account that this was read from.
    pub version: EventVersion,
}

impl Contact {
    /// Whether this one takes the place of what is known: only a newer version does, so that repeated and overtaken
    /// events change nothing.
    pub fn replaces(&self, known: Option<&Self>) -> bool {
        known.is_none_or(|known| self.version > known.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(version: &str) -> Contact {
        Contact {
            user_id: UserId::derived(0, &[b"ada"]),
            email: "ada@example.com".into(),
            display_name: "Ada".into(),
            locale: "en".into(),
            version: version.parse().unwrap(),
        }
    }

    #[test]
    fn only_a_newer_version_replaces_what_is_known() {
        assert!(contact("1.1").replaces(None));
        assert!(contact("1.3").replaces(Some(&contact("1.2"))));
        assert!(contact("2.1").replaces(Some(&contact("1.9"))));
        for stale in ["1.2", "1.1"] {
            assert!(!contact(stale).replaces(Some(&contact("1.2"))), "{stale}");
        }
    }
}
