//! The rounds of a run: a while of work, then something is killed, until enough was killed or the time is over.

use std::time::Duration;

use chaos::between::Ambush;
use chaos::{Dice, Tally};

use super::ChaosFlags;
use super::house::House;
use crate::narration::{self, Stopwatch};

/// The part of the seed that decides what is killed when; clients and network have others.
const PART: u64 = 0x00CA_0503;
/// The time between two kills. **Units** milliseconds.
const WORK_MS: (u64, u64) = (60, 2600);
/// So many of a hundred rounds kill Redis besides.
const REDIS_PERCENT: u64 = 12;
/// So many of a hundred rounds let Redis be silent before.
const PAUSE_PERCENT: u64 = 8;
/// How long. **Units** milliseconds; a call of Redis may take 500.
const PAUSE_MS: (u64, u64) = (100, 1500);
/// So many of a hundred kills wait for a call to the acquirer and hit before or after the charge is made.
const AMBUSH_PERCENT: u64 = 35;
/// How long they wait.
const AMBUSH_LIMIT: Duration = Duration::from_secs(2);
/// How often progress is told.
const TELL_EVERY: u32 = 10;

/// What was killed, and how long the system was away each time.
#[derive(Debug, Default)]
pub struct Rounds {
    /// How often the host was killed.
    pub host_kills: u32,
    /// How often Redis was.
    pub redis_kills: u32,
    /// From each kill of the host to the first answer of `/readyz`, sorted.
    pub back_after: Vec<Duration>,
    /// From the last call that ended until nothing waited.
    pub drained_after: Duration,
}

/// Plays the rounds.
///
/// # Errors
/// When the system does not come back, ends by itself, or somebody asks to stop.
pub fn play(house: &mut House, flags: &ChaosFlags, tally: &Tally) -> anyhow::Result<Rounds> {
    let mut dice = Dice::of(flags.seed, PART);
    let mut rounds = Rounds::default();
    let (stopwatch, limit) = (Stopwatch::start(), Duration::from_secs(60 * flags.minutes));
    house.between().set_calm(false);
    while rounds.host_kills < flags.kills && stopwatch.elapsed() < limit {
        work(house, dice.between(WORK_MS.0, WORK_MS.1))?;
        if dice.percent(PAUSE_PERCENT) {
            let pause = Duration::from_millis(dice.between(PAUSE_MS.0, PAUSE_MS.1));
            house.pause_redis(pause)?;
            work(house, dice.between(0, PAUSE_MS.1))?;
        }
        if dice.percent(REDIS_PERCENT) {
            house.kill_redis(dice.percent(50))?;
            rounds.redis_kills += 1;
            work(house, dice.between(WORK_MS.0, WORK_MS.1))?;
        }
        if dice.percent(AMBUSH_PERCENT) {
            let before = dice.percent(50);
            lie_in_wait(house, if before { Ambush::BeforeTheCharge } else { Ambush::AfterTheCharge }, tally)?;
        }
        rounds.back_after.push(house.kill_host()?);
        rounds.host_kills += 1;
        if rounds.host_kills % TELL_EVERY == 0 {
            narration::say(&format!(
                "{} of {} kills of the host, {} of Redis, {} requests, {} acknowledged, {}",
                rounds.host_kills,
                flags.kills,
                rounds.redis_kills,
                tally.sum(Tally::SENT),
                tally.sum(Tally::ACKNOWLEDGED),
                stopwatch.words()
            ));
        }
    }
    rounds.back_after.sort_unstable();
    Ok(rounds)
}

/// Waits until a call to the acquirer is held at that step, or for a while in vain.
fn lie_in_wait(house: &mut House, ambush: Ambush, tally: &Tally) -> anyhow::Result<()> {
    let stopwatch = Stopwatch::start();
    house.between().lie_in_wait(Some(ambush));
    while !house.between().is_sprung() && stopwatch.elapsed() < AMBUSH_LIMIT {
        house.look_after()?;
    }
    if house.between().is_sprung() {
        let word = match ambush {
            Ambush::BeforeTheCharge => "of these, between the first commit and the charge",
            Ambush::AfterTheCharge => "of these, between the charge and the second commit",
        };
        tally.add(Tally::FAULTS, format!("host killed: {word}"));
    }
    house.between().lie_in_wait(None);
    Ok(())
}

fn work(house: &mut House, how_long_ms: u64) -> anyhow::Result<()> {
    let stopwatch = Stopwatch::start();
    while stopwatch.elapsed() < Duration::from_millis(how_long_ms) {
        house.look_after()?;
    }
    Ok(())
}
