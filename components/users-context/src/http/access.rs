//! Access: the audit trail for operators, and what a person sees of their own.

use super::NO_STORE;
use crate::Access;
use crate::app::Invalid;
use crate::app::audit::{Part, list, own_activity, verify};
use crate::wire::trail::{TrailPage, TrailVerified};
use ambient::Timestamp;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use principal::Principal;
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TrailQuery {
    /// Of one account, or of `unknown`: attempts that were at nobody's.
    #[param(pattern = "^(usr_[0-9a-f]{2}[0-7][0-9a-hjkmnp-tv-z]{25}|unknown)$")]
    account: Option<String>,
    /// Only what happened at this moment or before.
    #[param(value_type = Option<Timestamp>)]
    until: Option<String>,
    /// What the page before named as `next_cursor`.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    cursor: Option<String>,
    /// Entries of a page; 50 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 50)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityQuery {
    /// Only what happened at this moment or before.
    #[param(value_type = Option<Timestamp>)]
    until: Option<String>,
    /// What the page before named as `next_cursor`.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    cursor: Option<String>,
    /// Entries of a page; 50 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 50)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct VerifyQuery {
    /// The `next_cursor` of the check before, to go on where it ended.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

fn asked<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let malformed = |_| Problem::new(MALFORMED).detail("the query cannot be read: limit is a number, the rest is text");
    query.map(|Query(query)| query).map_err(malformed)
}

fn part(query: TrailQuery) -> Result<Part, Invalid> {
    let moment = |text: String| {
        let why = "it is a moment such as 2026-01-01T00:00:00Z".to_owned();
        text.parse().map_err(|_| Invalid { field: "until", why })
    };
    let TrailQuery { account, until, cursor, limit } = query;
    Ok(Part { account, until: until.map(moment).transpose()?, cursor, limit: limit.unwrap_or(PAGE) })
}

/// What happened to accounts, newest first
///
/// To all of them, or to one.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "list_audit", tag = "audit",
    security(("bearer" = ["operator"])),
    params(TrailQuery),
    responses(
        (status = 200, description = "A page", body = TrailPage),
        (status = 422, description = "`invalid`: the account, the moment, the limit or the cursor is none"),
    ),
)]
pub(super) async fn get_audit(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<TrailQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let page: TrailPage = list(&access, &principal, part(asked(query)?)?).await?;
    Ok((NO_STORE, Json(page)))
}

/// What happened to the caller's account, newest first
///
/// Whoever did it is `you` or `operator`; of operators nothing else is told.
#[utoipa::path(
    get, path = "/v1/users/me/activity", operation_id = "list_activity", tag = "audit",
    security(("bearer" = ["profile"])),
    params(ActivityQuery),
    responses(
        (status = 200, description = "A page", body = TrailPage),
        (status = 404, description = "`not-found`: the token names no account"),
        (status = 422, description = "`invalid`: the moment, the limit or the cursor is none"),
    ),
)]
pub(super) async fn get_activity(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<ActivityQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let ActivityQuery { until, cursor, limit } = asked(query)?;
    let query = TrailQuery { account: None, until, cursor, limit };
    let page: TrailPage = own_activity(&access, &principal, part(query)?).await?;
    Ok((NO_STORE, Json(page)))
}

/// Whether the audit trail is what was written
///
/// A bounded piece a call; `next_cursor` goes on.
#[utoipa::path(
    get, path = "/v1/audit/verify", operation_id = "verify_audit", tag = "audit",
    security(("bearer" = ["operator"])),
    params(VerifyQuery),
    responses(
        (status = 200, description = "How far it holds", body = TrailVerified),
        (status = 422, description = "`invalid`: the cursor is none"),
    ),
)]
pub(super) async fn get_verify(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<VerifyQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let verified: TrailVerified = verify(&access, &principal, asked(query)?.cursor).await?;
    Ok((NO_STORE, Json(verified)))
}
