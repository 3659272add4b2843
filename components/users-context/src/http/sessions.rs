//! Sessions: log in, refresh, list, log out.

use super::NO_STORE;
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
use principal::{Client, Principal};
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;

/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 50;

#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    cursor: Option<String>,
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RevokeQuery {
    keep: Option<Keep>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keep {
    Current,
}

pub(super) async fn post_session(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<LogInRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = log_in(&users, &scope, &client, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

pub(super) async fn post_refresh(
    State(users): State<Users>,
    scope: Asked,
    client: Client,
    Json(request): Json<RefreshRequest>,
) -> Result<impl IntoResponse, Problem> {
    let tokens: TokensAnswer = refresh(&users, &scope, &client, request).await?;
    Ok((NO_STORE, Json(tokens)))
}

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

pub(super) async fn delete_session(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    end_session(&users, &scope, &principal, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete_current_session(
    State(users): State<Users>,
    scope: Asked,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    log_out(&users, &scope, &principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All of them: 204; with `keep=current` all others, and the answer holds the new tokens of the one that goes on.
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
