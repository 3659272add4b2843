//! The cleaner: bodies that nobody will read again go after a day. What a rebuild needs of them stays, as a page.
//!
//! In turn, for each body: write what its record stood in ([`crate::standing`]), delete the page upon which that was folded, delete
//! the body, take it from the list. Killed anywhere, the next one begins with the same body and finds what was done.

use crate::body::Whole;
use crate::keys::{GIVEN_UP, LOST};
use crate::reading::Head;
use crate::rebuild::Name;
use crate::scripts::GARBAGE;
use crate::{RedisRecords, closed, gone};
use ambient::Timestamp;
use core::time::Duration;
use records::{AccountKey, RecordKey, RecordsError};
use redis_client::{Argument, Repeat};
use uuid::Uuid;

/// How long a body stays after it lost or was replaced: whoever read its head a moment ago may still want it, and a
/// rebuild after a loss follows predecessors.
const GARBAGE_AGE: Duration = Duration::from_secs(24 * 3600);
/// How long the answer to a request is kept (as in commit.lua): so long its body stays, unless its record was erased.
const ONCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many bodies one call deletes at most.
const GARBAGE_BATCH: i64 = 64;

/// A member of the list.
struct Garbage {
    member: String,
    /// The body's name.
    body: String,
    /// The body that is current instead; none where the record never was.
    head: Option<(String, bool)>,
}

/// What the list says.
enum Listed {
    Body(Garbage),
    /// Pages that an account had before its rows were shredded.
    Pages {
        member: String,
        account: AccountKey,
        generation: u64,
        paged: u64,
    },
}

impl RedisRecords {
    /// Deletes bodies that have been garbage for a day, at most 64 a call; tells how many. Safe to run twice, at once,
    /// and to kill anywhere.
    ///
    /// # Errors
    /// [`RecordsError::Unavailable`], and [`RecordsError::Corrupt`] for a body that cannot be read: it stays.
    pub async fn sweep(&self) -> Result<u32, RecordsError> {
        let garbage = self.keys.of("garbage");
        let age_ms = i64::try_from(GARBAGE_AGE.as_millis()).unwrap_or(i64::MAX);
        let arguments = [garbage.as_str().into(), self.keys.prefix().into(), GARBAGE_BATCH.into(), age_ms.into()];
        let found = self.script(&GARBAGE, 1, &arguments, |fields| self.listed(fields)).await?;
        let (mut done, mut failure) = (Vec::new(), None);
        // One after the other: a record's bodies build upon each other.
        for listed in found {
            let (member, deleted) = match listed {
                Listed::Body(garbage) => {
                    let deleted = self.delete_garbage(&garbage).await;
                    (garbage.member, deleted)
                }
                Listed::Pages { member, account, generation, paged } => {
                    let keys = self.keys.of_trail();
                    (member, self.delete_older_pages(&keys, &account, generation, paged).await.map(|()| true))
                }
            };
            match deleted {
                Ok(true) => done.push(member),
                Ok(false) => {}
                // It must not keep the others from being cleaned.
                Err(error @ RecordsError::Corrupt { .. }) => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        let count = u32::try_from(done.len()).unwrap_or(u32::MAX);
        if !done.is_empty() {
            let mut arguments: Vec<Argument> = vec![garbage.into()];
            arguments.extend(done.into_iter().map(Argument::from));
            self.redis.execute("ZREM", arguments, Repeat::Safe).await.map_err(gone)?;
        }
        failure.map_or(Ok(count), Err)
    }

    /// Reads the answer of `garbage.lua`.
    fn listed(&self, fields: &[&str]) -> Option<Vec<Listed>> {
        let (pairs, _) = fields.as_chunks::<2>();
        let listed = |[member, head]: &[&str; 2]| {
            if let Name::Generation(_, account, generation) = Name::read(member, &self.keys) {
                return Some(Listed::Pages {
                    member: (*member).to_owned(),
                    account,
                    generation,
                    paged: head.parse().ok()?,
                });
            }
            let body = member.strip_suffix(LOST).or_else(|| member.strip_suffix(GIVEN_UP)).unwrap_or(member);
            let (record, _) = body.rsplit_once(':')?;
            let key = record.strip_prefix(self.keys.context())?.strip_prefix(':')?;
            let head = match Head::parse(head) {
                Some(head_of) => {
                    let name = self.keys.body(&RecordKey::new(key).ok()?, head_of.version, head_of.uuid);
                    Some((name, head.ends_with(" x")))
                }
                None => None,
            };
            Some(Listed::Body(Garbage { member: (*member).to_owned(), body: body.to_owned(), head }))
        };
        pairs.iter().map(listed).collect()
    }

    /// Deletes one body; `false` where it stays for now.
    async fn delete_garbage(&self, Garbage { member, body, head }: &Garbage) -> Result<bool, RecordsError> {
        if member.ends_with(LOST) {
            self.bodies.delete(body).await.map_err(closed)?;
            self.bodies.delete(member).await.map_err(closed)?;
            return Ok(true);
        }
        let Some(whole) = self.read_whole(body).await? else { return Ok(true) };
        let is_given_up = member.ends_with(GIVEN_UP);
        let is_erased = head.as_ref().is_some_and(|(_, tombstone)| *tombstone);
        let is_answer = whole.change.once.as_ref().is_some_and(|once| once.answer.is_some());
        let head = match head {
            Some((name, _)) => self.read_whole(name).await?,
            None => None,
        };
        if is_answer && !is_given_up && !is_erased && self.is_asked_for(body) {
            // The page also says that this body was no orphan.
            self.keep_standing(body, head.as_ref(), true).await?;
            self.put_off(member, body).await?;
            return Ok(false);
        }
        // A history that is kept has gaps where what came after was not to be kept. A body that nobody names any more must
        // not be taken for one that never was a state: its page says that it was.
        if let Some(previous) = whole.previous.as_deref().filter(|_| !is_given_up)
            && self.bodies.get(previous).await.map_err(closed)?.is_some()
        {
            self.keep_standing(previous, head.as_ref(), true).await?;
        }
        // Bodies that came after one which was put off may be gone already; of a history that is given up, one page is
        // enough for the whole. So those get the page of the last body that was replaced.
        let is_late = is_given_up || is_answer;
        let last = head.as_ref().filter(|_| is_late).and_then(|head| head.previous.as_deref()).unwrap_or(body);
        self.keep_standing(last, head.as_ref(), is_late).await?;
        if last != body {
            self.bodies.delete(&self.keys.standing(body)).await.map_err(closed)?;
        }
        self.bodies.delete(body).await.map_err(closed)?;
        Ok(true)
    }

    /// Writes the page of a body unless it is there, and deletes the one upon which it was folded.
    async fn keep_standing(&self, body: &str, head: Option<&Whole>, even_empty: bool) -> Result<(), RecordsError> {
        let (mut standing, base) = self.standing_after(body).await?;
        if base.as_deref() != Some(body) {
            if let Some(head) = head {
                standing.leave_to(head);
            }
            if even_empty || !standing.is_empty() {
                self.write_standing(body, &standing).await?;
            }
        }
        match base {
            // One whose body is still there speaks for that.
            Some(base) if base != body && self.bodies.get(&base).await.map_err(closed)?.is_none() => {
                self.bodies.delete(&self.keys.standing(&base)).await.map_err(closed)
            }
            _ => Ok(()),
        }
    }

    /// Whether the answer that a body holds may still be asked for.
    fn is_asked_for(&self, body: &str) -> bool {
        written_at(body).is_some_and(|written| self.clock.now() < written.plus(ONCE_KEPT))
    }

    /// Puts a body off until its answer is not asked for any more.
    async fn put_off(&self, member: &str, body: &str) -> Result<(), RecordsError> {
        let until = written_at(body).map_or_else(|| self.clock.now(), |written| written.plus(ONCE_KEPT));
        // The list counts a day from this moment on.
        let score = until.unix_ms().saturating_sub(i64::try_from(GARBAGE_AGE.as_millis()).unwrap_or(0));
        let arguments = vec![self.keys.of("garbage").into(), "XX".into(), score.to_string().into(), member.into()];
        self.redis.execute("ZADD", arguments, Repeat::Safe).await.map_err(gone)?;
        Ok(())
    }
}

/// When a body was written: its name ends with a UUID of version 7.
pub(crate) fn written_at(body: &str) -> Option<Timestamp> {
    let uuid: Uuid = body.get(body.len().checked_sub(36)?..)?.parse().ok()?;
    Some(Timestamp::from_unix_ms(made_at_ms(uuid)?))
}

/// When a UUID of version 7 was made, in milliseconds since 1970.
pub(crate) fn made_at_ms(uuid: Uuid) -> Option<i64> {
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    i64::try_from(seconds).ok()?.checked_mul(1000)?.checked_add(i64::from(nanos) / 1_000_000)
}
