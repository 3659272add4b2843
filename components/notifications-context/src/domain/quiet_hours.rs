//! The hours in which a person wants to hear nothing that can wait.

use crate::domain::{MINUTES_A_DAY, Zone};
use ambient::Timestamp;
use core::fmt;
use core::str::FromStr;

/// A time of day. **Shape** `22:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// A text that is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day such as 22:30 is expected")]
pub struct InvalidTimeOfDay;

impl TimeOfDay {
    /// A whole hour.
    pub const fn hour(hour: u8) -> Self {
        Self(hour as u16 % 24 * 60)
    }

    /// Minutes since midnight, below [`MINUTES_A_DAY`].
    pub const fn minute_of_day(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;

    fn from_str(text: &str) -> Result<Self, InvalidTimeOfDay> {
        let digits = |part: &str| -> Option<u16> {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let (hour, minute) = text.split_once(':').ok_or(InvalidTimeOfDay)?;
        let (hour, minute) = (digits(hour).ok_or(InvalidTimeOfDay)?, digits(minute).ok_or(InvalidTimeOfDay)?);
        if hour > 23 || minute > 59 {
            return Err(InvalidTimeOfDay);
        }
        Ok(Self(hour * 60 + minute))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// From one time of the day until another, over midnight where the second is the earlier one. **Invariant** they differ:
/// a day without an end would hold everything for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: TimeOfDay,
    until: TimeOfDay,
}

impl QuietHours {
    /// Quiet hours; `None` where they have no end.
    pub fn new(from: TimeOfDay, until: TimeOfDay) -> Option<Self> {
        (from != until).then_some(Self { from, until })
    }

    /// When they begin.
    pub const fn from(self) -> TimeOfDay {
        self.from
    }

    /// When they are over.
    pub const fn until(self) -> TimeOfDay {
        self.until
    }

    /// Whether a minute of the day is one of theirs.
    fn holds(self, minute: u16) -> bool {
        let day = MINUTES_A_DAY;
        let since_from = (minute + day - self.from.0) % day;
        since_from < (self.until.0 + day - self.from.0) % day
    }

    /// When they are over, where they are on: the first minute at which the wall clock shows none of theirs. What the clock
    /// skips or shows twice when it is changed needs no rule of its own.
    pub fn over_at(self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        if !self.holds(zone.minute_of_day(now)) {
            return None;
        }
        zone.first_minute(now, |minute| !self.holds(minute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use proptest::prelude::*;

    fn hours(from: &str, until: &str) -> QuietHours {
        QuietHours::new(from.parse().unwrap(), until.parse().unwrap()).unwrap()
    }

    fn over_at(hours: QuietHours, zone: &str, now: &str) -> Option<String> {
        hours.over_at(now.parse().unwrap(), &Zone::named(zone).unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_night_ends_in_the_morning_of_the_persons_own_clock() {
        let night = hours("22:00", "07:00");
        for (zone, now, over) in [
            ("Europe/Berlin", "2026-01-10T20:59:59.999Z", None),
            ("Europe/Berlin", "2026-01-10T21:00:00.000Z", Some("2026-01-11T06:00:00.000Z")),
            ("Europe/Berlin", "2026-01-11T05:59:59.999Z", Some("2026-01-11T06:00:00.000Z")),
            ("Europe/Berlin", "2026-01-11T06:00:00.000Z", None),
            // The night of 29 March is an hour shorter, that of 25 October an hour longer.
            ("Europe/Berlin", "2026-03-28T22:00:00.000Z", Some("2026-03-29T05:00:00.000Z")),
            ("Europe/Berlin", "2026-10-24T22:00:00.000Z", Some("2026-10-25T06:00:00.000Z")),
            ("America/New_York", "2026-03-08T05:00:00.000Z", Some("2026-03-08T11:00:00.000Z")),
        ] {
            assert_eq!(over_at(night, zone, now).as_deref(), over, "{zone} {now}");
        }
    }

    #[test]
    fn an_end_that_the_clock_skips_or_shows_twice_is_no_puzzle() {
        // 02:30 does not exist on 29 March: it is over when the clock jumps to 03:00.
        assert_eq!(
            over_at(hours("23:00", "02:30"), "Europe/Berlin", "2026-03-29T00:00:00.000Z").as_deref(),
            Some("2026-03-29T01:00:00.000Z")
        );
        // Quiet only within the hour that is skipped: that night has none.
        assert_eq!(over_at(hours("02:00", "03:00"), "Europe/Berlin", "2026-03-29T01:00:00.000Z"), None);
        // 02:30 comes twice on 25 October; after the first the clock goes back into the quiet half-hour.
        let twice = hours("23:00", "02:30");
        assert_eq!(
            over_at(twice, "Europe/Berlin", "2026-10-25T00:00:00.000Z").as_deref(),
            Some("2026-10-25T00:30:00.000Z")
        );
        assert_eq!(
            over_at(twice, "Europe/Berlin", "2026-10-25T01:00:00.000Z").as_deref(),
            Some("2026-10-25T01:30:00.000Z")
        );
    }

    #[test]
    fn a_time_of_day_has_one_spelling() {
        for good in ["00:00", "07:05", "23:59"] {
            assert_eq!(good.parse::<TimeOfDay>().unwrap().to_string(), good);
        }
        for bad in ["", "7:00", "24:00", "12:60", "12.30", "12:3", "+1:00", "１２:00", "12:30:00"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
        assert!(QuietHours::new(TimeOfDay::hour(7), TimeOfDay::hour(7)).is_none());
    }

    const ZONES: [&str; 10] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Africa/Casablanca",
        "Pacific/Apia",
        "America/Santiago",
    ];

    /// Moments around changes of the clock as often as any others.
    fn moments() -> impl Strategy<Value = i64> {
        let anywhere = 1_700_000_000_000i64..2_200_000_000_000;
        let changes = prop::sample::select(vec![
            1_774_746_000_000i64, // Europe, 2026-03-29
            1_792_890_000_000,    // Europe, 2026-10-25
            1_772_953_200_000,    // New York, 2026-03-08
            1_793_512_800_000,    // New York, 2026-11-01
            1_775_314_800_000,    // Lord Howe, 2026-04-04
        ]);
        let near = (changes, -86_400_000i64..86_400_000).prop_map(|(change, away)| change + away);
        prop_oneof![anywhere, near]
    }

    proptest! {
        #[test]
        fn it_is_over_at_the_first_minute_that_is_not_quiet(
            at in moments(), zone in prop::sample::select(ZONES.to_vec()), from in 0u16..1440, length in 1u16..1440,
        ) {
            let (zone, now) = (Zone::named(zone).unwrap(), Timestamp::from_unix_ms(at));
            let quiet = QuietHours::new(TimeOfDay(from), TimeOfDay((from + length) % 1440)).unwrap();
            match quiet.over_at(now, &zone) {
                None => prop_assert!(!quiet.holds(zone.minute_of_day(now))),
                Some(over) => {
                    prop_assert!(over > now && over.since(now) <= Duration::from_secs(25 * 3600));
                    prop_assert_eq!(quiet.over_at(over, &zone), None, "and it stays over");
                    let mut minute = now;
                    while minute < over {
                        prop_assert!(quiet.holds(zone.minute_of_day(minute)));
                        minute = minute.plus(Duration::from_secs(60));
                    }
                }
            }
        }
    }
}
