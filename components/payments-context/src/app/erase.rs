//! A payer was erased: saved ways to pay go, payments lose what is personal in them, and money goes on as it must.
//!
//! A payment stays, because its ledger entries do: amounts, moments, states, and the payer's random name. What the payer
//! wrote or gave (description, return address, token) is taken out, here and in every earlier body. A payment that is still
//! moving keeps what moving needs until it has ended: it delays the part, visibly.

use super::StoreError;
use super::saved_methods;
use super::store::{self, Held};
use crate::domain::{DisputeStanding, Payment, PaymentToken, Stage};
use crate::wire::{PaymentSummary, Stored, StoredError};
use futures::future::try_join_all;
use ids::UserId;
use privacy::{Drawer, Erased, ErasurePart, InFlight, Kept, Left, sweep};
use records::{Change, Content, Cursor, IndexName, IndexStep, Meta, Outcome, Records, RecordsError};

/// What stands where a token stood.
const NO_TOKEN: &str = "tok_erased";
/// How many payments are under way at once.
const AT_ONCE: u32 = 25;
/// How often somebody else may move a payment in between.
const TRIES: u32 = 6;

/// Why it is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is more than one delivery takes.
    #[error("there is more to erase")]
    More,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RecordsError> for EraseError {
    fn from(error: RecordsError) -> Self {
        Self::Store(error.into())
    }
}

/// What became of one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing personal is in it.
    Redacted,
    /// It has to end first.
    Moving,
    /// Its bank has to decide first.
    Disputed,
}

/// Takes away what may go; the part of the receipt, which waits where a payment is in flight.
///
/// # Errors
/// [`EraseError`]; repeating it goes on where it was.
pub async fn erase(records: &dyn Records, payer: UserId, look: u8, meta: &Meta) -> Result<ErasurePart, EraseError> {
    let methods =
        Drawer { full: saved_methods::index_of(payer)?, emptied: index(format!("erased-methods-of:{payer}"))? };
    if sweep(records, &methods, meta, &|_, _, change| Ok(change)).await? == Left::More {
        return Err(EraseError::More);
    }
    let redacted = index(format!("redacted-payments-of:{payer}"))?;
    let (mut moving, mut disputed) = (0u64, 0u64);
    let mut after: Option<Cursor> = None;
    loop {
        let page = records.list(&store::index_of(payer)?, after.as_ref(), AT_ONCE).await?;
        let seen = page.entries.iter().map(|entry| redact(records, entry, &redacted, meta));
        for seen in try_join_all(seen).await? {
            match seen {
                Seen::Redacted => {}
                Seen::Moving => moving = moving.saturating_add(1),
                Seen::Disputed => disputed = disputed.saturating_add(1),
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let counts = records.counts(&[methods.emptied, redacted]).await?;
    let count = |place: usize| counts.get(place).copied().unwrap_or_default();
    Ok(part(look, meta, (count(0), count(1)), (moving, disputed)))
}

fn part(look: u8, meta: &Meta, (methods, redacted): (u64, u64), (moving, disputed): (u64, u64)) -> ErasurePart {
    let erased = |what: &str, count| Erased { what: what.to_owned(), count };
    let kept = |what: &str, count, why: &str| Kept { what: what.to_owned(), count, why: why.to_owned() };
    let waits = |what: &str, count, why: &str| InFlight { what: what.to_owned(), count, why: why.to_owned() };
    let waiting = [
        waits("payments_in_flight", moving, "money is on its way: authorized, being captured, or being given back"),
        waits("disputed_payments", disputed, "the payer's bank has not decided"),
    ];
    ErasurePart {
        look,
        at: meta.at,
        erased: vec![
            erased("saved_payment_methods", methods),
            erased("payment_descriptions_return_addresses_and_tokens", redacted),
        ],
        kept: vec![
            kept(
                "payments",
                Some(redacted),
                "amounts, moments and states behind the books, under a random name: the law keeps them",
            ),
            kept("ledger_rows", None, "double entry, append-only; nothing personal is in them"),
            kept(
                "events",
                None,
                "descriptions in this service's events stay for 90 days in stream and archive; nothing else of the person is in them",
            ),
            kept("answers_to_repeated_requests", None, "kept 7 days after each request, then dropped"),
            kept(
                "replaced_records",
                None,
                "what the records were before is deleted by the cleaner 24 hours after this",
            ),
        ],
        waiting: waiting.into_iter().filter(|waits| waits.count > 0).collect(),
    }
}

/// Takes out what is personal in a payment that has ended, and gives its history up.
async fn redact(
    records: &dyn Records,
    entry: &records::IndexEntry,
    redacted: &IndexName,
    meta: &Meta,
) -> Result<Seen, EraseError> {
    let Some(id) = store::payment_of(&entry.key) else { return Ok(Seen::Redacted) };
    for _ in 0..TRIES {
        let Some(Held { version, stored }) = store::load(records, id).await? else { return Ok(Seen::Redacted) };
        if let Some(waits) = in_flight(&stored.payment) {
            return Ok(waits);
        }
        let bare = without_personal(&stored)?;
        if bare == stored {
            records.forget_history(&entry.key).await?;
            return Ok(Seen::Redacted);
        }
        let json = |error: serde_json::Error| StoreError::Unwritable(error.to_string());
        let body = Content::Body(bare.to_bytes().map_err(json)?.into());
        let summary = serde_json::to_string(&PaymentSummary::from(&bare.payment)).map_err(json)?;
        // Not keeping what it replaces: that is what has to go.
        let change = Change::new(entry.key.clone(), Some(version), body, meta.clone())
            .with_index(IndexStep::Put {
                index: store::index_of(bare.payment.payer)?,
                sort: entry.sort.clone(),
                summary,
            })
            .with_index(IndexStep::Put { index: redacted.clone(), sort: entry.sort.clone(), summary: String::new() });
        match records.commit(change).await? {
            Outcome::Committed(_) => {
                records.forget_history(&entry.key).await?;
                return Ok(Seen::Redacted);
            }
            Outcome::Conflict { .. } => {}
            other => return Err(RecordsError::Unavailable(format!("a redaction ended as {other:?}")).into()),
        }
    }
    Err(RecordsError::Unavailable(format!("{} moves faster than it can be redacted", entry.key)).into())
}

fn in_flight(payment: &Payment) -> Option<Seen> {
    if payment.pending.is_some() || matches!(payment.stage, Stage::RequiresAction { .. } | Stage::Authorized { .. }) {
        return Some(Seen::Moving);
    }
    let open = |standing| standing == DisputeStanding::Open;
    payment.dispute.as_ref().is_some_and(|dispute| open(dispute.report.standing)).then_some(Seen::Disputed)
}

/// The payment as the books need it. A token is worth nothing any more: what was captured is given back by its charge, and
/// what nobody confirmed will not be.
fn without_personal(stored: &Stored) -> Result<Stored, StoreError> {
    let token = PaymentToken::new(NO_TOKEN).map_err(|_| StoreError::Unreadable(StoredError::Value("token")))?;
    let payment = Payment { description: None, return_url: None, payment_method: token, ..stored.payment.clone() };
    Ok(Stored { payment, request: None })
}

fn index(name: String) -> Result<IndexName, StoreError> {
    IndexName::new(name).map_err(|error| StoreError::Unwritable(error.to_string()))
}
