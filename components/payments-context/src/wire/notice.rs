//! Notices of providers as they are kept, listed and acknowledged.

use ambient::Timestamp;
use ids::PaymentId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// Its payment is not known yet, or the provider did not answer.
    Waiting,
    /// What it announced is known.
    Attended,
    /// No payment of ours was found in time.
    Unmatched,
    /// The provider's charge contradicts the payment: an operator has to look.
    Contradicting,
}

/// The body of a notice's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNotice {
    /// Tells shapes apart; 1.
    pub v: u8,
    /// Who sent it.
    pub provider: String,
    /// The provider's name for it.
    pub id: String,
    /// The payment, as the provider names it; once attended, as it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    /// The charge, as the provider names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// How far it is.
    pub state: NoticeState,
}

/// A notice in the operator's list, and the summary that the index keeps.
///
/// **Invariant** at most 256 bytes: a provider's names are cut to 40 characters here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeSummary {
    /// Who sent it.
    pub provider: String,
    /// The provider's name for it.
    pub id: String,
    /// The payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
    /// The charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// How far it is.
    pub state: NoticeState,
}

impl From<&StoredNotice> for NoticeSummary {
    fn from(notice: &StoredNotice) -> Self {
        let cut = |text: &str| text.chars().take(40).collect::<String>();
        Self {
            provider: notice.provider.clone(),
            id: cut(&notice.id),
            payment: notice.payment,
            charge: notice.charge.as_deref().map(cut),
            received_at: notice.received_at,
            state: notice.state,
        }
    }
}

/// The answer of `GET /v1/providers/notices`, newest first: what waits, and what an operator has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticePage {
    /// The notices of this page.
    pub items: Vec<NoticeSummary>,
    /// How many there are altogether.
    pub total: u64,
    /// Where the next page starts; not there on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The answer to a provider.
///
/// **Shape** `{"received":true,"duplicate":false}`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoticeAnswer {
    /// Always true: it need not be sent again.
    pub received: bool,
    /// Whether it was known.
    pub duplicate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::at;
    use uuid::Uuid;

    #[test]
    fn the_longest_summary_fits_into_an_index() {
        let notice = StoredNotice {
            v: 1,
            provider: "p".repeat(20),
            id: "e".repeat(100),
            payment: Some(PaymentId::new(0, Uuid::from_u128(1))),
            charge: Some("c".repeat(100)),
            received_at: at(0),
            state: NoticeState::Contradicting,
        };
        let summary = serde_json::to_string(&NoticeSummary::from(&notice)).unwrap();
        assert!(summary.len() <= records::MAX_SUMMARY_BYTES, "{} bytes: {summary}", summary.len());
    }
}
