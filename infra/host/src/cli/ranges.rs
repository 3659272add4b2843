//! Flags that are a value or a range, such as `128` or `1..8`, and durations such as `500ms`.

use std::{str::FromStr, time::Duration};

/// A value, or bounds from which one is drawn; the upper one excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range<T> {
    /// Always this.
    Value(T),
    /// One of these.
    Bounds(T, T),
}

impl Range<u64> {
    /// The value, or one drawn at random.
    #[must_use]
    pub fn pick(self) -> u64 {
        match self {
            Self::Value(value) => value,
            Self::Bounds(low, high) => fastrand::u64(low..high),
        }
    }
}

impl Range<Duration> {
    /// The value, or one drawn at random, to the nanosecond.
    #[must_use]
    pub fn pick(self) -> Duration {
        match self {
            Self::Value(value) => value,
            Self::Bounds(low, high) => {
                let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
                Duration::from_nanos(fastrand::u64(nanos(low)..nanos(high)))
            }
        }
    }
}

/// Parses a count or a range of counts.
///
/// # Errors
/// Not a number, or an empty range.
pub fn count(text: &str) -> Result<Range<u64>, String> {
    range(text, |text| u64::from_str(text).map_err(|error| error.to_string()))
}

/// Parses a duration or a range of durations: seconds without a suffix or with `s`; `ms`, `us`, `ns`.
///
/// # Errors
/// Not a number, an unknown suffix, or an empty range.
pub fn duration(text: &str) -> Result<Range<Duration>, String> {
    range(text, one_duration)
}

fn one_duration(text: &str) -> Result<Duration, String> {
    let units = [
        ("ms", Duration::from_millis as fn(u64) -> Duration),
        ("us", Duration::from_micros),
        ("μs", Duration::from_micros),
        ("ns", Duration::from_nanos),
        ("s", Duration::from_secs),
    ];
    let (number, unit) = units
        .into_iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))
        .unwrap_or((text, Duration::from_secs));
    let number = number.parse().map_err(|error| {
        format!("expected integer suffixed by `s`, `ms`, `us`, `μs`, or `ns`; got {text:?}; {error}")
    })?;
    Ok(unit(number))
}

fn range<T: PartialOrd>(text: &str, one: impl Fn(&str) -> Result<T, String>) -> Result<Range<T>, String> {
    let Some((low, high)) = text.split_once("..") else {
        return one(text).map(Range::Value);
    };
    let (low, high) = (one(low)?, one(high)?);
    if low >= high {
        return Err(format!("the range {text:?} is empty"));
    }
    Ok(Range::Bounds(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_ranges_and_units() {
        assert_eq!(count("128"), Ok(Range::Value(128)));
        assert_eq!(count("1..8"), Ok(Range::Bounds(1, 8)));
        assert_eq!(duration("2"), Ok(Range::Value(Duration::from_secs(2))));
        assert_eq!(duration("1..8s"), Ok(Range::Bounds(Duration::from_secs(1), Duration::from_secs(8))));
        assert_eq!(duration("500ms"), Ok(Range::Value(Duration::from_millis(500))));
        assert!(count("8..1").is_err() && count("x").is_err() && duration("1h").is_err());
        assert!((1..8).contains(&Range::Bounds(1, 8).pick()));
    }
}
