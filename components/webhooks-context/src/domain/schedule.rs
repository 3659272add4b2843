//! When a message is tried again. **Source** Standard Webhooks 1.0, "Deliverability and reliability".

use core::time::Duration;

/// The waits before the second try and each one after it: ten tries over some 75 hours and a half.
pub const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(14 * 3600),
    Duration::from_secs(20 * 3600),
    Duration::from_secs(24 * 3600),
];
/// How many tries a message has.
pub const TRIES: u32 = 10;
/// By how much a wait is shortened or lengthened at most. **Units** thousandths.
pub const JITTER_PERMILLE: u32 = 200;
/// The longest wait that a receiver may ask for by `Retry-After`.
pub const MOST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// The wait after the `tries`th try failed (from 1); `None` where it was the last one.
///
/// `draw` is drawn evenly from all numbers: what failed together does not come back together. What the receiver asked
/// for is waited at least, up to a day.
pub fn wait_after(tries: u32, draw: u32, asked: Option<Duration>) -> Option<Duration> {
    let place = usize::try_from(tries.saturating_sub(1)).ok()?;
    let base = WAITS.get(place)?;
    // 800 to 1200 thousandths.
    let spread = u128::from(2 * JITTER_PERMILLE + 1);
    let permille = u128::from(1000 - JITTER_PERMILLE) + u128::from(draw) % spread;
    let wait_ms = base.as_millis() * permille / 1000;
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(u64::MAX));
    Some(wait.max(asked.unwrap_or_default().min(MOST_ASKED)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ten_tries_take_some_three_days() {
        assert_eq!(WAITS.len() + 1, TRIES as usize);
        let all: Duration = WAITS.iter().sum();
        assert_eq!(all, Duration::from_secs(75 * 3600 + 35 * 60 + 5));
        assert_eq!(wait_after(TRIES, 0, None), None);
        assert_eq!(wait_after(1, 200, None), Some(Duration::from_secs(5)));
    }

    proptest! {
        #[test]
        fn a_wait_is_within_a_fifth_of_its_place_and_never_shorter_than_asked(
            tries in 1..TRIES,
            draw: u32,
            asked in prop::option::of(0..1_000_000u64),
        ) {
            let base = WAITS[tries as usize - 1];
            let wait = wait_after(tries, draw, None).unwrap();
            prop_assert!(wait >= base * 4 / 5 && wait <= base * 6 / 5, "{wait:?}");
            let asked = asked.map(Duration::from_secs);
            let polite = wait_after(tries, draw, asked).unwrap();
            prop_assert_eq!(polite, wait.max(asked.unwrap_or_default().min(MOST_ASKED)));
        }

        #[test]
        fn nobody_is_tried_beyond_the_last_place(tries in TRIES.., draw: u32) {
            prop_assert_eq!(wait_after(tries, draw, Some(Duration::from_secs(1))), None);
        }
    }
}
