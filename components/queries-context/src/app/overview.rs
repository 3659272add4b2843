//! A person's overview: read from what the projections keep, never from another service.

use crate::app::Freshness;
use crate::domain::{Profile, STATUSES, status_word};
use crate::keys;
use crate::wire::{
    self, NotificationCounts, OverviewAnswer, PaymentSummary, PaymentsOverview, ProfileAnswer, RecentPayment,
    StoredProfile,
};
use events::EventsError;
use futures::future::try_join4;
use ids::UserId;
use money::Currency;
use records::{IndexEntry, MAX_PAGE, Records, RecordsError};
use std::collections::BTreeMap;

/// How many payments an overview shows.
const RECENT: u32 = 10;

/// Why there is no overview.
#[derive(Debug, thiserror::Error)]
pub enum OverviewError {
    /// Nobody can say how fresh it would be.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The store.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// The overview of a person. Five calls in two steps after the freshness, the same however much there is.
///
/// # Errors
/// [`OverviewError`].
pub async fn overview(
    records: &dyn Records,
    freshness: &Freshness,
    user_id: UserId,
) -> Result<OverviewAnswer, OverviewError> {
    let as_of = freshness.as_of().await?;
    let (profile, (payments, notifications), captured, recent) = try_join4(
        profile(records, user_id),
        counts(records, user_id),
        captured(records, user_id),
        recent(records, user_id),
    )
    .await?;
    let total = payments.values().fold(0u64, |sum, count| sum.saturating_add(*count));
    Ok(OverviewAnswer {
        user_id,
        profile,
        payments: PaymentsOverview { total, by_status: payments, captured, recent },
        notifications,
        as_of,
    })
}

async fn profile(records: &dyn Records, user_id: UserId) -> Result<Option<ProfileAnswer>, RecordsError> {
    let Some(record) = records.load(&keys::profile(user_id)?).await? else { return Ok(None) };
    let profile = wire::read::<StoredProfile, Profile>(&record)?;
    Ok(profile.map(|Profile { locale, registered_at, .. }| ProfileAnswer { locale, registered_at }))
}

async fn counts(
    records: &dyn Records,
    user_id: UserId,
) -> Result<(BTreeMap<&'static str, u64>, NotificationCounts), RecordsError> {
    let mut indexes = vec![keys::notifications_of(user_id)?, keys::unread_of(user_id)?];
    for status in STATUSES {
        indexes.push(keys::payments_in(user_id, status)?);
    }
    let mut counts = records.counts(&indexes).await?.into_iter();
    let mut next = || counts.next().unwrap_or_default();
    let notifications = NotificationCounts { total: next(), unread: next() };
    Ok((STATUSES.into_iter().map(|status| (status_word(status), next())).collect(), notifications))
}

async fn captured(records: &dyn Records, user_id: UserId) -> Result<BTreeMap<String, i64>, RecordsError> {
    let page = records.list(&keys::currencies_of(user_id)?, None, MAX_PAGE).await?;
    let currencies = page.entries.iter().map(currency_of).collect::<Result<Vec<Currency>, _>>()?;
    let accounts =
        currencies.iter().map(|currency| keys::captured(user_id, *currency)).collect::<Result<Vec<_>, _>>()?;
    if accounts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let balances = records.balances(&accounts).await?;
    Ok(currencies
        .into_iter()
        .zip(balances)
        .filter(|(_, balance)| balance.posted_minor != 0)
        .map(|(currency, balance)| (currency.code().to_owned(), balance.posted_minor))
        .collect())
}

async fn recent(records: &dyn Records, user_id: UserId) -> Result<Vec<RecentPayment>, RecordsError> {
    let page = records.list(&keys::payments_of(user_id)?, None, RECENT).await?;
    page.entries.iter().map(payment_of).collect()
}

fn currency_of(entry: &IndexEntry) -> Result<Currency, RecordsError> {
    entry.sort.parse().map_err(|_| RecordsError::Corrupt { key: entry.key.to_string() })
}

fn payment_of(entry: &IndexEntry) -> Result<RecentPayment, RecordsError> {
    let corrupt = || RecordsError::Corrupt { key: entry.key.to_string() };
    let id = keys::payment_id(&entry.key).ok_or_else(corrupt)?;
    let PaymentSummary { status, amount, captured, created_at, changed_at } =
        serde_json::from_str(&entry.summary).map_err(|_| corrupt())?;
    Ok(RecentPayment {
        id,
        status,
        amount_minor: amount.minor(),
        currency: amount.currency().code().to_owned(),
        captured_minor: captured.minor(),
        created_at,
        changed_at,
    })
}
