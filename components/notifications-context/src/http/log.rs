//! What became of messages: for whom they were, and for operators, who see neither address nor subject.

use super::{Notifications, OPERATOR, PageQuery, READ, named, not_listed, person, store};
use crate::app;
use crate::wire::{LogPage, LoggedMessage};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use ids::{NotificationId, UserId};
use principal::Principal;
use problem::{Json, NOT_FOUND, Problem};

/// Everything that was made for the caller, newest first
///
/// In the inbox, sent, on its way, or kept back: why stands in each message's own log.
#[utoipa::path(
    get, path = "/v1/notifications/messages", operation_id = "list_messages", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = LogPage),
        (status = 422, description = "`invalid`: the limit or the cursor is none"),
    ),
)]
pub(super) async fn own(
    State(state): State<Notifications>,
    principal: Principal,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<LogPage>, Problem> {
    let user_id = person(&principal, READ)?;
    let (cursor, limit) = PageQuery::read(query)?;
    app::message_log(&*state.records, user_id, cursor, limit).await.map(Json).map_err(|error| not_listed(&error))
}

/// One message of the caller with all that befell it
#[utoipa::path(
    get, path = "/v1/notifications/messages/{id}", operation_id = "get_message", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params(("id" = NotificationId, Path, description = "Which one")),
    responses(
        (status = 200, description = "The message", body = LoggedMessage),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
    ),
)]
pub(super) async fn own_message(
    State(state): State<Notifications>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<LoggedMessage>, Problem> {
    let user_id = person(&principal, READ)?;
    one(&state, user_id, &id, true).await
}

/// Everything that was made for a person, newest first
#[utoipa::path(
    get, path = "/v1/notifications/users/{user}/messages", operation_id = "list_messages_of_user", tag = "operators",
    security(("bearer" = ["operator"])),
    params(("user" = UserId, Path, description = "Whose"), PageQuery),
    responses(
        (status = 200, description = "A page", body = LogPage),
        (status = 404, description = "`not-found`: that names nobody"),
        (status = 422, description = "`invalid`: the limit or the cursor is none"),
    ),
)]
pub(super) async fn of_user(
    State(state): State<Notifications>,
    principal: Principal,
    Path(user): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<LogPage>, Problem> {
    principal.require_role(OPERATOR)?;
    let (cursor, limit) = PageQuery::read(query)?;
    let page = app::message_log(&*state.records, named(&user)?, cursor, limit).await;
    page.map(Json).map_err(|error| not_listed(&error))
}

/// One message of a person with all that befell it
///
/// Without its address and its subject.
#[utoipa::path(
    get, path = "/v1/notifications/users/{user}/messages/{id}", operation_id = "get_message_of_user", tag = "operators",
    security(("bearer" = ["operator"])),
    params(
        ("user" = UserId, Path, description = "Whose"),
        ("id" = NotificationId, Path, description = "Which one"),
    ),
    responses(
        (status = 200, description = "The message", body = LoggedMessage),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
    ),
)]
pub(super) async fn message_of_user(
    State(state): State<Notifications>,
    principal: Principal,
    Path((user, id)): Path<(String, String)>,
) -> Result<Json<LoggedMessage>, Problem> {
    principal.require_role(OPERATOR)?;
    one(&state, named(&user)?, &id, false).await
}

async fn one(
    state: &Notifications,
    user_id: UserId,
    id: &str,
    for_its_person: bool,
) -> Result<Json<LoggedMessage>, Problem> {
    match app::logged_message(&*state.records, user_id, named(id)?, for_its_person).await {
        Ok(Some(message)) => Ok(Json(message)),
        Ok(None) => Err(Problem::new(NOT_FOUND)),
        Err(error) => Err(store(&error)),
    }
}
