//! Words that only the API's document has a type for: on the wire they are texts.

#![expect(dead_code, reason = "only their schemas are looked at")]

use utoipa::ToSchema;

/// A move of a payment.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum PaymentMove {
    Confirm,
    Capture,
    Cancel,
    Refund,
}

/// A move of a payout.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PayoutMoveName {
    Send,
    Settle,
    Fail,
    Return,
}

/// Why money is given back.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum RefundReasonName {
    RequestedByCustomer,
    Duplicate,
    Fraudulent,
}

/// Where a refund stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

/// Where a dispute stands: `won` is won by the merchant.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum DisputeStatus {
    Open,
    Won,
    Lost,
}

/// An account of the chart: its role and its currency.
#[derive(ToSchema)]
#[schema(
    pattern = "^(acquirer|bank|costs|disputes|fees|holds|merchant|payouts|refunds|suspense):[A-Z]{3}$",
    examples("merchant:EUR")
)]
pub(crate) struct AccountName(String);

/// A provider. **Shape** 1 to 20 characters out of `a-z0-9`.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z0-9]{1,20}$", examples("sandbox"))]
pub(super) struct ProviderWord(String);

/// A provider's name for a settlement.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_.-]{1,40}$", examples("2026-01"))]
pub(super) struct StatementName(String);

/// A day, UTC.
#[derive(ToSchema)]
#[schema(format = Date, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples("2026-01-31"))]
pub(super) struct Day(String);

/// What was settled: its kind and its name.
#[derive(ToSchema)]
#[schema(pattern = "^(charge|refund|dispute):[A-Za-z0-9_-]{1,100}$", examples("charge:ch_1"))]
pub(super) struct ItemNameText(String);

/// A difference within its reconciliation: the number of its line, or the item that the settlement does not show.
#[derive(ToSchema)]
#[schema(pattern = "^([1-9][0-9]*|(charge|refund|dispute):[A-Za-z0-9_-]{1,100})$", examples("1"))]
pub(crate) struct DifferenceName(String);

/// Where an item stands: charges, refunds and disputes have some of these each.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ItemStateName {
    Pending,
    Authorized,
    Captured,
    Canceled,
    Failed,
    Succeeded,
    Open,
    Won,
    Lost,
}

/// In what a settlement and our books differ.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum DifferenceKindName {
    MissingHere,
    MissingThere,
    Amount,
    Currency,
    State,
    Fee,
    Duplicate,
    Unreadable,
}

/// Nothing is left to tell. **Shape** `{}`.
#[derive(ToSchema)]
pub(crate) struct Forgotten {}

/// A notice of the sandbox. Stripe's are `{"id":"evt_…","data":{"object":{…}}}`; members beyond these are passed over.
#[derive(ToSchema)]
pub(crate) struct SignedNotice {
    /// The provider's name for it.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,100}$", examples("evt_1"))]
    id: String,
    /// The charge of which there is news.
    charge: Option<NoticedCharge>,
    /// Of Stripe: what the event is about.
    #[schema(value_type = Option<Object>)]
    data: Option<()>,
}

/// The charge that a notice names.
#[derive(ToSchema)]
pub(super) struct NoticedCharge {
    /// The provider's name for it.
    id: String,
    /// Ours, of the payment.
    reference: Option<String>,
}
