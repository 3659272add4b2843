//! `PUT /v1/reconciliations/{id}/chunks/{number}`: part of a settlement, up to sixty lines a commit.

use super::marks::{Known, Marks};
use super::store::{self, Held};
use super::{BATCH, Clerk, MOST_CURRENCIES, TRIES, in_time};
use crate::Payments;
use crate::app::operator::{LedgerError, Noted, commit};
use crate::app::{Reply, store as payment_store};
use crate::domain::{Difference, SettledLine, compare, fee_legs};
use crate::wire::{
    BegunChunk, Columns, ReconciliationStatus, StoredDifference, StoredReconciliation, lines_of, shows_card_number,
};
use csv::StringRecord;
use futures::future::try_join_all;
use money::Currency;
use records::{IndexStep, Posting};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

/// How many differences are written side by side.
pub(super) const AT_ONCE: usize = 16;

/// Takes a chunk in, as far as there is time: 202 where the same chunk has to be sent again to go on.
///
/// # Errors
/// [`LedgerError::NotFound`]; [`LedgerError::ReconciliationState`] where it takes none, or another is next;
/// [`LedgerError::ChunkDiffers`] where another text was sent under this number; [`LedgerError::CardNumber`];
/// [`LedgerError::Invalid`] for a heading that is none; those of every change.
pub async fn take_chunk(
    payments: &Payments,
    clerk: &Clerk,
    id: &str,
    number: &str,
    csv: &str,
) -> Result<Reply, LedgerError> {
    let number = number.parse::<u64>().ok().filter(|found| *found > 0 && found.to_string() == number);
    let number = number.ok_or(LedgerError::NotFound)?;
    let lines = lines_of(csv);
    if lines.iter().any(shows_card_number) {
        return Err(LedgerError::CardNumber);
    }
    let digest: String = Sha256::digest(csv.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut marks = Marks::default();
    let mut overtaken = 0;
    loop {
        let held = store::load(payments, id).await?.ok_or(LedgerError::NotFound)?;
        if let Some(reply) = taken_before(payments, &held.stored, number, &digest).await? {
            return Ok(reply);
        }
        if !in_time(payments, &clerk.scope) {
            return store::unfinished(payments, &held.stored).await;
        }
        if !take_batch(payments, clerk, held, &lines, &digest, &mut marks).await? {
            overtaken += 1;
            if overtaken == TRIES {
                return Err(LedgerError::Contended);
            }
        }
    }
}

/// The answer where this chunk is in; a refusal where it cannot be the next.
async fn taken_before(
    payments: &Payments,
    head: &StoredReconciliation,
    number: u64,
    digest: &str,
) -> Result<Option<Reply>, LedgerError> {
    if number < head.next_chunk {
        let place = store::chunk_place(number);
        let known = payments.records.entries_at(&store::chunks(head.id)?, &[place]).await?;
        if known.iter().flatten().any(|entry| entry.summary != digest) {
            return Err(LedgerError::ChunkDiffers);
        }
        return Ok(Some(Reply::first(store::shown_answer(payments, head, 200).await?)));
    }
    if head.status != ReconciliationStatus::Open || number > head.next_chunk {
        return Err(store::not_now(head));
    }
    match &head.begun {
        Some(begun) if begun.digest != digest => Err(LedgerError::ChunkDiffers),
        _ => Ok(None),
    }
}

/// Takes in the next lines of the chunk; `false` where somebody else was faster.
async fn take_batch(
    payments: &Payments,
    clerk: &Clerk,
    held: Held<StoredReconciliation>,
    lines: &[StringRecord],
    digest: &str,
    marks: &mut Marks,
) -> Result<bool, LedgerError> {
    let Held { version, stored: head } = held;
    let mut done = usize::try_from(head.begun.as_ref().map_or(0, |begun| begun.done)).unwrap_or(usize::MAX);
    let columns = match &head.columns {
        Some(columns) => columns.clone(),
        None => {
            let heading = lines.first().cloned().unwrap_or_default();
            done = 1;
            Columns::of(&heading).map_err(|error| LedgerError::invalid("csv", &error.to_string()))?
        }
    };
    let batch = Batch::of(&columns, lines.get(done..).unwrap_or_default());
    let mut next = StoredReconciliation { columns: Some(columns), ..head.clone() };
    let (places, differences) = batch.compare(payments, &mut next, marks).await?;
    for some in differences.chunks(AT_ONCE) {
        let keep = |difference| store::keep_difference(payments, head.id, difference, clerk.meta(payments));
        try_join_all(some.iter().map(keep)).await?;
    }

    let mut steps = Vec::with_capacity(places.len() + 1);
    for (sort, line) in places {
        let summary = format!("{{\"line\":{line}}}");
        steps.push(IndexStep::Put { index: store::shown(&head.provider)?, sort, summary });
    }
    done = done.saturating_add(batch.lines.len());
    if done < lines.len() {
        next.begun = Some(BegunChunk { digest: digest.to_owned(), done: done as u64 });
    } else {
        next.begun = None;
        next.next_chunk = head.next_chunk.saturating_add(1);
        steps.push(IndexStep::Put {
            index: store::chunks(head.id)?,
            sort: store::chunk_place(head.next_chunk),
            summary: digest.to_owned(),
        });
    }
    let mut booked = BTreeMap::new();
    for (&currency, &minor) in &next.fees {
        booked.insert(currency, minor.saturating_sub(head.fees.get(&currency).copied().unwrap_or_default()));
    }
    let legs: Vec<Posting> = fee_legs(&booked).iter().map(payment_store::posting).collect::<Result<_, _>>()?;
    let mut change = store::head_change(Some(version), &next, clerk.meta(payments))?.with_postings(legs);
    change.index = steps;
    match commit(payments, change).await? {
        Noted::Done => Ok(true),
        Noted::Overtaken | Noted::Replay(_) => Ok(false),
    }
}

/// The lines of one commit, read.
struct Batch {
    lines: Vec<Result<SettledLine, &'static str>>,
}

impl Batch {
    /// As many of these lines as one commit takes.
    fn of(columns: &Columns, lines: &[StringRecord]) -> Self {
        let mut currencies: HashSet<Currency> = HashSet::new();
        let mut batch = Vec::new();
        for line in lines.iter().take(BATCH) {
            let line = columns.read(line);
            if let Ok(line) = &line {
                currencies.insert(line.standing.amount.currency());
                if currencies.len() > MOST_CURRENCIES {
                    break;
                }
            }
            batch.push(line);
        }
        Self { lines: batch }
    }

    /// Compares the lines with our books and counts them into the head: the items that they show, each with its line,
    /// and what differs.
    async fn compare(
        &self,
        payments: &Payments,
        head: &mut StoredReconciliation,
        marks: &mut Marks,
    ) -> Result<(Vec<(String, u64)>, Vec<StoredDifference>), LedgerError> {
        let provider = head.provider.parse().map_err(|_| LedgerError::NotFound)?;
        let names: Vec<String> = self.lines.iter().flatten().map(|line| line.name.to_string()).collect();
        let mut known = marks.look_up(payments, head, &names).await?.into_iter();
        let (mut shown, mut differences, mut here) = (Vec::new(), Vec::new(), HashSet::new());
        for line in &self.lines {
            head.lines = head.lines.saturating_add(1);
            let (number, now) = (head.lines, payments.now());
            let line = match line {
                Ok(line) => line,
                Err(why) => {
                    let found = StoredDifference::new(number.to_string(), Some(number), &Difference::unreadable(), now);
                    differences.push(StoredDifference { why: Some((*why).to_owned()), ..found });
                    continue;
                }
            };
            let Known { ours, payment, shown_in } = known.next().unwrap_or_default();
            let shown_in = shown_in.or_else(|| here.contains(&line.name).then_some(head.id));
            match compare(&provider, line, ours, shown_in.is_some()) {
                None => head.matched = head.matched.saturating_add(1),
                Some(found) => differences.push(StoredDifference {
                    payment: payment.map(|payment| payment.to_string()),
                    shown_before_in: shown_in.map(|id| id.to_string()),
                    ..StoredDifference::new(number.to_string(), Some(number), &found, now)
                }),
            }
            if shown_in.is_none() {
                here.insert(line.name.clone());
                shown.push((line.name.to_string(), number));
                let sum = head.fees.entry(line.standing.amount.currency()).or_default();
                *sum = sum.saturating_add(line.fee_minor);
            }
        }
        Ok((shown, differences))
    }
}
