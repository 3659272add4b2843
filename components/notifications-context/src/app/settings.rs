//! What a person has set: read, written, changed by a link of a letter.

use crate::app::step::{Step, step};
use crate::domain::{Channel, Kind, Phone, PhoneRefusal, Preferences};
use crate::keys;
use crate::wire::{self, Settings, StoredSettings};
use ids::UserId;
use principal::IfMatch;
use records::{Change, Content, Meta, Records, RecordsError, Version};

/// How often a change by somebody else in between is borne.
const TRIES: usize = 4;

/// Why nothing was set.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The person was erased.
    #[error("there is no such person any more")]
    Erased,
    /// The caller read another version.
    #[error("the settings changed since they were read")]
    Changed,
    /// A step with a telephone is refused.
    #[error(transparent)]
    Phone(#[from] PhoneRefusal),
    /// Somebody else changed them each time in between.
    #[error("the settings changed {TRIES} times in between")]
    Contended,
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// What is known of a person's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// These, at this version; none was stored where there is no version.
    Settings(Option<Version>, Box<Settings>),
    /// The person was erased.
    Erased,
}

/// What a person has set; two round trips, one where they have set nothing.
///
/// # Errors
/// The store's.
pub async fn load_settings(records: &dyn Records, user_id: UserId) -> Result<Known, RecordsError> {
    let Some(record) = records.load(&keys::settings(user_id)?).await? else {
        return Ok(Known::Settings(None, Box::default()));
    };
    Ok(match wire::read::<StoredSettings, Settings>(&record)? {
        Some(settings) => Known::Settings(Some(record.version), Box::new(settings)),
        None => Known::Erased,
    })
}

/// The settings that messages are judged by; those of who was erased are nobody's.
///
/// # Errors
/// The store's.
pub async fn settings_of(records: &dyn Records, user_id: UserId) -> Result<Settings, RecordsError> {
    Ok(match load_settings(records, user_id).await? {
        Known::Settings(_, settings) => *settings,
        Known::Erased => Settings::default(),
    })
}

/// Replaces the preferences. Doing it twice is as good as once.
///
/// # Errors
/// [`SettingsError`].
pub async fn set_preferences(
    records: &dyn Records,
    user_id: UserId,
    preferences: &Preferences,
    condition: &IfMatch,
    meta: &Meta,
) -> Result<(Option<Version>, Settings), SettingsError> {
    change(records, user_id, condition, meta, |settings| {
        Ok(Settings { preferences: preferences.clone(), phone: settings.phone.clone() })
    })
    .await
}

/// Turns letters of one kind off. Doing it twice is as good as once; for who was erased there is nothing left to do.
///
/// # Errors
/// [`SettingsError`].
pub async fn unsubscribe(records: &dyn Records, user_id: UserId, kind: Kind, meta: &Meta) -> Result<(), SettingsError> {
    let off = |settings: &Settings| {
        let mut settings = settings.clone();
        settings.preferences.categories.insert((kind, Channel::Email), false);
        Ok(settings)
    };
    match change(records, user_id, &IfMatch::Unconditional, meta, off).await {
        Ok(_) | Err(SettingsError::Erased) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Changes what is known of the person's telephone.
///
/// # Errors
/// [`SettingsError`].
pub async fn set_phone(
    records: &dyn Records,
    user_id: UserId,
    meta: &Meta,
    next: impl Fn(&Phone) -> Result<Phone, PhoneRefusal> + Send + Sync,
) -> Result<(Option<Version>, Settings), SettingsError> {
    change(records, user_id, &IfMatch::Unconditional, meta, |settings| {
        Ok(Settings { preferences: settings.preferences.clone(), phone: next(&settings.phone)? })
    })
    .await
}

/// One change; nothing is written where nothing changes.
async fn change(
    records: &dyn Records,
    user_id: UserId,
    condition: &IfMatch,
    meta: &Meta,
    next: impl Fn(&Settings) -> Result<Settings, SettingsError> + Send + Sync,
) -> Result<(Option<Version>, Settings), SettingsError> {
    for _ in 0..TRIES {
        let Known::Settings(version, settings) = load_settings(records, user_id).await? else {
            return Err(SettingsError::Erased);
        };
        if !condition.holds(version.map(|version| version.to_string()).unwrap_or_else(|| NEVER_SET.to_owned())) {
            return Err(SettingsError::Changed);
        }
        let settings_after = next(&settings)?;
        if settings_after == *settings {
            return Ok((version, settings_after));
        }
        let content = Content::Body(wire::write(&StoredSettings::from(&settings_after))?);
        let change = Change::new(keys::settings(user_id)?, version, content, meta.clone());
        match records.commit(change).await? {
            records::Outcome::Committed(committed) => return Ok((Some(committed.version), settings_after)),
            other => match step(other)? {
                Step::Committed | Step::Conflict => {}
            },
        }
    }
    Err(SettingsError::Contended)
}

/// The version of settings that nobody has touched, for `ETag`.
pub const NEVER_SET: &str = "0.0";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{House, ada, erasure, meta, registered};
    use futures::executor::block_on;

    #[test]
    fn a_link_turns_off_one_kind_once_and_leaves_the_rest_alone() {
        let house = House::new();
        let said = Preferences { global: Some(true), ..Preferences::default() };
        block_on(set_preferences(&house.records, ada(), &said, &IfMatch::Unconditional, &meta(&house))).unwrap();
        let commits = house.records.commits();
        for _ in 0..3 {
            block_on(unsubscribe(&house.records, ada(), Kind::PaymentReceipt, &meta(&house))).unwrap();
        }
        assert_eq!(house.records.commits(), commits + 1);
        let settings = block_on(settings_of(&house.records, ada())).unwrap();
        assert_eq!(settings.preferences.global, Some(true));
        assert_eq!(settings.preferences.categories.get(&(Kind::PaymentReceipt, Channel::Email)), Some(&false));
    }

    #[test]
    fn two_links_at_once_both_hold() {
        let house = House::new();
        let other = Settings {
            preferences: Preferences {
                categories: [((Kind::Payout, Channel::Email), false)].into(),
                ..Preferences::default()
            },
            phone: Phone::default(),
        };
        let content = Content::Body(wire::write(&StoredSettings::from(&other)).unwrap());
        let overtaking = Change::new(keys::settings(ada()).unwrap(), None, content, meta(&house));
        house.records.overtake_next_commit_before(overtaking);
        block_on(unsubscribe(&house.records, ada(), Kind::PaymentReceipt, &meta(&house))).unwrap();
        let settings = block_on(settings_of(&house.records, ada())).unwrap();
        assert_eq!(settings.preferences.categories.len(), 2);
    }

    #[test]
    fn who_was_erased_sets_nothing_and_a_link_of_theirs_is_no_error() {
        let house = House::new();
        house.hear(&registered(ada()));
        house.hear(&erasure(1));
        let said = Preferences::default();
        let refused = block_on(set_preferences(&house.records, ada(), &said, &IfMatch::Unconditional, &meta(&house)));
        assert!(matches!(refused, Err(SettingsError::Erased)));
        block_on(unsubscribe(&house.records, ada(), Kind::Payout, &meta(&house))).unwrap();
        assert_eq!(block_on(load_settings(&house.records, ada())), Ok(Known::Erased));
    }
}
