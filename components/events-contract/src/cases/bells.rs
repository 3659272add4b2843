//! The doorbell: rung once, armed again by whoever finds the stream empty.

use crate::fixture::{GROUP, append, stream};
use crate::{Failure, Fixture};
use events::WhenEmpty;

table![
    the_bell_rings_once_until_somebody_finds_the_stream_empty,
    the_bell_is_silent_while_a_worker_stays,
    a_slow_group_does_not_silence_another,
    a_worker_can_ring_for_itself,
];

async fn the_bell_rings_once_until_somebody_finds_the_stream_empty(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    append(fixture, 0..3).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 1, "rings after three events");
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    append(fixture, 3..5).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 1, "rings while the worker still finds entries");
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    log.read(GROUP, &stream(), 16, WhenEmpty::Leave).await?;
    append(fixture, 5..7).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 2, "rings after the worker found nothing and left");
    Ok(())
}

async fn the_bell_is_silent_while_a_worker_stays(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.subscribe(GROUP, &stream()).await?;
    let found = log.read(GROUP, &stream(), 16, WhenEmpty::Stay).await?;
    ensure!(found.is_empty(), "an empty stream held {found:?}");
    append(fixture, 0..2).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 0, "rings");
    ensure_eq!(log.read(GROUP, &stream(), 16, WhenEmpty::Stay).await?.len(), 2, "entries at the next look");
    Ok(())
}

async fn a_slow_group_does_not_silence_another(fixture: &dyn Fixture) -> Result<(), Failure> {
    let (log, other) = (fixture.log(), "queries-worker");
    log.subscribe(GROUP, &stream()).await?;
    log.subscribe(other, &stream()).await?;
    for number in 0..3 {
        append(fixture, [number]).await?;
        while !log.read(other, &stream(), 16, WhenEmpty::Leave).await?.is_empty() {}
    }
    ensure_eq!((fixture.rings(GROUP).await?, fixture.rings(other).await?), (1, 3), "rings of the slow and the quick");
    Ok(())
}

async fn a_worker_can_ring_for_itself(fixture: &dyn Fixture) -> Result<(), Failure> {
    let log = fixture.log();
    log.ring(GROUP).await?;
    log.ring(GROUP).await?;
    ensure_eq!(fixture.rings(GROUP).await?, 2, "rings");
    Ok(())
}
