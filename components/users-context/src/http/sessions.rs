//! Sessions: log in, refresh, list, log out.

use super::NO_STORE;
use super::document::{OwnAccount, Password};
use crate::Users;
use crate::app::Invalid;
use crate::app::end_session::end_session;
use crate::app::list_sessions::list_sessions;
use crate::app::log_in::log_in;
use crate::app::log_out::log_out;
use crate::app::refresh::refresh;
use crate::app::revoke_sessions::{revoke_other_sessions, revoke_sessions};
use crate::asked::Asked;
use crate::wire::api::{LogInRequest, RefreshRequest, TokensAnswer};
use crate::wire::session::SessionsPage;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ids::SessionId;
use principal::{Client, Principal};
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 50;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Entries of a page; 50 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 50)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RevokeQuery {
    /// Which session goes on; none where nothing is said.
    #[param(inline, example = "current")]
    keep: Option<Keep>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Keep {
    /// The one that asks.
    Current,
}

/// Logs in
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "log_in", tag = "sessions",
    request_body(content = LogInRequest, example = json!({ "email": "anna@example.org", "password": "correct horse" })),
    responses(
        (status = 200, description = "A session has begun", body = TokensAnswer),
        (status = 401, description = "`credentials`: the address or the password is wrong; `second-factor-needed`: send the login again with `code` or `recovery_code`"),
        (status = 409, description = "`conflict`: the account changed at the same time"),
        (status = 422, description = "`second-factor-refused`: the code does not hold; `invalid`"),
        Password,
    ),
)]
pub(super) async fn post_session(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<LogInRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = log_in(&users, &scope, &client, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

/// Goes on with a session
///
/// A refresh token is good once; used again after ten seconds, it ends its session.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", operation_id = "refresh_session", tag = "sessions",
    request_body(
        content = RefreshRequest,
        example = json!({ "refresh_token": "rt1.ses_0001hf9a7zj0e8vr5c2b4k6m8n9p.1.c2lnbmF0dXJl" }),
    ),
    responses(
        (status = 200, description = "New tokens", body = TokensAnswer),
        (status = 401, description = "`session-ended`: the token continues no session"),
        (status = 409, description = "`conflict`: the session changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn post_refresh(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<RefreshRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = refresh(&users, &scope, &client, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

/// Where the caller is logged in
///
/// Newest login first. A page may hold fewer than asked for, and be followed by another all the same.
#[utoipa::path(
    get, path = "/v1/sessions", operation_id = "list_sessions", tag = "sessions",
    security(("bearer" = ["profile"])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = SessionsPage),
        (status = 404, description = "`not-found`: the account is gone since the token was issued"),
        (status = 422, description = "`invalid`: the limit or the cursor is none"),
    ),
)]
pub(super) async fn get_sessions(
    State(users): State<Users>,
    principal: Principal,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(PageQuery { cursor, limit }) = query
        .map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: limit is a number, cursor a text"))?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=records::MAX_PAGE).contains(&limit) {
        return Err(Invalid { field: "limit", why: format!("a page has 1 to {} entries", records::MAX_PAGE) }.into());
    }
    let page: SessionsPage = list_sessions(&users, &principal, cursor, limit).await?;
    Ok((NO_STORE, Json(page)))
}

/// Ends one session
///
/// Twice is as good as once. Its access tokens hold for at most ten more minutes.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", operation_id = "end_session", tag = "sessions",
    security(("bearer" = ["profile"])),
    params(("id" = SessionId, Path, description = "Which one")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 404, description = "`not-found`: the caller has no such session"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn delete_session(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    end_session(&users, &scope, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs out
///
/// Ends the session that the token came from; twice is as good as once.
#[utoipa::path(
    delete, path = "/v1/sessions/current", operation_id = "log_out", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It has ended"),
        (status = 404, description = "`not-found`: the token came from no session"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn delete_current_session(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    log_out(&users, &scope, &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs out everywhere
///
/// With `keep=current` everywhere but here: the answer holds the new tokens of the session that goes on.
#[utoipa::path(
    delete, path = "/v1/sessions", operation_id = "end_all_sessions", tag = "sessions",
    security(("bearer" = ["profile"])),
    params(RevokeQuery),
    responses(
        (status = 200, description = "All others have ended", body = TokensAnswer),
        (status = 204, description = "All have ended"),
        OwnAccount,
    ),
)]
pub(super) async fn delete_sessions(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    query: Result<Query<RevokeQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(RevokeQuery { keep }) =
        query.map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: keep may be `current`"))?;
    if let Some(Keep::Current) = keep {
        let kept = revoke_other_sessions(&users, &scope, &principal).await?;
        return Ok(kept.map_or_else(
            || StatusCode::NO_CONTENT.into_response(),
            |tokens| (NO_STORE, Json(tokens)).into_response(),
        ));
    }
    revoke_sessions(&users, &scope, &principal).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
