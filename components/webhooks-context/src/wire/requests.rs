//! What callers send.

use ambient::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

/// `POST /v1/webhooks/endpoints`.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEndpointRequest {
    /// Where requests go: `https://`, a public host, port 443 or 8443.
    pub url: String,
    /// What you say of it; at most 200 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// The types of events that it hears of; none: all that it may.
    #[serde(default)]
    pub events: Vec<String>,
    /// The most requests a second, 1 to 100; nothing: as many as there are.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// Whether messages go one after the other, in the order of their events: one that fails holds up those behind it.
    #[serde(default)]
    pub ordered: bool,
    /// Whether it hears of everybody's things and the house's: for administrators.
    #[serde(default)]
    pub all_accounts: bool,
    /// A secret of your own, `whsec_` and the base64 of 24 to 64 bytes; nothing: one is made.
    #[serde(default)]
    pub secret: Option<String>,
}

/// `PATCH /v1/webhooks/endpoints/{id}`: what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEndpointRequest {
    /// Where requests go.
    #[serde(default)]
    pub url: Option<String>,
    /// What you say of it; empty: nothing.
    #[serde(default)]
    pub description: Option<String>,
    /// The types of events that it hears of; an empty list: all that it may.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// The most requests a second; 0: as many as there are.
    #[serde(default)]
    pub rate_per_s: Option<u32>,
    /// Whether messages go one after the other.
    #[serde(default)]
    pub ordered: Option<bool>,
}

/// `POST /v1/webhooks/endpoints/{id}/secret/rotate`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecretRequest {
    /// A secret of your own; nothing: one is made.
    #[serde(default)]
    pub secret: Option<String>,
}

/// `POST /v1/webhooks/endpoints/{id}/recover`.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoverRequest {
    /// From which moment on: messages made then or later that were given up are sent again.
    pub since: Timestamp,
}
