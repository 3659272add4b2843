//! Handlers that look into streams.

use super::document::{Kept, Named, Paged};
use super::{READ, admin};
use crate::Operations;
use crate::app;
use crate::wire::event::EventPage;
use crate::wire::request::{EventsQuery, StreamQuery};
use crate::wire::stream::{GroupsAnswer, StreamAnswer, StreamsAnswer};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use principal::Principal;
use problem::{Json, MALFORMED, Problem};

/// A query as axum found it.
pub(super) type Queried<T> = Result<Query<T>, QueryRejection>;

/// The query, or 400.
pub(super) fn asked<T>(query: Queried<T>) -> Result<T, Problem> {
    let unreadable =
        "the query cannot be read: limit and partition are numbers, moments are RFC 3339, the others texts";
    query.map(|Query(query)| query).map_err(|_| Problem::new(MALFORMED).detail(unreadable))
}

/// Every stream
///
/// How many events lie in it, since when, and what they take.
#[utoipa::path(
    get, path = "/v1/operations/streams", operation_id = "list_streams", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    responses((status = 200, description = "The streams", body = StreamsAnswer)),
)]
pub async fn list(State(house): State<Operations>, principal: Principal) -> Result<Json<StreamsAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::streams(&house).await?))
}

/// One stream
#[utoipa::path(
    get, path = "/v1/operations/streams/{context}", operation_id = "get_stream", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(("context" = String, Path, description = "Whose events", example = "payments"), StreamQuery),
    responses((status = 200, description = "The stream", body = StreamAnswer), Named),
)]
pub async fn show(
    State(house): State<Operations>,
    Path(context): Path<String>,
    principal: Principal,
    query: Queried<StreamQuery>,
) -> Result<Json<StreamAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::stream(&house, &context, asked(query)?.partition).await?))
}

/// The groups that hear a stream
///
/// How far each is, what it has in hand, what it puts off and gives up.
#[utoipa::path(
    get, path = "/v1/operations/streams/{context}/groups", operation_id = "list_groups", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(("context" = String, Path, description = "Whose events", example = "payments"), StreamQuery),
    responses((status = 200, description = "The groups", body = GroupsAnswer), Named),
)]
pub async fn groups(
    State(house): State<Operations>,
    Path(context): Path<String>,
    principal: Principal,
    query: Queried<StreamQuery>,
) -> Result<Json<GroupsAnswer>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::groups(&house, &context, asked(query)?.partition).await?))
}

/// What a service told
///
/// Newest first; with `after` or `since`, what came after an entry or from a moment on, oldest first. What is not in the stream
/// any more is asked of the service that told it, which keeps it for 90 days. The personal part of an event is never shown.
#[utoipa::path(
    get, path = "/v1/operations/streams/{context}/events", operation_id = "list_events", tag = "operations",
    security(("bearer" = ["admin", "operations:read"])),
    params(("context" = String, Path, description = "Whose events", example = "payments"), EventsQuery),
    responses((status = 200, description = "A page", body = EventPage), Named, Paged, Kept),
)]
pub async fn events(
    State(house): State<Operations>,
    Path(context): Path<String>,
    principal: Principal,
    query: Queried<EventsQuery>,
) -> Result<Json<EventPage>, Problem> {
    admin(&principal, READ)?;
    Ok(Json(app::entries(&house, &context, &asked(query)?).await?))
}
