//! The inbox: what lies there, what was read, what was put away.

use super::{Notifications, READ, WRITE, limit_of, meta, named, not_listed, person, store, unreadable};
use crate::app::{self, Mark, MarkError, Shelf, ShowError};
use crate::domain::Kind;
use crate::wire::{NotificationAnswer, NotificationsPage, UnreadCount};
use ::http::{StatusCode, header};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use ids::NotificationId;
use principal::{IfMatch, Principal, RequestScope};
use problem::{CONFLICT, INVALID, Json, NOT_FOUND, PRECONDITION_FAILED, Problem};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InboxQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    limit: Option<u32>,
    /// `inbox` where nothing is said; `unread` is a part of it, `archived` is what was put away.
    #[param(pattern = "^(inbox|unread|archived)$", example = "inbox")]
    status: Option<String>,
    /// Only this kind. A page may then be short: only one without `next_cursor` is the last.
    #[param(example = "payment_receipt")]
    kind: Option<String>,
}

/// The caller's inbox, newest first
#[utoipa::path(
    get, path = "/v1/notifications", operation_id = "list_notifications", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params(InboxQuery),
    responses(
        (status = 200, description = "A page", body = NotificationsPage),
        (status = 422, description = "`invalid`: the limit, the cursor, the status or the kind is none"),
    ),
)]
pub(super) async fn list(
    State(state): State<Notifications>,
    principal: Principal,
    query: Result<Query<InboxQuery>, QueryRejection>,
) -> Result<Json<NotificationsPage>, Problem> {
    let user_id = person(&principal, READ)?;
    let Query(InboxQuery { cursor, limit, status, kind }) = query.map_err(unreadable)?;
    let invalid = |field: &str, why: &str| Problem::new(INVALID).member("field", field).member("why", why);
    let shelf = match status.as_deref() {
        None | Some("inbox") => Shelf::Inbox,
        Some("unread") => Shelf::Unread,
        Some("archived") => Shelf::Archived,
        Some(_) => return Err(invalid("status", "it is inbox, unread or archived")),
    };
    let kind = match kind.as_deref() {
        None => None,
        Some(word) => Some(Kind::from_word(word).ok_or_else(|| invalid("kind", "there is no such kind"))?),
    };
    let page = app::list(&*state.records, user_id, shelf, kind, cursor, limit_of(limit)?).await;
    page.map(Json).map_err(|error| not_listed(&error))
}

/// How many messages are unread
#[utoipa::path(
    get, path = "/v1/notifications/unread-count", operation_id = "count_unread_notifications", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    responses((status = 200, description = "The count", body = UnreadCount)),
)]
pub(super) async fn unread_count(
    State(state): State<Notifications>,
    principal: Principal,
) -> Result<Json<UnreadCount>, Problem> {
    let user_id = person(&principal, READ)?;
    app::unread_count(&*state.records, user_id).await.map(Json).map_err(|error| store(&error))
}

/// One message
#[utoipa::path(
    get, path = "/v1/notifications/{id}", operation_id = "get_notification", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params(("id" = NotificationId, Path, description = "Which one")),
    responses(
        (status = 200, description = "The message", body = NotificationAnswer, headers(("ETag", description = "The version of the message, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "The caller has it already, as its `If-None-Match` says"),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
    ),
)]
pub(super) async fn show(
    State(state): State<Notifications>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let user_id = person(&principal, READ)?;
    match app::show(&*state.records, user_id, named(&id)?).await {
        Ok((version, notification)) => {
            let mut response = Json(NotificationAnswer::from(notification)).into_response();
            response.headers_mut().extend(principal::tag(version).map(|tag| (header::ETAG, tag)));
            Ok(response)
        }
        Err(error) => Err(not_shown(&error)),
    }
}

/// Marks a message as read
///
/// Once read it stays read; saying it twice is as good as once.
#[utoipa::path(
    post, path = "/v1/notifications/{id}/read", operation_id = "mark_notification_read", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    params(
        ("id" = NotificationId, Path, description = "Which one"),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$"#, description = "The `ETag` that the message had when it was read"),
    ),
    responses(
        (status = 204, description = "It is read"),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
        (status = 412, description = "`precondition-failed`: it changed since it was read"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn mark_read(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    condition: IfMatch,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    put(&state, &principal, scope, &condition, &id, Mark::Read).await
}

/// Puts a message away
///
/// It lies among what is archived from then on, and counts as read. Twice is as good as once.
#[utoipa::path(
    post, path = "/v1/notifications/{id}/archive", operation_id = "archive_notification", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    params(("id" = NotificationId, Path, description = "Which one")),
    responses(
        (status = 204, description = "It is put away"),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn archive(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    put(&state, &principal, scope, &IfMatch::Unconditional, &id, Mark::Archived).await
}

/// Takes a message out of the archive
///
/// It lies in the inbox again, read. Twice is as good as once.
#[utoipa::path(
    post, path = "/v1/notifications/{id}/restore", operation_id = "restore_notification", tag = "notifications",
    security(("bearer" = ["notifications:write"])),
    params(("id" = NotificationId, Path, description = "Which one")),
    responses(
        (status = 204, description = "It lies in the inbox"),
        (status = 404, description = "`not-found`: there is none, or it is another's"),
        (status = 409, description = "`conflict`: it changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn restore(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    put(&state, &principal, scope, &IfMatch::Unconditional, &id, Mark::Restored).await
}

async fn put(
    state: &Notifications,
    principal: &Principal,
    scope: RequestScope,
    condition: &IfMatch,
    id: &str,
    mark: Mark,
) -> Result<StatusCode, Problem> {
    let user_id = person(principal, WRITE)?;
    let meta = meta(state, Some(principal), scope);
    match app::mark(&*state.records, user_id, named(id)?, mark, condition, &meta).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(MarkError::Show(error)) => Err(not_shown(&error)),
        Err(MarkError::Changed) => Err(Problem::new(PRECONDITION_FAILED)),
        Err(MarkError::Contended) => Err(Problem::new(CONFLICT)),
        Err(MarkError::Records(error)) => Err(store(&error)),
    }
}

fn not_shown(error: &ShowError) -> Problem {
    match error {
        ShowError::NotFound(_) => Problem::new(NOT_FOUND),
        ShowError::Records(error) => store(error),
    }
}
