//! This context's part of the API's document: which operations there are, and what many of them share.

use super::{endpoints, messages};
use serde::Deserialize;
use utoipa::{IntoParams, IntoResponses, OpenApi};

#[derive(OpenApi)]
#[openapi(
    paths(
        messages::event_types,
        endpoints::list,
        endpoints::create,
        endpoints::show,
        endpoints::change,
        endpoints::delete,
        endpoints::enable,
        endpoints::disable,
        endpoints::show_secret,
        endpoints::rotate_secret,
        messages::send_test,
        messages::recover,
        messages::list_attempts,
        messages::list,
        messages::show,
        messages::resend,
    ),
    tags((name = "webhooks", description = "Events at your own address: signed, tried again over days, logged")),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The query of a page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<u32>,
}

/// The header of every change that is carried out once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is looked at")]
pub struct Key {
    /// The same key with the same request is carried out once, for seven days.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$",
        example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    )]
    idempotency_key: String,
}

/// What every change that a key guards may answer.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Guarded {
    #[response(
        status = 409,
        description = "`in-flight`: the same request is being carried out; `conflict`: it changed at the same time; \
                       `too-many-endpoints`; `endpoint-disabled`: nothing is sent to it"
    )]
    Once,
    #[response(status = 422, description = "`invalid`; `idempotency-key-reused`: with another request")]
    Invalid,
}

/// What every question about one thing may answer besides it.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Named {
    #[response(status = 404, description = "`not-found`: there is none, or it is another's")]
    NotFound,
}

/// What every page may answer besides itself.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only its descriptions are looked at")]
pub enum Paged {
    #[response(status = 422, description = "`invalid`: the limit or the cursor is none")]
    Invalid,
}
