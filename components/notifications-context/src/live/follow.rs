//! The one reader of an instance: waits for the next event on a connection of its own and puts it to the seats.

use super::http::Live;
use super::hub::{Block, Heard, concerned};
use super::stream::pool;
use super::words::in_words;
use ambient::Timestamp;
use core::time::Duration;
use events::{EntryId, EventsError, StreamName};
use futures::future::try_join_all;
use ids::UserId;
use records::RecordsError;
use std::collections::BTreeMap;
use telemetry::Level;

/// Entries of one read. **Units** at most 20 kB each, seldom one.
const BATCH: u32 = 64;
/// How long one wait takes; the connection's time-out is longer.
pub const WAIT: Duration = Duration::from_secs(2);
/// The pause after the log did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the users' stream is looked at. It cannot be waited for: a service may read another's stream, not block on it.
const LOOK: Duration = Duration::from_secs(1);

/// The stream that says which sessions are over.
pub(super) fn sessions() -> StreamName {
    StreamName::new("users", 0)
}

/// Why nothing could be heard; it is tried again, and nothing is lost.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    /// The log.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The inboxes.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Reads for as long as somebody listens.
pub(super) async fn follow(live: Live) {
    let mut looked = live.clock.now();
    while live.hub().is_needed() {
        give_back(&live).await;
        if let Err(error) = hear(&live, &mut looked).await {
            let cause = error.to_string();
            telemetry::log(
                Level::Warn,
                "notifications-live",
                "events cannot be heard",
                &"",
                &[("cause", cause.as_str().into())],
            );
            live.sleep.sleep(PAUSE).await;
        }
    }
}

async fn hear(live: &Live, looked: &mut Timestamp) -> Result<(), FollowError> {
    let heard = match live.hub().heard() {
        Some(heard) => heard,
        None => {
            let newest = live.tail.reach(&live.inboxes).await?.map_or(EntryId::START, |reach| reach.newest);
            live.hub().begin_again(newest);
            newest
        }
    };
    let told = live.tail.wait_after(&live.inboxes, heard, BATCH, WAIT).await?;
    if let Some(last) = told.last() {
        let heard: Vec<_> = told.iter().filter_map(concerned).collect();
        let mut words = BTreeMap::new();
        loop {
            let wordless = live.hub().hear(last.entry, &heard, &words);
            if wordless.is_empty() {
                break;
            }
            // Somebody may sit down meanwhile: then there is one more to be put into words.
            words.extend(look_up(live, &wordless).await?);
        }
    }
    if told.is_empty() {
        // Nothing may be behind a place that the log has lost.
        let newest = live.tail.reach(&live.inboxes).await?.map_or(EntryId::START, |reach| reach.newest);
        if newest < heard {
            live.hub().lose();
        }
    }
    let now = live.clock.now();
    if now.since(*looked) >= LOOK || told.is_empty() {
        *looked = now;
        let told = live.tail.after(&sessions(), live.hub().sessions(), BATCH).await?;
        live.hub().hear_of_sessions(&told);
    }
    Ok(())
}

/// Entries in words, by person side by side.
async fn look_up(live: &Live, heard: &[Heard]) -> Result<BTreeMap<EntryId, Block>, FollowError> {
    let mut people: BTreeMap<UserId, Vec<Heard>> = BTreeMap::new();
    for heard in heard {
        people.entry(heard.user_id).or_default().push(heard.clone());
    }
    let looks = people.iter().map(|(user_id, heard)| in_words(&*live.records, *user_id, heard));
    let blocks = try_join_all(looks).await?.into_iter().flatten();
    Ok(blocks.map(|block| (block.entry, block)).collect())
}

/// Gives places back that streams have left. One that cannot be given back ends by itself.
async fn give_back(live: &Live) {
    for (user_id, lease) in live.hub().left() {
        let _ = pool(live, user_id).release(lease).await;
    }
}
