//! What somebody wants to hear, by which way, and when.

use super::{Notifications, READ, WRITE, meta, not_set, person};
use crate::app::{self, KnownSettings, NEVER_SET, PhoneError};
use crate::domain::{PhoneNumber, Preferences};
use crate::wire::{PhoneBody, PhoneCodeBody, PreferencesAnswer, PreferencesBody, Settings};
use ::http::{StatusCode, header};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use principal::{IfMatch, Principal, RequestScope};
use problem::{INTERNAL, INVALID, Json, NOT_FOUND, Problem};
use records::Version;

fn shown(state: &Notifications, version: Option<Version>, settings: &Settings) -> Response {
    let mut response = Json(PreferencesAnswer::of(settings, state.clock.now())).into_response();
    let tag = version.map_or_else(|| principal::tag(NEVER_SET), principal::tag);
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    response
}

/// What the caller wants to hear, and what follows from it
#[utoipa::path(
    get, path = "/v1/notifications/preferences", operation_id = "get_notification_preferences", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    responses(
        (status = 200, description = "The preferences", body = PreferencesAnswer, headers(("ETag", description = "Their version, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "The caller has them already, as its `If-None-Match` says"),
        (status = 404, description = "`not-found`: the account was erased"),
    ),
)]
pub(super) async fn show(State(state): State<Notifications>, principal: Principal) -> Result<Response, Problem> {
    let user_id = person(&principal, READ)?;
    match app::load_settings(&*state.records, user_id).await {
        Ok(KnownSettings::Settings(version, settings)) => Ok(shown(&state, version, &settings)),
        Ok(KnownSettings::Erased) => Err(Problem::new(NOT_FOUND)),
        Err(error) => Err(super::store(&error)),
    }
}

/// Replaces what the caller wants to hear
///
/// The most specific rule decides: one for a kind and a channel, one for a channel, one for everything. Messages for the
/// safety of the account always come, at any hour. Twice is as good as once.
#[utoipa::path(
    put, path = "/v1/notifications/preferences", operation_id = "set_notification_preferences", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    params(("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$"#, description = "The `ETag` that they had when they were read")),
    request_body(
        content = PreferencesBody,
        example = json!({
            "channels": { "email": true },
            "categories": { "payment_receipt": { "email": false } },
            "digests": { "payment_refund": "daily" },
            "zone": "Europe/Berlin",
            "quiet_hours": { "from": "22:00", "until": "07:00" },
        }),
    ),
    responses(
        (status = 200, description = "The preferences", body = PreferencesAnswer, headers(("ETag", description = "Their version"))),
        (status = 404, description = "`not-found`: the account was erased"),
        (status = 409, description = "`conflict`: they changed at the same time, too often to go on"),
        (status = 412, description = "`precondition-failed`: they changed since they were read"),
        (status = 422, description = "`invalid`: `field` says which member, `why` what it should be"),
    ),
)]
pub(super) async fn replace(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    condition: IfMatch,
    Json(body): Json<PreferencesBody>,
) -> Result<Response, Problem> {
    let user_id = person(&principal, WRITE)?;
    let preferences = Preferences::try_from(body)
        .map_err(|invalid| Problem::new(INVALID).member("field", invalid.field).member("why", invalid.why))?;
    let meta = meta(&state, Some(&principal), scope);
    match app::set_preferences(&*state.records, user_id, &preferences, &condition, &meta).await {
        Ok((version, settings)) => Ok(shown(&state, version, &settings)),
        Err(error) => Err(not_set(&error)),
    }
}

/// Names a telephone for short messages
///
/// It is sent a code, and gets no other message before the code came back. Three codes an hour.
#[utoipa::path(
    put, path = "/v1/notifications/phone", operation_id = "name_phone", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    request_body(content = PhoneBody, example = json!({ "number": "+4915112345678" })),
    responses(
        (status = 202, description = "A code is on its way"),
        (status = 404, description = "`not-found`: the account was erased"),
        (status = 409, description = "`conflict`: the settings changed at the same time, too often to go on"),
        (status = 422, description = "`invalid`: it is no number in the international form"),
    ),
)]
pub(super) async fn name_phone(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    Json(body): Json<PhoneBody>,
) -> Result<StatusCode, Problem> {
    let user_id = person(&principal, WRITE)?;
    let number: PhoneNumber = body.number.parse().map_err(|invalid: crate::domain::InvalidPhone| {
        Problem::new(INVALID).member("field", "number").member("why", invalid.to_string())
    })?;
    let meta = meta(&state, Some(&principal), scope);
    match app::name_phone(&*state.records, &state.seals, &*state.random, user_id, &number, &meta).await {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(PhoneError::Settings(error)) => Err(not_set(&error)),
        Err(PhoneError::Template(error)) => Err(Problem::new(INTERNAL).caused_by(&error)),
        Err(PhoneError::Records(error)) => Err(super::store(&error)),
    }
}

/// Proves a telephone by the code that it was sent
///
/// Five guesses a code, within ten minutes.
#[utoipa::path(
    post, path = "/v1/notifications/phone/confirm", operation_id = "confirm_phone", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    request_body(content = PhoneCodeBody, example = json!({ "code": "042042" })),
    responses(
        (status = 204, description = "It gets short messages from now on"),
        (status = 404, description = "`not-found`: the account was erased"),
        (status = 409, description = "`conflict`: the settings changed at the same time, too often to go on"),
        (status = 422, description = "`invalid`: the code is not the one that was sent, or no longer holds"),
    ),
)]
pub(super) async fn confirm_phone(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    Json(body): Json<PhoneCodeBody>,
) -> Result<StatusCode, Problem> {
    let user_id = person(&principal, WRITE)?;
    let meta = meta(&state, Some(&principal), scope);
    let confirmed = app::confirm_phone(&*state.records, &state.seals, user_id, &body.code, &meta).await;
    confirmed.map(|()| StatusCode::NO_CONTENT).map_err(|error| not_set(&error))
}

/// Takes the telephone away
#[utoipa::path(
    delete, path = "/v1/notifications/phone", operation_id = "forget_phone", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    responses(
        (status = 204, description = "It gets no message any more"),
        (status = 404, description = "`not-found`: the account was erased"),
        (status = 409, description = "`conflict`: the settings changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn forget_phone(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
) -> Result<StatusCode, Problem> {
    let user_id = person(&principal, WRITE)?;
    let meta = meta(&state, Some(&principal), scope);
    let forgotten = app::forget_phone(&*state.records, user_id, &meta).await;
    forgotten.map(|()| StatusCode::NO_CONTENT).map_err(|error| not_set(&error))
}
