//! Answers about sessions.

use ambient::Timestamp;
use ids::SessionId;
use serde::Serialize;
use utoipa::ToSchema;

/// One of the caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// Which one: what `DELETE /v1/sessions/{id}` takes.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// What the client said it was when the session was used last; absent where it said nothing.
    #[schema(max_length = 160)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// From where it was used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When it was logged in or refreshed last.
    pub last_used_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
}

/// Answer of `GET /v1/sessions`.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsPage {
    /// Newest login first.
    pub items: Vec<SessionAnswer>,
    /// What to send as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
