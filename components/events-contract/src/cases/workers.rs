//! Whole workers: what becomes of events when workers die, meet, or lose what they depend on.

use crate::consumers::{Act, Counting, pulse_or_trap, worker};
use crate::fixture::{GROUP, LONGER, append, bytes, event, stream};
use crate::{Failure, Fixture};
use core::time::Duration;
use events::{Verdict, WhenEmpty};
use futures::future::{join, try_join_all};

table![
    a_duplicate_has_its_effect_once,
    what_a_dead_worker_had_in_its_hands_is_finished_by_the_next,
    a_poison_event_goes_to_the_dead_letters_without_its_neighbours,
    a_dependency_that_is_gone_uses_up_no_delivery,
    an_unreadable_event_is_parked_at_once,
    a_worker_goes_on_after_redis_lost_everything,
    a_missed_bell_is_made_good_by_the_pulse,
    a_replayed_letter_has_its_effect_at_the_next_pulse,
    a_replay_that_kills_its_worker_ends_as_one_letter,
    two_workers_at_once_give_each_event_its_effect_once,
    ten_thousand_events_pass_through_two_workers,
];

fn done() -> Act {
    Act::Say(Verdict::Done)
}

async fn a_duplicate_has_its_effect_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    let worker = worker(fixture, consumer.clone());
    worker.on_pulse().await?;
    append(fixture, [0, 1, 0, 0]).await?;
    let run = worker.on_bell().await?;
    ensure_eq!((run.done, consumer.sights(), consumer.effects()), (4, 4, (2, true)), "done, sights, effects");
    Ok(())
}

async fn what_a_dead_worker_had_in_its_hands_is_finished_by_the_next(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..20).await?;
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    let consumer = Counting::new(|_, _| done());
    worker(fixture, consumer.clone()).on_bell().await?;
    ensure_eq!(consumer.effects(), (4, true), "effects before the dead worker's entries count as abandoned");
    fixture.pass(LONGER).await;
    let run = worker(fixture, consumer.clone()).on_pulse().await?;
    ensure_eq!((run.done, consumer.effects()), (16, (20, true)), "done, effects");
    Ok(())
}

async fn a_poison_event_goes_to_the_dead_letters_without_its_neighbours(fixture: &dyn Fixture) -> Result<(), Failure> {
    let poison = event(5).id;
    let consumer = Counting::new(move |event, _| if event.id == poison { Act::Trap } else { done() });
    fixture.log().subscribe(GROUP, &stream()).await?;
    append(fixture, 0..16).await?;
    let mut traps = 0;
    for _ in 0..12 {
        traps += u32::from(pulse_or_trap(fixture, &consumer).await?);
        fixture.pass(LONGER).await;
    }
    ensure_eq!(traps, 5, "traps: as many as deliveries");
    ensure_eq!(consumer.effects(), (15, true), "effects of the neighbours");
    let letters = fixture.letters().list(None, 100).await?.letters;
    ensure_eq!(letters.iter().map(|letter| letter.payload.clone()).collect::<Vec<_>>(), vec![bytes(5)], "letters");
    let stats = fixture.statistics().groups(&stream()).await?;
    ensure!(stats.iter().all(|s| (s.lag, s.pending) == (Some(0), 0)), "not settled: {stats:?}");
    Ok(())
}

async fn a_dependency_that_is_gone_uses_up_no_delivery(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (after, reason) = (Duration::from_millis(1), "the mail server is gone".to_owned());
    let consumer =
        Counting::new(
            move |_, sight| {
                if sight < 8 { Act::Say(Verdict::Retry { after, reason: reason.clone() }) } else { done() }
            },
        );
    let worker = worker(fixture, consumer.clone());
    worker.on_pulse().await?;
    append(fixture, 0..3).await?;
    ensure_eq!(worker.on_bell().await?.deferred, 3, "events put off");
    for _ in 0..7 {
        fixture.pass(LONGER).await;
        worker.on_pulse().await?;
    }
    ensure_eq!((consumer.sights(), consumer.effects()), (24, (3, true)), "sights, effects");
    ensure!(fixture.letters().list(None, 100).await?.letters.is_empty(), "waiting used up deliveries");
    Ok(())
}

async fn an_unreadable_event_is_parked_at_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    let worker = worker(fixture, consumer.clone());
    worker.on_pulse().await?;
    fixture.append(&stream(), b"{}").await?;
    append(fixture, [1]).await?;
    let run = worker.on_bell().await?;
    ensure_eq!((run.done, run.parked, consumer.effects()), (1, 1, (1, true)), "done, parked, effects");
    Ok(())
}

async fn a_worker_goes_on_after_redis_lost_everything(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    let worker = worker(fixture, consumer.clone());
    worker.on_pulse().await?;
    fixture.lose_everything().await?;
    append(fixture, 0..2).await?;
    worker.on_bell().await?;
    ensure_eq!(consumer.effects(), (2, true), "effects");
    append(fixture, [2]).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 1, "rings: the group is among those that hear again");
    Ok(())
}

async fn a_missed_bell_is_made_good_by_the_pulse(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    append(fixture, 0..40).await?;
    worker(fixture, consumer.clone()).on_pulse().await?;
    ensure_eq!(consumer.effects(), (40, true), "effects");
    Ok(())
}

async fn a_replayed_letter_has_its_effect_at_the_next_pulse(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, sight| {
        if sight == 1 { Act::Say(Verdict::Park { reason: "no such template".to_owned() }) } else { done() }
    });
    let worker = worker(fixture, consumer.clone());
    append(fixture, [0]).await?;
    ensure_eq!(worker.on_pulse().await?.parked, 1, "parked");
    let letters = fixture.letters().list(None, 100).await?.letters;
    for letter in &letters {
        fixture.letters().replay(letter.id).await?;
    }
    ensure_eq!(worker.on_pulse().await?.done, 1, "done");
    ensure_eq!(consumer.effects(), (1, true), "effects");
    ensure!(fixture.letters().list(None, 100).await?.letters.is_empty(), "the letter is still there");
    Ok(())
}

async fn a_replay_that_kills_its_worker_ends_as_one_letter(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, sight| {
        if sight == 1 { Act::Say(Verdict::Park { reason: "no such template".to_owned() }) } else { Act::Trap }
    });
    append(fixture, [0]).await?;
    pulse_or_trap(fixture, &consumer).await?;
    for letter in fixture.letters().list(None, 100).await?.letters {
        fixture.letters().replay(letter.id).await?;
    }
    let mut traps = 0;
    for _ in 0..8 {
        traps += u32::from(pulse_or_trap(fixture, &consumer).await?);
        fixture.pass(LONGER).await;
    }
    let letters = fixture.letters().list(None, 100).await?.letters;
    ensure_eq!((traps, letters.len()), (5, 1), "traps, letters");
    Ok(())
}

async fn two_workers_at_once_give_each_event_its_effect_once(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    let (one, two) = (worker(fixture, consumer.clone()), worker(fixture, consumer.clone()));
    fixture.log().subscribe(GROUP, &stream()).await?;
    append(fixture, 0..200).await?;
    let (one, two) = join(one.on_bell(), two.on_pulse()).await;
    ensure_eq!((one?.done + two?.done, consumer.sights()), (200, 200), "done, sights");
    ensure_eq!(consumer.effects(), (200, true), "effects");
    Ok(())
}

async fn ten_thousand_events_pass_through_two_workers(fixture: &dyn Fixture) -> Result<(), Failure> {
    let consumer = Counting::new(|_, _| done());
    let workers = (worker(fixture, consumer.clone()), worker(fixture, consumer.clone()));
    fixture.log().subscribe(GROUP, &stream()).await?;
    for hundred in 0..100 {
        try_join_all((hundred * 100..hundred * 100 + 100).map(|number| append(fixture, [number]))).await?;
    }
    for _ in 0..20 {
        let (one, two) = join(workers.0.on_bell(), workers.1.on_bell()).await;
        if !(one?.left_behind || two?.left_behind) {
            break;
        }
    }
    ensure_eq!((consumer.sights(), consumer.effects()), (10_000, (10_000, true)), "sights, effects");
    let stats = fixture.statistics().groups(&stream()).await?;
    ensure!(stats.iter().all(|s| (s.lag, s.pending) == (Some(0), 0)), "not settled: {stats:?}");
    Ok(())
}
