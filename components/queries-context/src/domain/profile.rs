//! What is known of a person, without anything personal.

use ambient::Timestamp;
use events::EventVersion;
use ids::UserId;

/// A person, as far as read models need to know: no name, no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub user_id: UserId,
    /// The language for messages, a BCP 47 tag.
    pub locale: String,
    /// When the account was opened; `None` until that event was heard, which later ones may overtake.
    pub registered_at: Option<Timestamp>,
    /// The version of the account that the language was read from.
    pub version: EventVersion,
}

impl Profile {
    /// Joins what is known with what is told, whichever came first: the newer language, and the moment of registration
    /// from whoever knows it. The same in any order and however often.
    #[must_use]
    pub fn join(known: Option<&Self>, told: Self) -> Self {
        let Some(known) = known else { return told };
        let registered_at = known.registered_at.or(told.registered_at);
        let newer = if told.version > known.version { told } else { known.clone() };
        Self { registered_at, ..newer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_is_the_same_in_any_order_and_however_often() {
        let told = |locale: &str, registered: Option<i64>, version: &str| Profile {
            user_id: UserId::derived(0, &[b"ada"]),
            locale: locale.into(),
            registered_at: registered.map(Timestamp::from_unix_ms),
            version: version.parse().unwrap(),
        };
        let (registered, updated) = (told("en", Some(5), "1.1"), told("de", None, "1.2"));
        let joined = told("de", Some(5), "1.2");
        for order in [[&registered, &updated, &registered], [&updated, &registered, &updated]] {
            let mut known = None;
            for told in order {
                known = Some(Profile::join(known.as_ref(), told.clone()));
            }
            assert_eq!(known, Some(joined.clone()));
        }
    }
}
