//! The events of the webhooks context, as its consumers read them.
//!
//! They say what became of an endpoint. What was sent to it, and its address, stay in the context.

mod catalogue;

pub use catalogue::catalogue;

use ambient::Timestamp;
use ids::UserId;
use serde::{Deserialize, Serialize};

/// Nothing more is sent to the endpoint: its owner should hear of it, unless it was their own wish.
pub const ENDPOINT_DISABLED: &str = "webhooks.endpoint.disabled.v1";
/// The endpoint is sent to again.
pub const ENDPOINT_ENABLED: &str = "webhooks.endpoint.enabled.v1";

ids::id!(
    /// Where somebody wants to hear of events.
    EndpointId, "whe"
);
ids::id!(
    /// One event on its way to one endpoint; the `webhook-id` of each try.
    MessageId, "msg"
);

/// Why nothing more is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Its owner wished so.
    Owner,
    /// It answered 410: it is gone.
    Gone,
    /// Every try of five days failed.
    Failing,
    /// An operator locked its owner's account.
    AccountLocked,
    /// Its owner may no longer hear of what is not their own.
    RoleLost,
}

/// The public snapshot of an endpoint: `data` of each event above.
///
/// **Shape** `{"id":"whe_00…","user_id":"usr_00…","enabled":false,"disabled_reason":"failing","failing_since":"2026-…Z"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndpointSnapshot {
    /// Which endpoint.
    pub id: EndpointId,
    /// Whose it is.
    pub user_id: UserId,
    /// Whether it is sent to.
    pub enabled: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when every try failed, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
}
