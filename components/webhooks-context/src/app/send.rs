//! Messages go to their endpoints: what is due, several endpoints at once, each on its own.
//!
//! The timer of a queue is the lease of its endpoint: one pass at a time sends there, in whatever instance. A pass takes a
//! few messages side by side, notes each try before it is made and settles it after. Passes share nothing, so that an
//! endpoint that hangs holds up its own messages alone; and a pass that takes longer than [`FRESH`] gives its place to the
//! next, so that many of them hold up nobody either. An endpoint that has kept somebody waiting is asked in the slow lane:
//! one request at a time, its passes begun at the beginning of a visit only, so that a visit has an end.

use super::arm::{arm, arm_afresh};
use super::disable::disable;
use super::recover::go_on_recovering;
use super::step::{Step, step};
use super::store::{TRIES, load_endpoint, load_message, load_queue, message_change, queue_change};
use super::tidy_up::{clear, expire};
use crate::Webhooks;
use crate::courier::{Courier, Parcel};
use crate::domain::{Begun, Ending, Endpoint, Lane, MessageState, Queue, Rate, ReceiverUrl, SLOW_AFTER, signatures};
use crate::keys::{self, Named};
use ambient::{Sleep, Timestamp};
use core::pin::Pin;
use core::time::Duration;
use futures::future::{Either, join_all, select, try_join};
use futures::stream::{FuturesUnordered, StreamExt};
use records::{DueTimer, IndexEntry, Meta, RecordsError, Version};
use std::pin::pin;
use std::sync::Arc;
use webhooks_wire::{DisabledReason, EndpointId, MessageId};

/// How many messages of one endpoint are under way at once.
const WIDTH: usize = 4;
/// How many messages one pass takes before other endpoints get their turn.
const PASS: usize = 64;
/// How long a pass begins tries.
const PASS_BUDGET: Duration = Duration::from_secs(8);
/// How long a claimed timer is ours: longer than a pass and the try that it began last.
const LEASE: Duration = Duration::from_secs(45);
/// How many passes are under way at once that have not taken longer than [`FRESH`].
const QUICK_AT_ONCE: usize = 64;
/// How many passes are under way at once in the slow lane.
const SLOW_AT_ONCE: usize = 32;
/// How many passes are under way at once, whatever they are.
const MOST_AT_ONCE: usize = 256;
/// After how long a pass no longer counts among the quick ones.
const FRESH: Duration = Duration::from_secs(3);
/// How long a visit goes on taking what is due.
const VISIT: Duration = Duration::from_secs(25);
/// How long it begins passes in the slow lane.
const SLOW_START: Duration = Duration::from_secs(2);
/// How often it looks for what has become due.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many timers it takes at a time.
const CLAIM: u32 = 32;

/// Hands messages to their endpoints.
#[derive(Clone)]
pub struct Sender {
    /// Where everything lies.
    pub webhooks: Webhooks,
    /// Who carries.
    pub courier: Arc<dyn Courier>,
    /// Waiting.
    pub sleep: Arc<dyn Sleep>,
    /// Who acts: the worker's name.
    pub actor: &'static str,
}

/// One try, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryReport {
    /// Which message.
    pub message: MessageId,
    /// The trace of what caused it.
    pub trace: String,
    /// How it ended.
    pub ending: Ending,
    /// How long it took.
    pub took: Duration,
    /// Where the message is now.
    pub state: MessageState,
    /// When it is tried next.
    pub next: Option<Timestamp>,
}

/// What one timer came to, for the log.
#[derive(Debug)]
pub struct PassReport {
    /// The timer and its record.
    pub timer: String,
    /// The tries.
    pub tries: Vec<TryReport>,
    /// Why nothing more is sent there, where that was decided.
    pub disabled: Option<DisabledReason>,
    /// What stopped it; the timer comes back.
    pub error: Option<RecordsError>,
}

/// Hears what each timer came to.
pub trait Report: Send + Sync {
    /// One timer is done with.
    fn tell(&self, pass: &PassReport);
}

impl<F: Fn(&PassReport) + Send + Sync> Report for F {
    fn tell(&self, pass: &PassReport) {
        self(pass);
    }
}

type Work<'a> = Pin<Box<dyn Future<Output = (u64, PassReport)> + Send + 'a>>;

/// The bounds of one visit.
#[derive(Debug, Clone, Copy)]
struct Visit {
    begun: Timestamp,
    /// Until when it takes what is due.
    until: Timestamp,
    /// After when nothing is begun any more, not even a try of a pass that was.
    end: Option<Timestamp>,
}

/// What is under way in a visit.
#[derive(Default)]
struct Road {
    begun: u64,
    /// Number, beginning and lane of each.
    under_way: Vec<(u64, Timestamp, Lane)>,
}

impl Road {
    fn enter(&mut self, now: Timestamp, lane: Lane) -> u64 {
        self.begun = self.begun.saturating_add(1);
        self.under_way.push((self.begun, now, lane));
        self.begun
    }

    fn leave(&mut self, number: u64) {
        self.under_way.retain(|(known, ..)| *known != number);
    }

    /// Whether another quick pass has room.
    fn has_room(&self, now: Timestamp) -> bool {
        let fresh = self.under_way.iter().filter(|(_, begun, lane)| *lane == Lane::Quick && now.since(*begun) < FRESH);
        self.under_way.len() < MOST_AT_ONCE && fresh.count() < QUICK_AT_ONCE
    }

    fn slow(&self) -> usize {
        self.under_way.iter().filter(|(.., lane)| *lane == Lane::Slow).count()
    }
}

impl Sender {
    /// Does what is due until nothing is, and waits for what is under way. Goes on taking what becomes due meanwhile; where
    /// there is an `end`, nothing is begun after it.
    ///
    /// # Errors
    /// The store's, when it cannot even say what is due and nothing is under way.
    pub async fn send_due(&self, report: &dyn Report, end: Option<Timestamp>) -> Result<(), RecordsError> {
        let begun = self.now();
        let until = begun.plus(VISIT);
        let visit = Visit { begun, until: end.map_or(until, |end| end.min(until)), end };
        let mut road = Road::default();
        let mut tasks: FuturesUnordered<Work<'_>> = FuturesUnordered::new();
        loop {
            let now = self.now();
            let (mut claimed, mut room) = (0, false);
            if now < visit.until && road.has_room(now) {
                room = true;
                match self.webhooks.records.claim_timers(CLAIM, LEASE).await {
                    Ok(due) => {
                        claimed = due.len();
                        for timer in due {
                            self.take(timer, visit, &mut road, &tasks);
                        }
                    }
                    // What is under way is finished; the rest comes back.
                    Err(error) if tasks.is_empty() => return Err(error),
                    Err(_) => room = false,
                }
            }
            if tasks.is_empty() {
                if claimed == 0 || !room {
                    return Ok(());
                }
                continue;
            }
            // Where there was more than one claim takes, there may be more still.
            if claimed == CLAIM as usize {
                continue;
            }
            match select(tasks.next(), pin!(self.sleep.sleep(LOOK_EVERY))).await {
                Either::Left((Some((number, done)), _)) => {
                    road.leave(number);
                    report.tell(&done);
                }
                Either::Left((None, _)) | Either::Right(_) => {}
            }
        }
    }

    /// Begins what a timer calls for; a pass of the slow lane only where it has room.
    fn take<'a>(&'a self, timer: DueTimer, visit: Visit, road: &mut Road, tasks: &FuturesUnordered<Work<'a>>) {
        let now = self.now();
        let lane = if timer.name == keys::SEND_SLOWLY { Lane::Slow } else { Lane::Quick };
        if lane == Lane::Slow && (road.slow() >= SLOW_AT_ONCE || now > visit.begun.plus(SLOW_START)) {
            // Its lease runs out, and it comes back.
            return;
        }
        let number = road.enter(now, lane);
        tasks.push(Box::pin(async move { (number, self.work(timer, visit.end).await) }));
    }

    async fn work(&self, timer: DueTimer, end: Option<Timestamp>) -> PassReport {
        let name = format!("{}@{}", timer.name, timer.key);
        let mut report = PassReport { timer: name, tries: Vec::new(), disabled: None, error: None };
        let meta = self.meta(&mut [0; 16]);
        let records = &*self.webhooks.records;
        let done = match (timer.name.as_str(), keys::named(&timer.key)) {
            (keys::SEND | keys::SEND_SLOWLY, Some(Named::Queue(id))) => self.pass(id, end, &meta, &mut report).await,
            (keys::WAKE, Some(Named::Endpoint(id))) => match arm_afresh(records, id, &meta).await {
                Ok(()) => records.finish_timer(&timer).await,
                Err(error) => Err(error),
            },
            (keys::WAKE, Some(Named::Message(id, _))) => match arm(records, id, meta.at, &meta).await {
                Ok(()) => records.finish_timer(&timer).await,
                Err(error) => Err(error),
            },
            (keys::EXPIRE, Some(Named::Message(..))) => expire(&self.webhooks, &timer, &meta).await,
            (keys::CLEAR, Some(Named::Endpoint(id))) => clear(&self.webhooks, &timer, id, &meta).await,
            (keys::RECOVER, Some(Named::Recovery(_))) => go_on_recovering(&self.webhooks, &timer, &meta).await,
            // Of another version of this worker.
            _ => Ok(()),
        };
        report.error = done.err();
        report
    }

    /// Sends what is due at one endpoint, within bounds, and has the queue's timer ring for the rest.
    async fn pass(
        &self,
        id: EndpointId,
        end: Option<Timestamp>,
        meta: &Meta,
        report: &mut PassReport,
    ) -> Result<(), RecordsError> {
        let records = &*self.webhooks.records;
        let (endpoint, (version, mut queue)) =
            try_join(load_endpoint(&self.webhooks, id), load_queue(records, id)).await?;
        let Some((_, endpoint)) = endpoint.filter(|(_, endpoint)| endpoint.is_enabled()) else {
            return self.leave(queue, version, None, meta).await;
        };
        let until = self.now().plus(PASS_BUDGET);
        let until = end.map_or(until, |end| end.min(until));
        let mut rate = endpoint.rate_per_s.map(|per_s| Rate::resumed(per_s, queue.paid_until_us));
        // When somebody looks next, and whether that is because nothing else is due before then.
        let (next, seen_all) = loop {
            let now = self.now();
            if now >= until || report.tries.len() >= PASS {
                break (Some(now), false);
            }
            let one_by_one = endpoint.ordered || queue.lane == Lane::Slow;
            let width = if one_by_one { 1 } else { WIDTH };
            let (mut batch, mut next) = self.due(&endpoint, width, now).await?;
            let mut seen_all = true;
            if let Some(rate) = &mut rate {
                for place in 0..batch.len() {
                    if let Err(wait) = rate.take(now) {
                        batch.truncate(place);
                        (next, seen_all) = (Some(now.plus(wait)), false);
                        break;
                    }
                }
            }
            if batch.is_empty() {
                break (next, seen_all);
            }
            let tried = join_all(batch.into_iter().map(|message| self.attempt(&endpoint, message, meta))).await;
            let mut stopped = None;
            for outcome in tried {
                match outcome {
                    Ok(Some(tried)) => {
                        self.judge(&mut queue, &tried, &mut report.disabled);
                        report.tries.push(tried);
                    }
                    // Somebody else moved it on, or took it away.
                    Ok(None) => {}
                    Err(error) => stopped = Some(error),
                }
            }
            if let Some(error) = stopped {
                // What was settled stays so; the lease runs out, and somebody goes on.
                return Err(error);
            }
            if let Some(reason) = report.disabled {
                let since = queue.failing_since.filter(|_| reason == DisabledReason::Failing);
                disable(&self.webhooks, id, reason, since, meta).await?;
                break (None, false);
            }
        };
        if let Some(rate) = &rate {
            queue.paid_until_us = rate.paid_until_us();
        }
        self.leave(queue, version, next, meta).await?;
        // Whoever put something in while we were leaving took the queue for armed.
        if seen_all {
            let now = self.now();
            let (batch, later) = self.due(&endpoint, 1, now).await?;
            let first = if batch.is_empty() { later } else { Some(now) };
            if let Some(first) = first.filter(|first| next.is_none_or(|next| *first < next)) {
                arm(records, id, first, meta).await?;
            }
        }
        Ok(())
    }

    /// What is due at an endpoint, at most `width` messages, and otherwise when the first one is.
    async fn due(
        &self,
        endpoint: &Endpoint,
        width: usize,
        now: Timestamp,
    ) -> Result<(Vec<MessageId>, Option<Timestamp>), RecordsError> {
        let index = if endpoint.ordered { keys::line(endpoint.id)? } else { keys::due(endpoint.id)? };
        let limit = if endpoint.ordered { 1 } else { u32::try_from(width).unwrap_or(1) };
        let page = self.webhooks.records.list(&index, None, limit).await?;
        let (mut batch, mut next) = (Vec::new(), None);
        for entry in &page.entries {
            let (message, due) = waiting(entry)?;
            if due <= now {
                batch.push(message);
            } else if next.is_none() {
                next = Some(due);
            }
        }
        Ok((batch, next))
    }

    /// One try: noted before it is made, settled after.
    async fn attempt(
        &self,
        endpoint: &Endpoint,
        id: MessageId,
        meta: &Meta,
    ) -> Result<Option<TryReport>, RecordsError> {
        let records = &*self.webhooks.records;
        let Some((version, before)) = load_message(records, endpoint.id, id).await? else { return Ok(None) };
        let now = self.now();
        let meta = |at| Meta { at, trace: before.trace.clone(), ..meta.clone() };
        let begun = match before.begin(&endpoint.url, now) {
            Begun::Try(begun) => begun,
            Begun::GivenUp(given_up) => {
                step(records.commit(message_change(Some(&before), &given_up, Some(version), meta(now))?).await?)?;
                return Ok(None);
            }
            Begun::Ended => return Ok(None),
        };
        let noted = step(records.commit(message_change(Some(&before), &begun, Some(version), meta(now))?).await?)?;
        let Step::Committed(version) = noted else { return Ok(None) };
        let ending = match ReceiverUrl::parse(&endpoint.url, &self.webhooks.opened) {
            Ok(url) => {
                let name = id.to_string();
                let signature = signatures(endpoint.secrets.signing(now), &name, now, &begun.body);
                let parcel = Parcel { url: url.as_str(), id: &name, at: now, signature: &signature, body: &begun.body };
                self.courier.deliver(&parcel).await
            }
            Err(why) => Ending::Failed { why: "refused_url", detail: why.to_string() },
        };
        let mut draw = [0; 4];
        self.webhooks.random.fill(&mut draw);
        let now = self.now();
        let settled = begun.settle(ending, now, u32::from_le_bytes(draw));
        let change = message_change(Some(&begun), &settled.message, Some(version), meta(now))?;
        step(records.commit(change).await?)?;
        let last = settled.message.log.last();
        Ok(Some(TryReport {
            message: id,
            trace: settled.message.trace.clone(),
            ending: last.map_or(Ending::Open, |last| last.ending.clone()),
            took: last.and_then(|last| last.took).unwrap_or_default(),
            state: settled.message.state,
            next: settled.message.due,
        }))
    }

    /// What a try says of its endpoint.
    fn judge(&self, queue: &mut Queue, tried: &TryReport, disabled: &mut Option<DisabledReason>) {
        let now = self.now();
        // Who refuses at once, by an answer or a closed door, keeps nobody waiting.
        queue.note(tried.ending.is_success(), tried.took < SLOW_AFTER, now);
        if tried.ending.is_gone() {
            *disabled = Some(DisabledReason::Gone);
        } else if queue.given_up(now).is_some() && disabled.is_none() {
            *disabled = Some(DisabledReason::Failing);
        }
    }

    /// Leaves a queue: what was learnt, and when somebody looks next.
    async fn leave(
        &self,
        queue: Queue,
        version: Option<Version>,
        next: Option<Timestamp>,
        meta: &Meta,
    ) -> Result<(), RecordsError> {
        let records = &*self.webhooks.records;
        let now = self.now();
        let meta = Meta { at: now, ..meta.clone() };
        let (left, ring) = queue.looked_at(next, now);
        let mut outcome = step(records.commit(queue_change(&left, version, ring, meta.clone())?).await?)?;
        for _ in 0..TRIES {
            let Step::Conflict = outcome else { return Ok(()) };
            // Somebody armed it meanwhile: what was learnt is kept, and somebody looks now.
            let (version, _) = load_queue(records, queue.endpoint).await?;
            let armed = left.armed(now);
            outcome = step(records.commit(queue_change(&armed, version, Some(now), meta.clone())?).await?)?;
        }
        Err(RecordsError::Unavailable("the queue changes again and again".to_owned()))
    }

    fn now(&self) -> Timestamp {
        self.webhooks.clock.now()
    }

    fn meta(&self, trace: &mut [u8; 16]) -> Meta {
        self.webhooks.random.fill(trace);
        let trace = trace.iter().map(|byte| format!("{byte:02x}")).collect();
        Meta { at: self.now(), trace, cause: None, actor: Some(self.actor.to_owned()) }
    }
}

/// The message of an entry of `due` or `line`, and when it is due.
fn waiting(entry: &IndexEntry) -> Result<(MessageId, Timestamp), RecordsError> {
    let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
    let Some(Named::Message(_, id)) = keys::named(&entry.key) else { return Err(corrupt()) };
    let due_ms = entry.summary.parse().map_err(|_| corrupt())?;
    Ok((id, Timestamp::from_unix_ms(due_ms)))
}
