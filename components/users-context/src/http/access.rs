//! Access: the audit trail for operators, and what a person sees of their own.

use super::NO_STORE;
use crate::Access;
use crate::app::Invalid;
use crate::app::audit::{Part, list, own_activity, verify};
use crate::wire::trail::{TrailPage, TrailVerified};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::IntoResponse;
use principal::Principal;
use problem::{Json, MALFORMED, Problem};
use serde::Deserialize;

/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 50;

#[derive(Debug, Deserialize)]
pub(super) struct TrailQuery {
    account: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VerifyQuery {
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

pub(super) async fn get_audit(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<TrailQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let page: TrailPage = list(&access, &principal, part(asked(query)?)?).await?;
    Ok((NO_STORE, Json(page)))
}

pub(super) async fn get_activity(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<TrailQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let page: TrailPage = own_activity(&access, &principal, part(asked(query)?)?).await?;
    Ok((NO_STORE, Json(page)))
}

pub(super) async fn get_verify(
    State(access): State<Access>,
    principal: Principal,
    query: Result<Query<VerifyQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let verified: TrailVerified = verify(&access, &principal, asked(query)?.cursor).await?;
    Ok((NO_STORE, Json(verified)))
}
