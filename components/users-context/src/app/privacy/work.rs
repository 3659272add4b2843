//! This service's own part of an erasure, the second look, and the end of exports: what the worker does by timer.

use super::store::{
    ERASE, EXPIRE_EXPORT, erasure_change, erasure_id, export_key, export_owner, is_erased, load_erasure, load_export,
    page_drawer,
};
use crate::app::ATTEMPTS;
use crate::domain::Erasure;
use crate::state::{Written, commit, indexed, keys_of, load, login_key, sessions_of, trail_account};
use crate::wire::body::LoginBody;
use crate::wire::event;
use ambient::{Clock, Timestamp};
use core::time::Duration;
use ids::{ErasureId, UserId};
use privacy::{Drawer, Erased, ErasurePart, Kept, Left, SECOND_LOOK_AFTER_S, Service, sweep};
use records::{Change, Content, DueTimer, Meta, OwnTrail, Records, RecordsError, TimerStep};
use std::sync::Arc;

/// How many timers are claimed at once.
const BATCH: u32 = 8;
/// How long a claimed timer is ours.
const LEASE: Duration = Duration::from_secs(30);
/// How long an erasure that was never confirmed is looked at: longer than a writer may sleep and still commit.
const UNCONFIRMED_FOR: Duration = Duration::from_secs(2 * 3600);
/// How often.
const UNCONFIRMED_EVERY: Duration = Duration::from_secs(600);

/// What the worker does.
#[derive(Clone)]
pub struct PrivacyWork {
    records: Arc<dyn Records>,
    trail: Arc<dyn OwnTrail>,
    clock: Arc<dyn Clock>,
    actor: &'static str,
}

/// What one pulse did.
#[derive(Debug, Default)]
pub struct PrivacyReport {
    /// How many timers were brought to an end.
    pub finished: u32,
    /// Those that come back.
    pub unfinished: Vec<UnfinishedWork>,
}

/// A timer that comes back, for the log.
#[derive(Debug)]
pub struct UnfinishedWork {
    /// Of which record.
    pub record: String,
    /// Why.
    pub error: RecordsError,
}

impl PrivacyWork {
    /// Work on these records and their audit trail, by this component.
    pub fn new(
        records: Arc<dyn Records>,
        trail: Arc<dyn OwnTrail>,
        clock: Arc<dyn Clock>,
        actor: &'static str,
    ) -> Self {
        Self { records, trail, clock, actor }
    }

    /// Works off what is due, until nothing is or, where there is an `end`, until then.
    ///
    /// # Errors
    /// The store's, when it cannot even say what is due; single failures are answered.
    pub async fn on_pulse(&self, trace: &str, end: Option<Timestamp>) -> Result<PrivacyReport, RecordsError> {
        let mut report = PrivacyReport::default();
        loop {
            let due = self.records.claim_timers(BATCH, LEASE).await?;
            for timer in &due {
                match self.attend(timer, trace).await {
                    Ok(()) => {
                        self.records.finish_timer(timer).await?;
                        report.finished = report.finished.saturating_add(1);
                    }
                    Err(error) => report.unfinished.push(UnfinishedWork { record: timer.key.to_string(), error }),
                }
            }
            if due.len() < BATCH as usize || end.is_some_and(|end| self.clock.now() >= end) {
                return Ok(report);
            }
        }
    }

    async fn attend(&self, timer: &DueTimer, trace: &str) -> Result<(), RecordsError> {
        match timer.name.as_str() {
            ERASE => match erasure_id(&timer.key) {
                Some(id) => self.look(id, trace).await,
                None => Ok(()),
            },
            EXPIRE_EXPORT => match export_owner(&timer.key) {
                Some(user) => self.end_export(user, trace).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Takes away what this service has of an erased person, and notes it in the receipt; does nothing while the account
    /// is there. Every step may be repeated.
    pub(super) async fn look(&self, id: ErasureId, trace: &str) -> Result<(), RecordsError> {
        let records = &*self.records;
        let Some((version, erasure)) = load_erasure(records, id).await? else { return Ok(()) };
        let now = self.clock.now();
        if !is_erased(records, erasure.user).await? {
            return self.wait_for_confirmation(&erasure, version, now, trace).await;
        }
        let meta = self.meta(trace);
        self.empty(&session_drawer(erasure.user)?, &meta).await?;
        self.empty(&api_key_drawer(erasure.user)?, &meta).await?;
        for name in &erasure.login_names {
            self.give_up(name, erasure.user, &meta).await?;
        }
        self.end_export(erasure.user, trace).await?;
        self.trail.shred(&trail_account(&erasure.user.to_string())?).await?;
        let second = now.since(erasure.requested_at) >= Duration::from_secs(SECOND_LOOK_AFTER_S);
        self.note(id, second, trace).await
    }

    async fn empty(&self, drawer: &Drawer, meta: &Meta) -> Result<(), RecordsError> {
        match sweep(&*self.records, drawer, meta, &|_, _, change| Ok(change)).await? {
            Left::Nothing => Ok(()),
            Left::More => Err(RecordsError::Unavailable("there is more than fits into one look".to_owned())),
        }
    }

    /// Gives an address up, if the account has it.
    async fn give_up(&self, name: &str, user: UserId, meta: &Meta) -> Result<(), RecordsError> {
        for _ in 0..ATTEMPTS {
            let found = load::<LoginBody>(&*self.records, &login_key(name)?).await?;
            let Some((version, Some(body))) = found else { return Ok(()) };
            if body.user_id != user {
                return Ok(());
            }
            let change = Change::new(login_key(name)?, Some(version), Content::Tombstone, meta.clone());
            if commit(&*self.records, change).await? == Written::Committed {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Deletes a person's export, with all pages that there are; twice is as good as once.
    async fn end_export(&self, user: UserId, trace: &str) -> Result<(), RecordsError> {
        let meta = self.meta(trace);
        for _ in 0..ATTEMPTS {
            // The export first: a page that comes later finds none and takes itself away.
            let open = match load_export(&*self.records, user).await? {
                Some((version, Some(export))) => {
                    let erased = is_erased(&*self.records, user).await?;
                    if export.is_kept(self.clock.now()) && !erased {
                        return Ok(());
                    }
                    Some(version)
                }
                Some((_, None)) | None => None,
            };
            if let Some(version) = open {
                let change = Change::new(export_key(user)?, Some(version), Content::Tombstone, meta.clone())
                    .with_timer(TimerStep::Clear { name: EXPIRE_EXPORT });
                if commit(&*self.records, change).await? == Written::Conflict {
                    continue;
                }
            }
            return self.empty(&page_drawer(user)?, &meta).await;
        }
        Err(contended())
    }

    /// Hands this service's part in; the second look is told to the others by the same commit.
    async fn note(&self, id: ErasureId, second: bool, trace: &str) -> Result<(), RecordsError> {
        for _ in 0..ATTEMPTS {
            let Some((version, erasure)) = load_erasure(&*self.records, id).await? else { return Ok(()) };
            if erasure.part(Service::Users).is_some_and(|part| part.look == 2) {
                return Ok(());
            }
            let part = self.part(&erasure, if second { 2 } else { 1 }).await?;
            let again = erasure.requested_at.plus(Duration::from_secs(SECOND_LOOK_AFTER_S));
            let told = second.then(|| event::user_erased(&erasure)).transpose()?;
            let next = Erasure { login_names: Vec::new(), ..erasure };
            let Some(next) = next.clone().with_part(Service::Users, part) else { return Ok(()) };
            let mut change = erasure_change(&next, Some(version), self.meta(trace))?;
            change = match told {
                Some(told) => change.with_event(told).with_timer(TimerStep::Clear { name: ERASE }),
                None => change.with_timer(TimerStep::Set { name: ERASE, due: again }),
            };
            if commit(&*self.records, change).await? == Written::Committed {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn part(&self, erasure: &Erasure, look: u8) -> Result<ErasurePart, RecordsError> {
        let user = erasure.user;
        let drawers = [session_drawer(user)?.emptied, api_key_drawer(user)?.emptied, page_drawer(user)?.emptied];
        let counts = self.records.counts(&drawers).await?;
        let erased = |what: &str, count: u64| Erased { what: what.to_owned(), count };
        let kept = |what: &str, count, why: &str| Kept { what: what.to_owned(), count, why: why.to_owned() };
        let mut counts = counts.into_iter();
        Ok(ErasurePart {
            look,
            at: self.clock.now(),
            erased: vec![
                erased("account", 1),
                erased("key_of_sealed_event_data", 1),
                erased("sessions", counts.next().unwrap_or_default()),
                erased("api_keys", counts.next().unwrap_or_default()),
                erased("export_pages", counts.next().unwrap_or_default()),
            ],
            kept: vec![
                kept("account_name", Some(1), "a random name without the person, so that it is never given out again"),
                kept(
                    "replaced_records",
                    None,
                    "what the records were before is deleted by the cleaner 24 hours after this",
                ),
                kept("events", None, "sealed: their key was deleted with the account; nobody can open them"),
                kept("audit_trail", None, "what was done to the account and when; from where and with what is deleted"),
                kept("receipt", Some(1), "what was done for this request; nothing in it says whose it was"),
            ],
            waiting: Vec::new(),
        })
    }

    /// The request died before its point of no return, or is still on its way to it.
    async fn wait_for_confirmation(
        &self,
        erasure: &Erasure,
        version: records::Version,
        now: Timestamp,
        trace: &str,
    ) -> Result<(), RecordsError> {
        if now.since(erasure.requested_at) >= UNCONFIRMED_FOR {
            return Ok(());
        }
        let change = erasure_change(erasure, Some(version), self.meta(trace))?
            .with_timer(TimerStep::Set { name: ERASE, due: now.plus(UNCONFIRMED_EVERY) });
        // Where somebody else was faster, the request goes on.
        commit(&*self.records, change).await.map(|_| ())
    }

    fn meta(&self, trace: &str) -> Meta {
        Meta { at: self.clock.now(), trace: trace.to_owned(), cause: None, actor: Some(self.actor.to_owned()) }
    }
}

fn session_drawer(user: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: sessions_of(user)?, emptied: indexed(format!("erased-sessions-of:{user}"))? })
}

fn api_key_drawer(user: UserId) -> Result<Drawer, RecordsError> {
    Ok(Drawer { full: keys_of(user)?, emptied: indexed(format!("erased-keys-of:{user}"))? })
}

fn contended() -> RecordsError {
    RecordsError::Unavailable("the record changes again and again".to_owned())
}
