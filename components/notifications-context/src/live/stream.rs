//! One stream, from its opening to its end: what was missed, then what comes, and a sign of life in between.
//!
//! It is pulled: nothing is made before the client has taken what was made before, so that one that does not read costs
//! the memory of its queue and no more.

use super::follow::{follow, sessions};
use super::frame::{Frames, event};
use super::http::Live;
use super::hub::{End, MOST_QUEUED, concerned};
use super::words::in_words;
use ambient::Timestamp;
use bytes::Bytes;
use core::convert::Infallible;
use core::pin::pin;
use core::time::Duration;
use events::{EntryId, EventsError};
use futures::future::{select, try_join};
use futures::stream::{BoxStream, StreamExt};
use ids::UserId;
use instance_tasks::Rest;
use leases::{Lease, LeaseError, Leases};

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(15);
/// How long the place of a stream lasts that gives no sign of life: two beats and some.
const PLACE_LASTS: Duration = Duration::from_secs(40);
/// How long a client waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);
/// Entries of one look at what was missed, and how many looks there are before the client is told to read its inbox anew.
const MISSED_AT_ONCE: u32 = if cfg!(test) { 50 } else { 500 };
const MOST_LOOKS: u32 = 20;

/// Why no stream was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// The person has as many as may be.
    #[error("the person has as many streams open as may be")]
    TooMany,
    /// Redis does not answer.
    #[error(transparent)]
    Leases(LeaseError),
    /// The log of events.
    #[error(transparent)]
    Events(#[from] EventsError),
}

/// Whose stream, and from where.
pub(super) struct Asked {
    pub user_id: UserId,
    pub session: Option<String>,
    /// When the proof of who asks ends.
    pub expires_at: Timestamp,
    /// The last entry that the client has seen.
    pub seen: Option<EntryId>,
}

/// The places of one person's streams.
pub(super) fn pool(live: &Live, user_id: UserId) -> Leases {
    let (redis, clock) = (live.redis.clone(), live.clock.clone());
    let pool = format!("{{{}}}:live:{user_id}", live.inboxes);
    Leases::new(pool, live.streams_a_person, PLACE_LASTS, redis, clock, live.random.clone(), live.sleep.clone())
}

/// A seat that is left when the stream is dropped, whoever drops it.
struct Seated {
    live: Live,
    number: u64,
    user_id: UserId,
    lease: Option<Lease>,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.live.hub().leave(self.number, self.user_id, self.lease.take());
    }
}

/// How far a stream is.
enum Phase {
    /// Nothing was sent.
    Opening,
    /// What the client missed is told; so many looks were made.
    CatchingUp(u32),
    /// What comes is told.
    Listening,
    /// Nothing more comes.
    Over,
}

struct Stream {
    seat: Seated,
    rest: Box<dyn Rest>,
    phase: Phase,
    /// Everything up to here was told.
    told: EntryId,
    /// Behind here lies everything at the seat.
    seated_at: EntryId,
    /// Whether entries behind `told` may be gone.
    has_gap: bool,
    beat_at: Timestamp,
    ends_at: Timestamp,
}

/// Opens a stream: its bytes, to be pulled.
pub(super) async fn open(
    live: &Live,
    asked: Asked,
) -> Result<BoxStream<'static, Result<Bytes, Infallible>>, OpenError> {
    let Asked { user_id, session, expires_at, seen } = asked;
    let users = sessions();
    let (reach, ended) = try_join(live.tail.reach(&live.inboxes), live.tail.reach(&users)).await?;
    let newest = reach.map_or(EntryId::START, |reach| reach.newest);
    let ended = ended.map_or(EntryId::START, |reach| reach.newest);
    let lease = match pool(live, user_id).take(Duration::ZERO).await {
        Ok(lease) => lease,
        Err(LeaseError::Taken { .. }) => return Err(OpenError::TooMany),
        Err(error) => return Err(OpenError::Leases(error)),
    };
    let (ring, rest) = live.tasks.bell();
    let (number, seated_at, must_follow) = live.hub().sit(user_id, session, ring, (newest, ended));
    let seat = Seated { live: live.clone(), number, user_id, lease: Some(lease) };
    if must_follow {
        live.tasks.spawn(Box::pin(follow(live.clone())));
    }
    let now = live.clock.now();
    // Behind the newest entry there is nothing that anybody was told of; before the oldest one something may be gone.
    let has_gap = seen.is_some_and(|seen| {
        seen > newest.max(seated_at) || (seen != EntryId::START && reach.is_none_or(|reach| seen < reach.oldest))
    });
    let stream = Stream {
        seat,
        rest,
        phase: Phase::Opening,
        told: seen.filter(|_| !has_gap).unwrap_or(seated_at),
        seated_at,
        has_gap,
        beat_at: now.plus(BEAT),
        ends_at: now.plus(live.lasting()).min(expires_at),
    };
    Ok(futures::stream::unfold(stream, |mut stream| async {
        let bytes = stream.next().await?;
        Some((Ok(bytes), stream))
    })
    .boxed())
}

impl Stream {
    /// What is sent next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let frames = match self.phase {
                Phase::Opening => Some(self.opening()),
                Phase::CatchingUp(looks) => self.catch_up(looks).await,
                Phase::Listening => self.listen().await,
                Phase::Over => None,
            }?;
            if !frames.is_empty() {
                return Some(frames.finish());
            }
        }
    }

    fn opening(&mut self) -> Frames {
        let mut frames = Frames::default();
        frames.retry(RETRY);
        if self.has_gap {
            self.reset(&mut frames);
        } else {
            frames.beat(self.told);
        }
        self.phase = if self.told < self.seated_at { Phase::CatchingUp(0) } else { Phase::Listening };
        frames
    }

    /// Tells the client to read its inbox anew: what it missed cannot be told.
    fn reset(&mut self, frames: &mut Frames) {
        self.told = self.seated_at;
        match event(self.told, "reset", &serde_json::json!({})) {
            Ok(block) => frames.block(&block),
            Err(_) => self.phase = Phase::Over,
        }
    }

    /// What lies between the last entry that the client saw and the seat.
    async fn catch_up(&mut self, looks: u32) -> Option<Frames> {
        let mut frames = Frames::default();
        if looks >= MOST_LOOKS {
            self.reset(&mut frames);
            self.phase = Phase::Listening;
            return Some(frames);
        }
        let live = &self.seat.live;
        let found = live.tail.after(&live.inboxes, self.told, MISSED_AT_ONCE).await.ok()?;
        let is_last = found.len() < MISSED_AT_ONCE as usize;
        let missed: Vec<_> = found.into_iter().take_while(|told| told.entry <= self.seated_at).collect();
        let is_last = is_last || missed.last().is_none_or(|last| last.entry == self.seated_at);
        let own: Vec<_> =
            missed.iter().filter_map(concerned).filter(|heard| heard.user_id == self.seat.user_id).collect();
        // What cannot be told ends the stream: the client comes back for it.
        for block in in_words(&*live.records, self.seat.user_id, &own).await.ok()? {
            frames.block(block.text.as_deref().unwrap_or_default());
        }
        self.told = missed.last().map_or(self.told, |last| last.entry);
        self.phase = if is_last { Phase::Listening } else { Phase::CatchingUp(looks + 1) };
        if is_last {
            self.told = self.told.max(self.seated_at);
        }
        Some(frames)
    }

    /// Waits for what comes, for the next sign of life, or for the end.
    async fn listen(&mut self) -> Option<Frames> {
        let live = self.seat.live.clone();
        let mut frames = Frames::default();
        loop {
            let served = live.hub().serve(self.seat.number, MOST_QUEUED);
            for block in served.blocks.iter().filter(|block| block.entry > self.told) {
                frames.block(block.text.as_deref().unwrap_or_default());
            }
            if served.end != Some(End::SessionOver) {
                self.told = self.told.max(served.up_to);
            }
            let now = live.clock.now();
            if served.end.is_some() || now >= self.ends_at {
                self.phase = Phase::Over;
                if served.end.is_none() {
                    // The client resumes from here, and nobody has to look through what it was told.
                    frames.beat(self.told);
                }
                return Some(frames);
            }
            if !frames.is_empty() {
                return Some(frames);
            }
            if now >= self.beat_at {
                self.beat_at = now.plus(BEAT);
                let lease = self.seat.lease.as_ref()?;
                if matches!(pool(&live, self.seat.user_id).renew(lease).await, Ok(false)) {
                    // Others have taken the place of a stream that gave no sign of life.
                    return None;
                }
                frames.beat(self.told);
                return Some(frames);
            }
            let wait = self.beat_at.min(self.ends_at).since(now);
            select(self.rest.rung(), pin!(live.sleep.sleep(wait))).await;
        }
    }
}
