//! The rounds: a while of work, then a host, both, or Redis is killed, stopped for a while, or silent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chaos::Dice;
use chaos::flood::Plan;

use super::ChaosFlags;
use super::street::{HOSTS, Street};
use crate::narration::{self, Stopwatch};

/// The part of the seed that decides what befalls whom.
const PART: u64 = 0x000F_100D;
/// Work between two faults. **Units** milliseconds.
const WORK_MS: (u64, u64) = (200, 4000);
/// Of a hundred rounds, so many kill both hosts at once, kill Redis, stop a host for a while, silence Redis; the others
/// kill one host.
const BOTH_PERCENT: u64 = 12;
const REDIS_PERCENT: u64 = 10;
const STOP_PERCENT: u64 = 10;
const PAUSE_PERCENT: u64 = 8;
/// How long. **Units** milliseconds. One stop in six outlasts the time after which others take what the host had in hand:
/// it wakes and goes on with what is no longer its own.
const STOP_MS: (u64, u64) = (500, 4000);
const LONG_STOP_MS: u64 = 33_000;
const PAUSE_MS: (u64, u64) = (100, 1500);
/// How often progress is told.
const TELL_EVERY: u32 = 10;

/// Plays until as many hosts were killed as asked, or the time is over.
///
/// # Errors
/// When something does not come back.
pub fn play(
    street: &mut Street,
    flags: &ChaosFlags,
    plan: &Plan,
    (allowed, committed): (&AtomicU64, &AtomicU64),
) -> anyhow::Result<Vec<Duration>> {
    let mut dice = Dice::of(flags.seed, PART);
    let (stopwatch, limit) = (Stopwatch::start(), Duration::from_secs(60 * flags.minutes));
    let (mut kills, mut round, mut back_after) = (0, 0_u32, Vec::new());
    while kills < flags.kills && stopwatch.elapsed() < limit {
        let due = plan.payments() * u64::from(kills + 1) / u64::from(flags.kills);
        allowed.fetch_max(due.min(plan.payments()), Ordering::SeqCst);
        street.look_after_for(Duration::from_millis(dice.between(WORK_MS.0, WORK_MS.1)))?;
        let which = usize::try_from(dice.between(0, HOSTS as u64 - 1)).unwrap_or(0);
        let turn = dice.between(0, 99);
        if turn < BOTH_PERCENT {
            back_after.extend(street.kill_both()?);
            kills += HOSTS as u32;
        } else if turn < BOTH_PERCENT + REDIS_PERCENT {
            street.kill_redis(dice.percent(50))?;
        } else if turn < BOTH_PERCENT + REDIS_PERCENT + STOP_PERCENT {
            let long = dice.between(0, 5) == 0 && limit - stopwatch.elapsed().min(limit) > Duration::from_secs(90);
            let how_long = if long { LONG_STOP_MS } else { dice.between(STOP_MS.0, STOP_MS.1) };
            street.stop_for(which, Duration::from_millis(how_long))?;
        } else if turn < BOTH_PERCENT + REDIS_PERCENT + STOP_PERCENT + PAUSE_PERCENT {
            street.pause_redis(Duration::from_millis(dice.between(PAUSE_MS.0, PAUSE_MS.1)))?;
        } else {
            back_after.push(street.kill(which)?);
            kills += 1;
        }
        round += 1;
        if round.is_multiple_of(TELL_EVERY) {
            narration::say(&format!(
                "{kills} kills of hosts, {} of {} events committed, {}",
                committed.load(Ordering::Relaxed),
                plan.events(),
                stopwatch.words()
            ));
        }
    }
    Ok(back_after)
}
