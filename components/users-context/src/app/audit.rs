//! The audit trail: what operators look at, what a person sees of their own, whether it holds, and its sealing.

use super::Invalid;
use super::account::{AccountError, own};
use crate::Access;
use crate::domain::{ROLE_ADMIN, ROLE_OPERATOR};
use crate::state::trail_account;
use crate::trail::UNKNOWN;
use crate::wire::trail::{TrailAnswer, TrailPage, TrailVerified};
use ambient::{Clock, Timestamp};
use core::time::Duration;
use futures::future::try_join_all;
use ids::UserId;
use principal::Principal;
use records::{AccountKey, Checkpoint, MAX_PAGE, RecordsError, Trail, TrailRow};

/// How many pages one check looks at: about two thousand rows, a fraction of a second.
const CHECKED_PAGES: u32 = 16;
/// How long one pulse goes on sealing.
const SEAL_MAX: Duration = Duration::from_secs(2);

/// Why nothing of the trail is shown.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The caller is no operator.
    #[error("the role `{ROLE_OPERATOR}` is needed")]
    Role,
    /// A value of the request is not acceptable.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The token does not open the account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A store is gone, or the trail is spoilt.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Which part of the trail.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Of one account, or of `unknown`.
    pub account: Option<String>,
    /// Only what happened at this moment or before.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// The most entries, 1 to 100.
    pub limit: u32,
}

/// What happened, newest first, for operators.
///
/// # Errors
/// [`AuditError`].
pub async fn list(access: &Access, principal: &Principal, part: Part) -> Result<TrailPage, AuditError> {
    require_operator(principal)?;
    check(&part)?;
    let rows = match &part.account {
        Some(name) => of_account(&*access.trail, &account(name)?, &part).await?,
        None => of_all(&*access.trail, &part).await?,
    };
    let by_account = part.account.is_some();
    let place = |row: &TrailRow| if by_account { row.number } else { row.seq };
    page(rows, part.limit, place, TrailAnswer::for_operators)
}

/// What happened to the caller's account, newest first, as its owner may see it.
///
/// # Errors
/// [`AuditError`].
pub async fn own_activity(access: &Access, principal: &Principal, part: Part) -> Result<TrailPage, AuditError> {
    let owner = own(principal)?;
    check(&part)?;
    let rows = of_account(&*access.trail, &trail_account(&owner.to_string())?, &part).await?;
    page(rows, part.limit, |row| row.number, |row| TrailAnswer::for_owner(row, owner))
}

/// Whether the trail is what was written, a bounded piece a call.
///
/// # Errors
/// [`AuditError`].
pub async fn verify(
    access: &Access,
    principal: &Principal,
    cursor: Option<String>,
) -> Result<TrailVerified, AuditError> {
    require_operator(principal)?;
    let invalid = || bad_cursor("a cursor is the `next_cursor` of the check before, unchanged");
    let from: Option<Checkpoint> = cursor.map(|text| text.parse()).transpose().map_err(|_| invalid())?;
    let verified = access.trail.verify(from.as_ref(), CHECKED_PAGES).await.map_err(|error| match error {
        RecordsError::Invalid(_) => AuditError::from(invalid()),
        other => other.into(),
    })?;
    Ok(verified.into())
}

/// Seals what is ready, for a bounded time; tells how many rows went into pages.
///
/// # Errors
/// [`RecordsError::Corrupt`] where rows or pages do not hold: they are left as they are until an operator has looked.
pub async fn seal(trail: &dyn Trail, clock: &dyn Clock) -> Result<u32, RecordsError> {
    let (began, mut rows) = (clock.now(), 0u32);
    loop {
        let sealed = trail.seal().await?;
        rows = rows.saturating_add(sealed.rows);
        if !sealed.more || clock.now().since(began) >= SEAL_MAX {
            return Ok(rows);
        }
    }
}

fn require_operator(principal: &Principal) -> Result<(), AuditError> {
    if principal.has_role(ROLE_OPERATOR) || principal.has_role(ROLE_ADMIN) { Ok(()) } else { Err(AuditError::Role) }
}

fn bad_cursor(why: &str) -> Invalid {
    Invalid { field: "cursor", why: why.to_owned() }
}

fn check(part: &Part) -> Result<(), Invalid> {
    if (1..=MAX_PAGE).contains(&part.limit) {
        return Ok(());
    }
    Err(Invalid { field: "limit", why: format!("a page has 1 to {MAX_PAGE} entries") })
}

/// An account as operators name it.
fn account(name: &str) -> Result<AccountKey, AuditError> {
    if name != UNKNOWN && name.parse::<UserId>().is_err() {
        return Err(Invalid { field: "account", why: format!("it is an account's id or `{UNKNOWN}`") }.into());
    }
    Ok(trail_account(name)?)
}

/// The place after which a page begins: a cursor is that of the last entry of the page before.
fn below(cursor: Option<&str>) -> Result<Option<u64>, Invalid> {
    let wrong = || bad_cursor("it is not one that a page named");
    // One place has one text: `+7` and `007` are none that a page named.
    let place = |text: &str| text.parse::<u64>().ok().filter(|place| place.to_string() == text)?.checked_sub(1);
    cursor.map(|text| place(text).ok_or_else(wrong)).transpose()
}

async fn of_account(trail: &dyn Trail, account: &AccountKey, part: &Part) -> Result<Vec<TrailRow>, AuditError> {
    let mut from = below(part.cursor.as_deref())?;
    if let Some(until) = part.until {
        let last = trail.account_row_at(account, until).await?.map_or(0, |row| row.number);
        from = Some(from.map_or(last, |from| from.min(last)));
    }
    if from == Some(0) {
        return Ok(Vec::new());
    }
    Ok(trail.account_rows(account, from, part.limit).await?)
}

async fn of_all(trail: &dyn Trail, part: &Part) -> Result<Vec<TrailRow>, AuditError> {
    let mut last = trail.length().await?;
    if let Some(below) = below(part.cursor.as_deref())? {
        last = last.min(below);
    }
    if let Some(until) = part.until {
        last = last_until(trail, last, until).await?;
    }
    let after = last.saturating_sub(u64::from(part.limit));
    let count = u32::try_from(last - after).unwrap_or(part.limit);
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut rows = trail.rows(after, count).await?;
    rows.reverse();
    Ok(try_join_all(rows.into_iter().map(|row| whole(trail, row))).await?)
}

/// A row of the chain with what is personal, which is among the account's own rows.
async fn whole(trail: &dyn Trail, row: TrailRow) -> Result<TrailRow, RecordsError> {
    if row.personal.is_some() || row.digest == "-" {
        return Ok(row);
    }
    let own = trail.account_rows(&row.account, Some(row.number), 1).await?;
    Ok(TrailRow { personal: own.into_iter().next().and_then(|own| own.personal), ..row })
}

/// The last row at a moment among the first `last`: moments never go back, so a search by halves finds it.
async fn last_until(trail: &dyn Trail, last: u64, until: Timestamp) -> Result<u64, AuditError> {
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low.midpoint(high).saturating_add(1).min(high);
        let at = trail.rows(middle.saturating_sub(1), 1).await?.first().map(|row| row.at);
        if at.is_some_and(|at| at <= until) { low = middle } else { high = middle.saturating_sub(1) }
    }
    Ok(low)
}

fn page(
    rows: Vec<TrailRow>,
    limit: u32,
    place: impl Fn(&TrailRow) -> u64,
    shown: impl Fn(&TrailRow) -> Option<TrailAnswer>,
) -> Result<TrailPage, AuditError> {
    let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next_cursor = rows.last().map(place).filter(|place| full && *place > 1).map(|place| place.to_string());
    let unreadable = || AuditError::Records(RecordsError::Corrupt { key: "the audit trail".to_owned() });
    let items = rows.iter().map(|row| shown(row).ok_or_else(unreadable)).collect::<Result<_, _>>()?;
    Ok(TrailPage { items, next_cursor })
}

#[cfg(test)]
mod tests;
