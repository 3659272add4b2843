//! What a person wants to hear, by which way, and when.

use crate::domain::{Channel, Kind, QuietHours, TimeOfDay, Zone};
use ambient::Timestamp;
use core::time::Duration;
use std::collections::BTreeMap;

/// When a summary of the day comes, by the person's own clock.
const SUMMARY_AT: TimeOfDay = TimeOfDay::hour(8);
/// An hour, for summaries of each.
const HOUR_MS: i64 = 3_600_000;

/// How often letters of one kind come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// At each full hour.
    Hourly,
    /// At eight in the morning.
    Daily,
}

impl Rhythm {
    /// The word on the wire and in stored shapes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
        }
    }

    /// The rhythm of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Hourly, Self::Daily].into_iter().find(|rhythm| rhythm.word() == word)
    }

    /// The next time, later than `now`.
    pub fn next(self, now: Timestamp, zone: Option<&Zone>) -> Timestamp {
        let next_hour = (now.unix_ms().div_euclid(HOUR_MS) + 1).saturating_mul(HOUR_MS);
        let later = now.plus(Duration::from_millis(1));
        match (self, zone) {
            (Self::Hourly, _) => Timestamp::from_unix_ms(next_hour),
            (Self::Daily, Some(zone)) => zone
                .first_minute(later, |minute| minute == SUMMARY_AT.minute_of_day())
                // A day on which the clock never shows eight: the next one will.
                .unwrap_or_else(|| now.plus(Duration::from_secs(24 * 3600))),
            (Self::Daily, None) => {
                let day_ms = 24 * HOUR_MS;
                let at_ms = i64::from(SUMMARY_AT.minute_of_day()).saturating_mul(60_000);
                let today = now.unix_ms().saturating_sub(at_ms).div_euclid(day_ms);
                Timestamp::from_unix_ms((today + 1).saturating_mul(day_ms).saturating_add(at_ms))
            }
        }
    }
}

/// Which rule says so: the most specific one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// The message is for the safety of the account.
    Critical,
    /// The person's rule for this kind and this channel.
    Category,
    /// The person's rule for this channel.
    Channel,
    /// The person's rule for everything.
    Global,
    /// The person has said nothing.
    Default,
}

impl DecidedBy {
    /// The word on the wire and in logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Category => "category",
            Self::Channel => "channel",
            Self::Global => "global",
            Self::Default => "default",
        }
    }
}

/// What a person has said. What is not said is as it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Of everything that may be turned off.
    pub global: Option<bool>,
    /// Of one channel.
    pub channels: BTreeMap<Channel, bool>,
    /// Of one kind by one channel.
    pub categories: BTreeMap<(Kind, Channel), bool>,
    /// Kinds whose letters come together.
    pub digests: BTreeMap<Kind, Rhythm>,
    /// The IANA name of the person's time zone; UTC where they have said nothing.
    pub zone: Option<String>,
    /// When nothing that can wait may come.
    pub quiet_hours: Option<QuietHours>,
}

/// What is to be done with a message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It goes out.
    Send,
    /// It waits for the end of the quiet hours.
    Wait {
        /// When they are over.
        until: Timestamp,
    },
    /// Its person does not want it.
    Skip(DecidedBy),
}

impl Preferences {
    /// Whether messages of this kind come by this channel, and which rule says so.
    pub fn wants(&self, kind: Kind, channel: Channel, by_default: bool) -> (bool, DecidedBy) {
        if kind.is_critical() {
            return (true, DecidedBy::Critical);
        }
        let rules = [
            (self.categories.get(&(kind, channel)).copied(), DecidedBy::Category),
            (self.channels.get(&channel).copied(), DecidedBy::Channel),
            (self.global, DecidedBy::Global),
        ];
        let said = rules.into_iter().find_map(|(said, by)| said.map(|wanted| (wanted, by)));
        match said {
            // "Everything" turns off; it does not turn on what nobody gets unasked.
            Some((true, DecidedBy::Global)) | None => (by_default, DecidedBy::Default),
            Some(said) => said,
        }
    }

    /// What is to be done with a message of this kind now.
    pub fn rule(&self, kind: Kind, channel: Channel, by_default: bool, now: Timestamp) -> Ruling {
        if let (false, by) = self.wants(kind, channel, by_default) {
            return Ruling::Skip(by);
        }
        match self.quiet_until(now) {
            // The inbox makes no noise.
            Some(until) if !kind.is_critical() && channel != Channel::InApp => Ruling::Wait { until },
            Some(_) | None => Ruling::Send,
        }
    }

    /// How often letters of this kind come together; never where they must come at once.
    pub fn rhythm(&self, kind: Kind) -> Option<Rhythm> {
        self.digests.get(&kind).copied().filter(|_| !kind.is_critical())
    }

    /// The person's zone.
    pub fn clock(&self) -> Option<Zone> {
        Zone::named(self.zone.as_deref().unwrap_or("UTC"))
    }

    /// When the quiet hours are over, where they are on. A zone that the database no longer knows has none.
    fn quiet_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.quiet_hours?.over_at(now, &self.clock()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_most_specific_rule_decides() {
        let mut said = Preferences::default();
        let wants = |said: &Preferences, channel| said.wants(Kind::PaymentReceipt, channel, channel != Channel::Sms);
        assert_eq!(wants(&said, Channel::Email), (true, DecidedBy::Default));
        assert_eq!(wants(&said, Channel::Sms), (false, DecidedBy::Default));
        said.global = Some(false);
        assert_eq!(wants(&said, Channel::Email), (false, DecidedBy::Global));
        said.channels.insert(Channel::Email, true);
        assert_eq!(wants(&said, Channel::Email), (true, DecidedBy::Channel));
        said.categories.insert((Kind::PaymentReceipt, Channel::Email), false);
        assert_eq!(wants(&said, Channel::Email), (false, DecidedBy::Category));
        assert_eq!(said.wants(Kind::Welcome, Channel::Email, true), (true, DecidedBy::Channel));
        said.global = Some(true);
        assert_eq!(wants(&said, Channel::Sms), (false, DecidedBy::Default), "nobody is sent what they did not ask for");
    }

    #[test]
    fn a_summary_comes_at_the_next_hour_or_at_eight_by_the_persons_clock() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for (rhythm, zone, now, next) in [
            (Rhythm::Hourly, None, "2026-01-01T10:00:00.000Z", "2026-01-01T11:00:00.000Z"),
            (Rhythm::Daily, None, "2026-01-01T07:59:59.999Z", "2026-01-01T08:00:00.000Z"),
            (Rhythm::Daily, None, "2026-01-01T08:00:00.000Z", "2026-01-02T08:00:00.000Z"),
            (Rhythm::Daily, Some(&berlin), "2026-01-01T07:00:00.000Z", "2026-01-02T07:00:00.000Z"),
            (Rhythm::Daily, Some(&berlin), "2026-03-28T07:00:00.000Z", "2026-03-29T06:00:00.000Z"),
        ] {
            assert_eq!(rhythm.next(at(now), zone), at(next), "{rhythm:?} {now}");
        }
    }

    fn anything() -> impl Strategy<Value = Preferences> {
        let said = prop::option::of(any::<bool>());
        let kinds = prop::sample::select(Kind::ALL.to_vec());
        let channels = prop::sample::select(Channel::ALL.to_vec());
        (
            said,
            prop::collection::btree_map(channels.clone(), any::<bool>(), 0..3),
            prop::collection::btree_map((kinds.clone(), channels), any::<bool>(), 0..8),
            prop::collection::btree_map(kinds, Just(Rhythm::Daily), 0..3),
        )
            .prop_map(|(global, channels, categories, digests)| Preferences {
                global,
                channels,
                categories,
                digests,
                zone: Some("Europe/Berlin".into()),
                quiet_hours: QuietHours::new(TimeOfDay::hour(22), TimeOfDay::hour(7)),
            })
    }

    proptest! {
        #[test]
        fn what_is_critical_goes_out_whatever_was_said_and_whatever_the_hour(
            said in anything(), at_ms in 1_700_000_000_000i64..2_000_000_000_000,
            channel in prop::sample::select(Channel::ALL.to_vec()),
        ) {
            let now = Timestamp::from_unix_ms(at_ms);
            prop_assert_eq!(said.rule(Kind::Security, channel, true, now), Ruling::Send);
            prop_assert_eq!(said.rhythm(Kind::Security), None);
        }

        #[test]
        fn what_waits_is_wanted_and_waits_less_than_a_night(
            said in anything(), at_ms in 1_700_000_000_000i64..2_000_000_000_000,
            kind in prop::sample::select(Kind::ALL.to_vec()), channel in prop::sample::select(Channel::ALL.to_vec()),
        ) {
            let now = Timestamp::from_unix_ms(at_ms);
            if let Ruling::Wait { until } = said.rule(kind, channel, true, now) {
                prop_assert!(channel != Channel::InApp && said.wants(kind, channel, true).0);
                prop_assert!(until > now && until.since(now) <= Duration::from_secs(10 * 3600));
                prop_assert_eq!(said.rule(kind, channel, true, until), Ruling::Send);
            }
        }
    }
}
