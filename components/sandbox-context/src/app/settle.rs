//! `GET /sandbox/v1/settlement.csv`: what the acquirer has settled, as a provider's file, a piece an answer.

use super::SandboxError;
use super::store::{self, CHARGES};
use crate::Sandbox;
use crate::domain::{Charge, DisputeStanding, Standing};
use crate::wire::{SettlementLine, StoredCharge};
use ambient::Timestamp;
use futures::future::try_join_all;
use records::{Cursor, RecordsError};

/// How many charges one piece shows: each is a record.
const PIECE: u32 = 50;

/// What the acquirer keeps of a charge: the contract that docs/ledger.md shows.
fn fee_minor(currency: &str, amount_minor: i64) -> i64 {
    let (basis_points, fixed_minor) = if currency == "EUR" { (90, 5) } else { (120, 0) };
    let share = (i128::from(amount_minor) * basis_points + 5_000) / 10_000;
    i64::try_from(share).unwrap_or(i64::MAX).saturating_add(fixed_minor).min(amount_minor)
}

/// One piece of a settlement, and where the next one starts.
pub struct Settlement {
    /// Its lines.
    pub lines: Vec<SettlementLine>,
    /// Where to go on.
    pub next: Option<String>,
}

/// The charges made from one moment up to just before another, newest first, with what became of them: taken, given
/// back, disputed.
///
/// # Errors
/// [`SandboxError::Invalid`] for a cursor that is none; [`SandboxError::Store`].
pub async fn settlement(
    sandbox: &Sandbox,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    cursor: Option<String>,
) -> Result<Settlement, SandboxError> {
    let after = cursor.map(Cursor);
    let index = store::index(CHARGES.to_owned())?;
    let page = sandbox.records.list(&index, after.as_ref(), PIECE).await.map_err(|error| match error {
        RecordsError::Invalid(_) => SandboxError::Invalid { field: "cursor", why: "as the answer before named it" },
        other => other.into(),
    })?;
    let loaded =
        try_join_all(page.entries.iter().map(|entry| store::load::<StoredCharge>(sandbox, &entry.key))).await?;
    let now = sandbox.clock.now();
    let mut lines = Vec::new();
    for (_, stored) in loaded.into_iter().flatten() {
        let charge = Charge::try_from(stored).map_err(|what| SandboxError::Unreadable(what.to_owned()))?;
        let within = from.is_none_or(|from| charge.created_at >= from) && to.is_none_or(|to| charge.created_at < to);
        if within {
            lines.extend(lines_of(&charge, now));
        }
    }
    // Charges are listed from the newest: what is older than the range is not worth another piece.
    let over = page.entries.last().is_some_and(|entry| from.is_some_and(|from| entry.sort < from.to_string()));
    let next = if over { None } else { page.next.map(|cursor| cursor.0) };
    Ok(Settlement { lines, next })
}

fn lines_of(charge: &Charge, now: Timestamp) -> Vec<SettlementLine> {
    let Some(Standing::Captured(amount)) = charge.known(now) else { return Vec::new() };
    let (minor, currency) = (amount.minor(), amount.currency().to_string());
    let line = |kind, reference: String, amount_minor, fee_minor, state| SettlementLine {
        kind,
        reference,
        payment: charge.asked.reference.clone(),
        amount_minor,
        currency: currency.clone(),
        fee_minor,
        state,
    };
    let mut lines = vec![line("charge", charge.id.to_string(), minor, fee_minor(&currency, minor), "captured")];
    for refund in &charge.refunds {
        let state = if refund.failed(now) { "failed" } else { "succeeded" };
        lines.push(line("refund", refund.reference.clone(), refund.amount.minor(), 0, state));
    }
    if let Some(dispute) = &charge.dispute {
        let state = match dispute.standing {
            DisputeStanding::Open => "open",
            DisputeStanding::Won => "won",
            DisputeStanding::Lost => "lost",
        };
        lines.push(line("dispute", dispute.id.to_string(), minor, 0, state));
    }
    lines
}
