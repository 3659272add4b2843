//! The route table, and the one place with status codes.

mod document;
mod endpoints;
mod messages;

pub use document::api;

use crate::Webhooks;
use crate::app::{Caller, CommandError, OnceRequest, ROLE_ADMIN};
use ::http::StatusCode;
use ambient::Clock;
use axum::Router;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::routing::{get, post};
use document::PageQuery;
use ids::UserId;
use principal::{Idempotency, Principal, RequestScope};
use problem::{
    CONFLICT, FORBIDDEN, IN_FLIGHT, INTERNAL, INVALID, KEY_REUSED, Kind, MALFORMED, NOT_FOUND, PRECONDITION_FAILED,
    Problem, UNAVAILABLE,
};
use records::{Meta, RecordsError};
use std::str::FromStr;

/// The account has as many endpoints as it may.
const TOO_MANY_ENDPOINTS: Kind =
    Kind { slug: "too-many-endpoints", status: 409, title: "The account has as many endpoints as it may." };
/// Nothing is sent to the endpoint.
const ENDPOINT_DISABLED: Kind =
    Kind { slug: "endpoint-disabled", status: 409, title: "The endpoint is disabled: nothing is sent to it." };

/// The kinds of problem that are this context's own.
pub const PROBLEMS: &[Kind] = &[TOO_MANY_ENDPOINTS, ENDPOINT_DISABLED];

const READ: &str = "webhooks:read";
const WRITE: &str = "webhooks:write";
/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 20;

/// Routes for people and their programs; another's endpoint is 404.
pub fn public(webhooks: Webhooks) -> Router {
    Router::new()
        .route("/v1/webhooks/event-types", get(messages::event_types))
        .route("/v1/webhooks/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/v1/webhooks/endpoints/{id}", get(endpoints::show).patch(endpoints::change).delete(endpoints::delete))
        .route("/v1/webhooks/endpoints/{id}/enable", post(endpoints::enable))
        .route("/v1/webhooks/endpoints/{id}/disable", post(endpoints::disable))
        .route("/v1/webhooks/endpoints/{id}/secret", get(endpoints::show_secret))
        .route("/v1/webhooks/endpoints/{id}/secret/rotate", post(endpoints::rotate_secret))
        .route("/v1/webhooks/endpoints/{id}/test", post(messages::send_test))
        .route("/v1/webhooks/endpoints/{id}/recover", post(messages::recover))
        .route("/v1/webhooks/endpoints/{id}/attempts", get(messages::list_attempts))
        .route("/v1/webhooks/endpoints/{id}/messages", get(messages::list))
        .route("/v1/webhooks/endpoints/{id}/messages/{message_id}", get(messages::show))
        .route("/v1/webhooks/endpoints/{id}/messages/{message_id}/resend", post(messages::resend))
        .with_state(webhooks)
}

/// Routes for other services; the edge checks their token.
pub fn internal(webhooks: Webhooks) -> Router {
    Router::new().route("/internal/webhooks/readyz", get(ready)).with_state(webhooks)
}

async fn ready(State(webhooks): State<Webhooks>) -> Result<StatusCode, Problem> {
    webhooks.records.ready().await.map(|()| StatusCode::NO_CONTENT).map_err(|error| store(&error))
}

/// A caller who may do this; only people have endpoints, and their programs in their name.
fn caller(webhooks: &Webhooks, principal: &Principal, scope: RequestScope, wanted: &str) -> Result<Caller, Problem> {
    principal.require_scope(wanted)?;
    let user: UserId =
        principal.subject.parse().map_err(|_| Problem::new(FORBIDDEN).detail("only a person has endpoints"))?;
    let meta = Meta {
        at: Clock::now(&*webhooks.clock),
        trace: scope.trace.to_string(),
        cause: None,
        actor: Some(principal.subject.clone()),
    };
    Ok(Caller { user, admin: principal.has_role(ROLE_ADMIN), meta })
}

/// A name that cannot be one names nothing.
fn named<T: FromStr>(id: &str) -> Result<T, Problem> {
    id.parse().map_err(|_| Problem::new(NOT_FOUND))
}

fn once(idempotency: &Idempotency) -> OnceRequest {
    OnceRequest { key: idempotency.key.as_str().to_owned(), fingerprint: idempotency.fingerprint }
}

/// The cursor and the limit of a page.
fn page(query: Result<Query<PageQuery>, QueryRejection>) -> Result<(Option<String>, u32), Problem> {
    let Query(PageQuery { cursor, limit }) = query
        .map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: limit is a number, cursor a text"))?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=records::MAX_PAGE).contains(&limit) {
        let why = format!("a page has 1 to {} entries", records::MAX_PAGE);
        return Err(Problem::new(INVALID).member("field", "limit").member("why", why));
    }
    Ok((cursor, limit))
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::NotFound => Self::new(NOT_FOUND),
            CommandError::Invalid { field, why } => Self::new(INVALID).member("field", field).member("why", why),
            CommandError::TooMany => Self::new(TOO_MANY_ENDPOINTS).detail(detail),
            CommandError::Disabled => Self::new(ENDPOINT_DISABLED).detail("enable the endpoint first"),
            CommandError::NotAdmin | CommandError::Erased => Self::new(FORBIDDEN).detail(detail),
            CommandError::Changed => Self::new(PRECONDITION_FAILED),
            CommandError::Contended => Self::new(CONFLICT),
            CommandError::KeyReused => Self::new(KEY_REUSED),
            CommandError::InFlight { retry_after_ms } => {
                Self::new(IN_FLIGHT).retry_after_s(u32::try_from(retry_after_ms.div_ceil(1000)).unwrap_or(1))
            }
            CommandError::Records(error) => store(&error),
        }
    }
}

fn store(error: &RecordsError) -> Problem {
    match error {
        RecordsError::Unavailable(_) | RecordsError::RolledBack { .. } | RecordsError::Layout(_) => {
            Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(error)
        }
        RecordsError::Corrupt { .. } | RecordsError::Invalid(_) => Problem::new(INTERNAL).caused_by(error),
    }
}

#[cfg(test)]
mod tests;
