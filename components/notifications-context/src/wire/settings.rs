//! What a person has set: stored, and as callers send and see it.

use super::Unreadable;
use crate::domain::{Channel, Kind, Pending, Phone, PhoneNumber, Preferences, QuietHours, Rhythm, TimeOfDay, Zone};
use ambient::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Everything that a person has set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What they want to hear.
    pub preferences: Preferences,
    /// Their telephone.
    pub phone: Phone,
}

/// The body of `settings:<usr>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSettings {
    #[serde(default)]
    preferences: PreferencesBody,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<StoredPending>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    codes: Option<(Timestamp, u8)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPending {
    number: String,
    mac: String,
    expires_at: Timestamp,
    guesses: u8,
}

impl From<&Settings> for StoredSettings {
    fn from(settings: &Settings) -> Self {
        let Settings { preferences, phone: Phone { confirmed, pending, codes } } = settings;
        let pending = pending.as_ref().map(|pending| StoredPending {
            number: pending.number.to_string(),
            mac: pending.mac.clone(),
            expires_at: pending.expires_at,
            guesses: pending.guesses,
        });
        let phone = confirmed.as_ref().map(PhoneNumber::to_string);
        Self { preferences: PreferencesBody::from(preferences), phone, pending, codes: *codes }
    }
}

impl TryFrom<StoredSettings> for Settings {
    type Error = Unreadable;
    fn try_from(stored: StoredSettings) -> Result<Self, Unreadable> {
        let StoredSettings { preferences, phone, pending, codes } = stored;
        let number = |text: String| text.parse::<PhoneNumber>().map_err(|_| Unreadable("a telephone".to_owned()));
        let pending = pending.map(|StoredPending { number: text, mac, expires_at, guesses }| {
            Ok::<_, Unreadable>(Pending { number: number(text)?, mac, expires_at, guesses })
        });
        let preferences = Preferences::try_from(preferences).map_err(|invalid| Unreadable(invalid.field.to_owned()))?;
        let phone = Phone { confirmed: phone.map(number).transpose()?, pending: pending.transpose()?, codes };
        Ok(Self { preferences, phone })
    }
}

/// What somebody wants to hear, by which way, and when: the body of `PUT /v1/notifications/preferences`. What is left out
/// is as nobody had said anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreferencesBody {
    /// `false` turns everything off that is not critical and that no rule below turns on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global: Option<bool>,
    /// A rule for a channel: `in_app`, `email`, `sms`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<String, bool>,
    /// A rule for one kind of message by one channel: the most specific, so it decides.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, BTreeMap<String, bool>>,
    /// Kinds whose letters come together: `hourly`, or `daily` at eight in the morning.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, String>,
    /// The IANA name of the time zone that hours are meant in; UTC where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// When no e-mail and no short message may come, but critical ones: they wait for the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHoursBody>,
}

/// From one time of the day until another, over midnight where the second is the earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursBody {
    /// Such as `22:00`.
    #[schema(example = "22:00")]
    pub from: String,
    /// Such as `07:00`.
    #[schema(example = "07:00")]
    pub until: String,
}

/// A member that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidPreferences {
    /// Which member.
    pub field: &'static str,
    /// Why.
    pub why: &'static str,
}

const KINDS: &str = "the kinds are welcome, payment_receipt, payment_failed, payment_refund, payment_dispute and payout; \
    security is always on";
const CHANNELS: &str = "the channels are in_app, email and sms";

impl From<&Preferences> for PreferencesBody {
    fn from(preferences: &Preferences) -> Self {
        let mut categories: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
        for ((kind, channel), wanted) in &preferences.categories {
            categories.entry(kind.word().to_owned()).or_default().insert(channel.word().to_owned(), *wanted);
        }
        let channels = preferences.channels.iter().map(|(channel, wanted)| (channel.word().to_owned(), *wanted));
        let digests =
            preferences.digests.iter().map(|(kind, rhythm)| (kind.word().to_owned(), rhythm.word().to_owned()));
        Self {
            global: preferences.global,
            channels: channels.collect(),
            categories,
            digests: digests.collect(),
            zone: preferences.zone.clone(),
            quiet_hours: preferences
                .quiet_hours
                .map(|quiet| QuietHoursBody { from: quiet.from().to_string(), until: quiet.until().to_string() }),
        }
    }
}

impl TryFrom<PreferencesBody> for Preferences {
    type Error = InvalidPreferences;
    fn try_from(body: PreferencesBody) -> Result<Self, InvalidPreferences> {
        let PreferencesBody { global, channels, categories, digests, zone, quiet_hours } = body;
        let invalid = |field, why| InvalidPreferences { field, why };
        let kind =
            |word: &str, field| Kind::from_word(word).filter(|kind| !kind.is_critical()).ok_or(invalid(field, KINDS));
        let channel = |word: &str, field| Channel::from_word(word).ok_or(invalid(field, CHANNELS));
        let channels: Result<_, _> =
            channels.iter().map(|(word, wanted)| Ok((channel(word, "channels")?, *wanted))).collect();
        let mut rules = BTreeMap::new();
        for (word, by_channel) in &categories {
            let kind = kind(word, "categories")?;
            for (word, wanted) in by_channel {
                rules.insert((kind, channel(word, "categories")?), *wanted);
            }
        }
        let digests: Result<_, _> = digests
            .iter()
            .map(|(word, rhythm)| {
                let rhythm = Rhythm::from_word(rhythm).ok_or(invalid("digests", "a digest is hourly or daily"))?;
                Ok((kind(word, "digests")?, rhythm))
            })
            .collect();
        let zone = match zone {
            None => None,
            Some(name) => {
                let zone =
                    Zone::named(&name).ok_or(invalid("zone", "an IANA name such as Europe/Berlin is expected"))?;
                Some(zone.name().to_owned())
            }
        };
        let quiet_hours = match quiet_hours {
            None => None,
            Some(QuietHoursBody { from, until }) => {
                let time = |text: &str| {
                    text.parse::<TimeOfDay>().map_err(|_| invalid("quiet_hours", "times of day are written as 22:00"))
                };
                let quiet = QuietHours::new(time(&from)?, time(&until)?);
                Some(quiet.ok_or(invalid("quiet_hours", "from and until differ: a day without an end helps nobody"))?)
            }
        };
        Ok(Self { global, channels: channels?, categories: rules, digests: digests?, zone, quiet_hours })
    }
}

/// `GET /v1/notifications/preferences`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreferencesAnswer {
    /// What was said, as it was said.
    pub preferences: PreferencesBody,
    /// What follows for each kind and channel.
    pub effective: Vec<EffectiveRule>,
    /// The telephone that gets short messages; absent where none is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The telephone that waits for its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_phone: Option<String>,
}

/// Whether one kind of message comes by one channel, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EffectiveRule {
    /// The kind.
    pub category: String,
    /// The channel.
    pub channel: String,
    /// Whether it comes.
    pub enabled: bool,
    /// `critical`, `category`, `channel`, `global` or `default`.
    pub decided_by: String,
}

impl PreferencesAnswer {
    /// The answer, as things stand at `now`.
    pub fn of(settings: &Settings, now: Timestamp) -> Self {
        let Settings { preferences, phone } = settings;
        let rules = Kind::ALL.iter().flat_map(|kind| Channel::ALL.iter().map(move |channel| (*kind, *channel)));
        let effective = rules.map(|(kind, channel)| {
            let (enabled, by) = preferences.wants(kind, channel, kind.by_default(channel));
            EffectiveRule {
                category: kind.word().to_owned(),
                channel: channel.word().to_owned(),
                // Without a telephone there are no short messages, whatever was said.
                enabled: enabled && (channel != Channel::Sms || phone.confirmed.is_some()),
                decided_by: by.word().to_owned(),
            }
        });
        let pending = phone.pending.as_ref().filter(|pending| now < pending.expires_at);
        Self {
            preferences: PreferencesBody::from(preferences),
            effective: effective.collect(),
            phone: phone.confirmed.as_ref().map(PhoneNumber::to_string),
            pending_phone: pending.map(|pending| pending.number.to_string()),
        }
    }
}

/// The body of `PUT /v1/notifications/phone`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneBody {
    /// In the international form (E.164).
    pub number: String,
}

/// The body of `POST /v1/notifications/phone/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneCodeBody {
    /// The six digits that the telephone was sent.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: serde_json::Value) -> Result<Preferences, InvalidPreferences> {
        Preferences::try_from(serde_json::from_value::<PreferencesBody>(body).unwrap())
    }

    #[test]
    fn what_was_said_reads_back_as_it_was_said() {
        let said = json!({
            "global": false,
            "channels": { "email": true, "sms": false },
            "categories": { "payment_receipt": { "email": false, "in_app": true } },
            "digests": { "payout": "hourly" },
            "zone": "Europe/Berlin",
            "quiet_hours": { "from": "22:00", "until": "07:00" },
        });
        let preferences = read(said.clone()).unwrap();
        assert_eq!(serde_json::to_value(PreferencesBody::from(&preferences)).unwrap(), said);
        let settings = Settings {
            preferences,
            phone: Phone {
                confirmed: "+4915112345678".parse().ok(),
                pending: Some(Pending {
                    number: "+4366012345678".parse().unwrap(),
                    mac: "mac".into(),
                    expires_at: Timestamp::from_unix_ms(9),
                    guesses: 2,
                }),
                codes: Some((Timestamp::from_unix_ms(1), 1)),
            },
        };
        let text = serde_json::to_vec(&StoredSettings::from(&settings)).unwrap();
        assert_eq!(Settings::try_from(serde_json::from_slice::<StoredSettings>(&text).unwrap()), Ok(settings));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (body, field) in [
            (json!({ "channels": { "fax": true } }), "channels"),
            (json!({ "categories": { "newsletter": { "email": true } } }), "categories"),
            (json!({ "categories": { "security": { "email": false } } }), "categories"),
            (json!({ "categories": { "payout": { "fax": false } } }), "categories"),
            (json!({ "digests": { "payout": "yearly" } }), "digests"),
            (json!({ "digests": { "security": "daily" } }), "digests"),
            (json!({ "zone": "Middle/Earth" }), "zone"),
            (json!({ "quiet_hours": { "from": "22:00", "until": "22:00" } }), "quiet_hours"),
            (json!({ "quiet_hours": { "from": "25:00", "until": "22:00" } }), "quiet_hours"),
        ] {
            assert_eq!(read(body.clone()).unwrap_err().field, field, "{body}");
        }
        assert!(serde_json::from_value::<PreferencesBody>(json!({ "quiet": 1 })).is_err());
    }
}
