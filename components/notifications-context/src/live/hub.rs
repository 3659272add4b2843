//! Who listens in this instance, and what each of them has yet to be told.
//!
//! What lives here: seats, their queues, the place up to which everything was heard. What does not: waiting and reading.
//! All of it is memory behind one mutex that nobody holds across an await.

use events::{EntryId, Envelope, Told};
use ids::{NotificationId, UserId};
use instance_tasks::Ring;
use leases::Lease;
use notifications_wire::{
    NOTIFICATION_ARCHIVED, NOTIFICATION_CREATED, NOTIFICATION_READ, NOTIFICATION_RESTORED, NotificationSnapshot,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use users_wire::{
    ERASURE_REQUESTED, PASSWORD_CHANGED, PasswordChanged, SESSION_ENDED, SESSIONS_REVOKED, SessionSnapshot,
    SessionsRevoked, USER_LOCKED,
};

/// The most that waits for a client that does not read; with one more the stream ends, and the client resumes.
pub(super) const MOST_QUEUED: usize = 256;

/// What an entry means to the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A message lies in it.
    Created(NotificationSnapshot),
    /// Its owner has read one.
    Read(NotificationId),
    /// Its owner has put one away.
    Archived(NotificationId),
    /// Its owner has taken one out again.
    Restored(NotificationSnapshot),
}

/// One entry that concerns somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub entry: EntryId,
    pub user_id: UserId,
    pub news: News,
}

/// One entry in words, shared by all streams of its person; none where it is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub entry: EntryId,
    pub text: Option<Arc<str>>,
}

/// Why a stream ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client does not read.
    Lagging,
    /// Its session has ended.
    SessionOver,
    /// The events before it are gone: the log was lost, or set back.
    Lost,
}

/// What a listener finds at its seat.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// In order.
    pub blocks: Vec<Block>,
    /// Everything up to here was served, with this.
    pub up_to: EntryId,
    /// Nothing more comes.
    pub end: Option<End>,
}

struct Seat {
    user_id: UserId,
    session: Option<String>,
    queue: VecDeque<Block>,
    end: Option<End>,
    ring: Box<dyn Ring>,
}

#[derive(Default)]
struct Inner {
    /// Up to where the context's own stream was heard; `None` until somebody has looked.
    heard: Option<EntryId>,
    /// Up to where the users' stream was.
    sessions: Option<EntryId>,
    seats: BTreeMap<u64, Seat>,
    last_seat: u64,
    is_followed: bool,
    /// Places in pools that streams left behind.
    left: Vec<(UserId, Lease)>,
}

/// The listeners of one instance.
#[derive(Default)]
pub(super) struct Hub(Mutex<Inner>);

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where everything was heard, once somebody has begun.
    pub(super) fn heard(&self) -> Option<EntryId> {
        self.inner().heard
    }

    /// Up to where the users' stream was heard.
    pub(super) fn sessions(&self) -> EntryId {
        self.inner().sessions.unwrap_or(EntryId::START)
    }

    /// Goes on from this place, where what was heard before is gone.
    pub(super) fn begin_again(&self, heard: EntryId) {
        self.inner().heard = Some(heard);
    }

    /// Takes a seat: its number, the place behind which everything will lie there, and whether the caller has to see to it
    /// that somebody reads. `ends` are the ends of both streams, where to begin if nobody has begun.
    pub(super) fn sit(
        &self,
        user_id: UserId,
        session: Option<String>,
        ring: Box<dyn Ring>,
        ends: (EntryId, EntryId),
    ) -> (u64, EntryId, bool) {
        let mut inner = self.inner();
        inner.last_seat += 1;
        let number = inner.last_seat;
        inner.seats.insert(number, Seat { user_id, session, queue: VecDeque::new(), end: None, ring });
        let must_follow = !core::mem::replace(&mut inner.is_followed, true);
        let heard = match inner.heard {
            Some(heard) => heard,
            None => {
                (inner.heard, inner.sessions) = (Some(ends.0), Some(ends.1));
                ends.0
            }
        };
        (number, heard, must_follow)
    }

    /// Leaves a seat, and a place in a pool that somebody else will give back.
    pub(super) fn leave(&self, number: u64, user_id: UserId, lease: Option<Lease>) {
        let mut inner = self.inner();
        inner.seats.remove(&number);
        inner.left.extend(lease.map(|lease| (user_id, lease)));
    }

    /// What lies at a seat, at most so many.
    pub(super) fn serve(&self, number: u64, most: usize) -> Served {
        let mut inner = self.inner();
        let heard = inner.heard.unwrap_or(EntryId::START);
        let Some(seat) = inner.seats.get_mut(&number) else {
            return Served { blocks: Vec::new(), up_to: heard, end: Some(End::Lost) };
        };
        let served: Vec<_> = seat.queue.drain(..seat.queue.len().min(most)).collect();
        let rest = !seat.queue.is_empty();
        // Of what comes behind the end nothing lies here.
        let up_to = match (rest || seat.end.is_some(), served.last()) {
            (false, _) => heard,
            (true, last) => last.map_or(EntryId::START, |last| last.entry),
        };
        // What was heard before the end is told before it, except to whom it is no longer meant for.
        let end = seat.end.filter(|end| !rest || *end == End::SessionOver);
        let blocks = if end == Some(End::SessionOver) { Vec::new() } else { served };
        Served { blocks, up_to, end }
    }

    /// Places that were left behind since the last call.
    pub(super) fn left(&self) -> Vec<(UserId, Lease)> {
        core::mem::take(&mut self.inner().left)
    }

    /// Whether somebody still listens, or a place has to be given back. Where not, the reader leaves, and whoever sits down
    /// next sees to a new one.
    pub(super) fn is_needed(&self) -> bool {
        let mut inner = self.inner();
        let is_needed = !inner.seats.is_empty() || !inner.left.is_empty();
        if !is_needed {
            (inner.is_followed, inner.heard) = (false, None);
        }
        is_needed
    }

    /// Puts entries to the seats that they concern, and wakes them; `last` is the last that was heard. Where an entry that
    /// concerns a seat is not in words yet, nothing is put anywhere, and those are the answer.
    pub(super) fn hear(&self, last: EntryId, heard: &[Heard], words: &BTreeMap<EntryId, Block>) -> Vec<Heard> {
        let mut inner = self.inner();
        let listens = |user_id: UserId| inner.seats.values().any(|seat| seat.user_id == user_id);
        let wordless = heard.iter().filter(|heard| !words.contains_key(&heard.entry) && listens(heard.user_id));
        let wordless: Vec<_> = wordless.cloned().collect();
        if !wordless.is_empty() {
            return wordless;
        }
        for Heard { entry, user_id, .. } in heard {
            let Some(block) = words.get(entry).filter(|block| block.text.is_some()) else { continue };
            for seat in inner.seats.values_mut().filter(|seat| seat.user_id == *user_id && seat.end.is_none()) {
                if seat.queue.len() < MOST_QUEUED {
                    seat.queue.push_back(block.clone());
                } else {
                    seat.end = Some(End::Lagging);
                }
                seat.ring.ring();
            }
        }
        inner.heard = inner.heard.max(Some(last));
        Vec::new()
    }

    /// Ends the streams of sessions that are over.
    pub(super) fn hear_of_sessions(&self, told: &[Told]) {
        let Some(last) = told.last() else { return };
        let over: Vec<_> = told.iter().filter_map(over).collect();
        let mut inner = self.inner();
        for seat in inner.seats.values_mut() {
            let is_over = over.iter().any(|over| match over {
                Over::Session(session) => seat.session.as_ref() == Some(session),
                Over::All(user_id) => seat.user_id == *user_id,
            });
            if is_over {
                seat.end = Some(End::SessionOver);
                seat.ring.ring();
            }
        }
        inner.sessions = inner.sessions.max(Some(last.entry));
    }

    /// Ends every stream, because the log has lost what they were told of; the next ones begin anew.
    pub(super) fn lose(&self) {
        let mut inner = self.inner();
        inner.heard = None;
        for seat in inner.seats.values_mut() {
            seat.end = Some(End::Lost);
            seat.ring.ring();
        }
    }

    /// How many listen.
    #[cfg(test)]
    pub(super) fn seats(&self) -> usize {
        self.inner().seats.len()
    }
}

/// Whom an entry concerns, and what it says; `None` where it says nothing of an inbox, or cannot be read.
pub(super) fn concerned(told: &Told) -> Option<Heard> {
    let envelope = Envelope::from_json(&told.payload).ok()?;
    let news: fn(NotificationSnapshot) -> News = match envelope.kind.as_str() {
        NOTIFICATION_CREATED => News::Created,
        NOTIFICATION_READ => |snapshot| News::Read(snapshot.id),
        NOTIFICATION_ARCHIVED => |snapshot| News::Archived(snapshot.id),
        NOTIFICATION_RESTORED => News::Restored,
        _ => return None,
    };
    let snapshot: NotificationSnapshot = envelope.data_as().ok()?;
    Some(Heard { entry: told.entry, user_id: snapshot.user_id, news: news(snapshot) })
}

/// What has ended.
enum Over {
    /// One session.
    Session(String),
    /// All of a person.
    All(UserId),
}

fn over(told: &Told) -> Option<Over> {
    let envelope = Envelope::from_json(&told.payload).ok()?;
    match envelope.kind.as_str() {
        SESSION_ENDED => Some(Over::Session(envelope.data_as::<SessionSnapshot>().ok()?.id.to_string())),
        SESSIONS_REVOKED => Some(Over::All(envelope.data_as::<SessionsRevoked>().ok()?.user_id)),
        PASSWORD_CHANGED => Some(Over::All(envelope.data_as::<PasswordChanged>().ok()?.user_id)),
        USER_LOCKED | ERASURE_REQUESTED => envelope.subject.parse().ok().map(Over::All),
        _ => None,
    }
}
