//! This context's part of the API's document: which operations there are, and what many of them share.

use super::{audit, letters, streams};
use utoipa::{IntoParams, IntoResponses, OpenApi};

#[derive(OpenApi)]
#[openapi(
    paths(
        streams::list,
        streams::show,
        streams::groups,
        streams::events,
        letters::depths,
        letters::list,
        letters::show,
        letters::replay,
        letters::edit,
        letters::purge,
        letters::replay_many,
        letters::purge_many,
        audit::acts,
        audit::act,
        audit::trail,
        audit::verify,
    ),
    tags((name = "operations", description = "Streams, groups and dead letters of all services, for administrators")),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The header of every act.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is looked at")]
pub struct Key {
    /// The same key with the same request is carried out once. Sent again after no answer came, it goes on with the same
    /// letters.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    )]
    key: String,
}

/// What every question about one thing may answer besides it.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Named {
    #[response(status = 404, description = "`not-found`: there is nothing of this name")]
    NotFound,
}

/// What every page may answer besides itself.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Paged {
    #[response(status = 422, description = "`invalid`: the limit, the cursor or a moment is none")]
    Invalid,
}

/// What a page of what was told may answer besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Kept {
    #[response(
        status = 503,
        description = "`history-unavailable`: the service that keeps the older events does not answer; `unavailable`"
    )]
    Away,
}

/// What every act may answer besides what became of it.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Acted {
    #[response(status = 404, description = "`not-found`: there is no such context or no such letter")]
    NotFound,
    #[response(status = 409, description = "`conflict`: the same act was written at the same time")]
    Conflict,
    #[response(status = 422, description = "`invalid`; `idempotency-key-reused`: with another request")]
    Invalid,
}
