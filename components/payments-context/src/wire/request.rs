//! What callers send.

use super::schemas::RefundReasonName;
use crate::domain;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// When the money is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// With the confirmation.
    #[default]
    Automatic,
    /// Later, by `POST /v1/payments/{id}/capture`.
    Manual,
}

impl From<CaptureMethod> for domain::CaptureMethod {
    fn from(wire: CaptureMethod) -> Self {
        match wire {
            CaptureMethod::Automatic => Self::Automatic,
            CaptureMethod::Manual => Self::Manual,
        }
    }
}

impl From<domain::CaptureMethod> for CaptureMethod {
    fn from(method: domain::CaptureMethod) -> Self {
        match method {
            domain::CaptureMethod::Automatic => Self::Automatic,
            domain::CaptureMethod::Manual => Self::Manual,
        }
    }
}

/// The body of `POST /v1/payments`.
///
/// **Shape** `{"amount_minor": 1099, "currency": "EUR", "payment_method": "tok_visa", "description": "Tea"}`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// How much, in minor units: 1 to 99 999 999.
    #[schema(minimum = 1, maximum = 99_999_999, examples(1099))]
    pub amount_minor: i64,
    /// ISO 4217.
    #[schema(value_type = money::Currency)]
    pub currency: String,
    /// What stands for the card: a token of the acquirer's, or the name of a saved way to pay (`pmt_…`).
    #[schema(
        pattern = "^((tok|pm)_[A-Za-z0-9_]{1,60}|pmt_[0-9a-f]{2}[0-7][0-9a-hjkmnp-tv-z]{25})$",
        examples("tok_visa")
    )]
    pub payment_method: String,
    /// What it is for; at most 200 characters, none of them a control character.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", examples("Tea"))]
    #[serde(default)]
    pub description: Option<String>,
    /// Where the payer comes back to after a required action (3-D Secure).
    #[schema(
        max_length = 500,
        pattern = r"^https?://[!$-.0-9;=A-Z\[\]-~][!$-.0-;=A-Z\[\]-~]*([/?#][!#-;=?-\[\]-~]*)?$",
        examples("https://shop.example/orders/7")
    )]
    #[serde(default)]
    pub return_url: Option<String>,
    /// When the money is taken; automatic where nothing is said.
    #[serde(default)]
    pub capture_method: CaptureMethod,
}

/// The body of `POST /v1/payments/{id}/capture`; may be left out.
///
/// **Shape** `{"amount_minor": 500}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureRequest {
    /// How much of what is held, in minor units; all of it where nothing is said. The rest is released.
    #[schema(minimum = 1, examples(500))]
    #[serde(default)]
    pub amount_minor: Option<i64>,
}

/// The body of `POST /v1/payments/{id}/refunds`; may be left out.
///
/// **Shape** `{"amount_minor": 500, "reason": "requested_by_customer"}`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// How much of what was taken, in minor units; all that is left where nothing is said.
    #[schema(minimum = 1, examples(500))]
    #[serde(default)]
    pub amount_minor: Option<i64>,
    /// `requested_by_customer`, `duplicate` or `fraudulent`.
    #[schema(value_type = Option<RefundReasonName>)]
    #[serde(default)]
    pub reason: Option<String>,
}

/// The body of a POST that says everything in its path; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyRequest {}

/// The query of `GET /v1/payments`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many at most, 1 to 100; 20 where nothing is said (of accounts, payouts and reconciliations 100).
    #[param(minimum = 1, maximum = 100, example = 20)]
    #[serde(default)]
    pub limit: Option<u32>,
}
