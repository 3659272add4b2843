//! The route table, and the one place with status codes.

use crate::app::{self, ListError, MarkReadError, ShowError};
use crate::wire::{NotificationAnswer, NotificationsPage, UnreadCount};
use crate::work::{Drained, Work};
use ::http::{StatusCode, header};
use ambient::Clock;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use core::time::Duration;
use events::WorkerConfig;
use ids::{NotificationId, UserId};
use principal::{IfMatch, Principal, RequestScope};
use problem::{
    CONFLICT, FORBIDDEN, INTERNAL, INVALID, Json, MALFORMED, NOT_FOUND, PRECONDITION_FAILED, Problem, UNAVAILABLE,
};
use records::{Meta, Records, RecordsError};
use serde::Deserialize;
use std::sync::Arc;

/// What the routes need.
#[derive(Clone)]
pub struct Notifications {
    /// Where everything lies.
    pub records: Arc<dyn Records>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Routes for people.
pub fn public(state: Notifications) -> Router {
    Router::new()
        .route("/v1/notifications", get(list))
        .route("/v1/notifications/unread-count", get(unread_count))
        .route("/v1/notifications/{id}", get(show))
        .route("/v1/notifications/{id}/read", post(mark_read))
        .with_state(state)
}

/// Routes for other services; the edge checks their token.
pub fn internal(state: Notifications, work: Work) -> Router {
    Router::new()
        .route("/internal/notifications/readyz", get(ready))
        .with_state(state)
        .merge(Router::new().route("/internal/notifications/drain", post(drain)).with_state(Arc::new(work)))
}

const READ: &str = "notifications:read";
const WRITE: &str = "notifications:write";
/// Entries of a page, unless the caller says otherwise.
const PAGE: u32 = 20;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// What the page before named as `next_cursor`.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Entries of a page; 20 where nothing is said.
    #[param(minimum = 1, maximum = 100, example = 20)]
    limit: Option<u32>,
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(list, unread_count, show, mark_read),
    tags((name = "notifications", description = "The inbox: messages that follow from events")),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    let mut api = <Api as utoipa::OpenApi>::openapi();
    api.merge(crate::live::api());
    api
}

/// The caller's inbox, newest first
#[utoipa::path(
    get, path = "/v1/notifications", operation_id = "list_notifications", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page", body = NotificationsPage),
        (status = 422, description = "`invalid`: the limit or the cursor is none"),
    ),
)]
async fn list(
    State(state): State<Notifications>,
    principal: Principal,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<NotificationsPage>, Problem> {
    let user_id = person(&principal, READ)?;
    let Query(PageQuery { cursor, limit }) = query
        .map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read: limit is a number, cursor a text"))?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=records::MAX_PAGE).contains(&limit) {
        let why = format!("a page has 1 to {} entries", records::MAX_PAGE);
        return Err(Problem::new(INVALID).member("field", "limit").member("why", why));
    }
    match app::list(&*state.records, user_id, cursor, limit).await {
        Ok(page) => Ok(Json(page)),
        Err(ListError::Cursor) => {
            Err(Problem::new(INVALID).member("field", "cursor").member("why", "it is not one that a page named"))
        }
        Err(ListError::Records(error)) => Err(store(&error)),
    }
}

/// How many messages are unread
#[utoipa::path(
    get, path = "/v1/notifications/unread-count", operation_id = "count_unread_notifications", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    responses((status = 200, description = "The count", body = UnreadCount)),
)]
async fn unread_count(State(state): State<Notifications>, principal: Principal) -> Result<Json<UnreadCount>, Problem> {
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
async fn show(
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
async fn mark_read(
    State(state): State<Notifications>,
    principal: Principal,
    scope: RequestScope,
    condition: IfMatch,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let user_id = person(&principal, WRITE)?;
    let meta = Meta {
        at: state.clock.now(),
        trace: scope.trace.to_string(),
        cause: None,
        actor: Some(principal.subject.clone()),
    };
    match app::mark_read(&*state.records, user_id, named(&id)?, &condition, &meta).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(MarkReadError::Show(error)) => Err(not_shown(&error)),
        Err(MarkReadError::Changed) => Err(Problem::new(PRECONDITION_FAILED)),
        Err(MarkReadError::Contended) => Err(Problem::new(CONFLICT)),
        Err(MarkReadError::Records(error)) => Err(store(&error)),
    }
}

async fn ready(State(state): State<Notifications>) -> Result<StatusCode, Problem> {
    state.records.ready().await.map(|()| StatusCode::NO_CONTENT).map_err(|error| store(&error))
}

/// The bounds of a drain: a request's deadline is ten seconds, and what is in hand must be finished within it.
pub fn drain_bounds() -> WorkerConfig {
    WorkerConfig {
        budget: Duration::from_secs(4),
        suspects_budget: Duration::from_secs(2),
        handling_limit: Duration::from_secs(3),
        ..WorkerConfig::default()
    }
}

async fn drain(State(work): State<Arc<Work>>) -> Result<Json<Drained>, Problem> {
    let drained = work.on_pulse().await.finish();
    drained.map(Json).map_err(|error| Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&error))
}

/// The account of a caller who may do this; only people have an inbox.
fn person(principal: &Principal, scope: &str) -> Result<UserId, Problem> {
    principal.require_scope(scope)?;
    principal.subject.parse().map_err(|_| Problem::new(FORBIDDEN).detail("only a person has an inbox"))
}

/// A name that cannot be one names nothing.
fn named(id: &str) -> Result<NotificationId, Problem> {
    id.parse().map_err(|_| Problem::new(NOT_FOUND))
}

fn not_shown(error: &ShowError) -> Problem {
    match error {
        ShowError::NotFound(_) => Problem::new(NOT_FOUND),
        ShowError::Records(error) => store(error),
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
mod tests {
    use super::*;
    use crate::fixtures::{House, NOW, ada, bob, captured, registered};
    use ::http::{Method, Request};
    use axum::body::Body;
    use futures::executor::block_on;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    fn principal(user_id: UserId, scopes: &[&str]) -> Principal {
        Principal {
            subject: user_id.to_string(),
            session: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            roles: vec!["user".into()],
            assurance: 1,
            expires_at: NOW.parse().unwrap(),
        }
    }

    fn ask_as(house: &House, caller: Option<Principal>, method: Method, path: &str) -> (u16, Value) {
        let state = Notifications { records: Arc::new(house.records.clone()), clock: Arc::new(house.clock.clone()) };
        let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        block_on(async {
            let response = public(state).oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        })
    }

    fn ask(house: &House, user_id: UserId, method: Method, path: &str) -> (u16, Value) {
        ask_as(house, Some(principal(user_id, &[READ, WRITE])), method, path)
    }

    /// A house where Ada has a welcome and some receipts.
    fn lived_in(receipts: usize) -> House {
        let house = House::new();
        house.hear(&registered(ada()));
        for n in 0..receipts {
            house.clock.advance_ms(1000);
            house.hear(&captured(ada(), &format!("p{n}")));
        }
        house
    }

    #[test]
    fn the_document_and_the_routes_agree() {
        let house = lived_in(1);
        let state = Notifications { records: Arc::new(house.records.clone()), clock: Arc::new(house.clock.clone()) };
        let caller = principal(ada(), &[READ, WRITE]);
        let scene = api_document::Scene::new(public(state))
            .by(move |request| drop(request.extensions_mut().insert(caller.clone())));
        let check =
            api_document::Agreement::new(scene, <Api as utoipa::OpenApi>::openapi(), &[include_str!("http.rs")]);
        let found = block_on(check.complaints());
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn the_inbox_and_one_message_look_like_this() {
        let house = lived_in(1);
        let (status, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        assert_eq!(status, 200);
        let id = page["items"][0]["id"].as_str().unwrap().to_owned();
        let (_, one) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/{id}"));
        insta::assert_json_snapshot!(json!({ "page": page, "one": one }));
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let house = lived_in(6);
        let (mut seen, mut path) = (Vec::new(), "/v1/notifications?limit=3".to_owned());
        loop {
            let (status, page) = ask(&house, ada(), Method::GET, &path);
            assert_eq!(status, 200, "{page}");
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["created_at"].as_str().unwrap().to_owned()),
            );
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/notifications?limit=3&cursor={cursor}");
        }
        assert_eq!(seen.len(), 7);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
    }

    #[test]
    fn a_message_is_not_sent_again_to_who_has_it_and_not_changed_by_who_read_another() {
        let house = lived_in(0);
        let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        let path = format!("/v1/notifications/{}", page["items"][0]["id"].as_str().unwrap());
        let send = |method: Method, path: String, if_match: Option<&str>| {
            let state =
                Notifications { records: Arc::new(house.records.clone()), clock: Arc::new(house.clock.clone()) };
            let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            request.extensions_mut().insert(principal(ada(), &[READ, WRITE]));
            if let Some(tag) = if_match {
                request.headers_mut().insert("if-match", tag.parse().unwrap());
            }
            block_on(public(state).oneshot(request)).unwrap()
        };
        let tag = |response: &Response| response.headers()["etag"].to_str().unwrap().to_owned();
        let first = tag(&send(Method::GET, path.clone(), None));
        assert_eq!(first, "\"1.1\"");
        assert_eq!(send(Method::POST, format!("{path}/read"), Some("\"1.7\"")).status(), 412);
        assert_eq!(tag(&send(Method::GET, path.clone(), None)), first, "nothing changed");
        assert_eq!(send(Method::POST, format!("{path}/read"), Some(&first)).status(), 204);
        assert_ne!(tag(&send(Method::GET, path.clone(), None)), first);
        assert_eq!(send(Method::POST, format!("{path}/read"), Some(&first)).status(), 412, "it changed since");
    }

    #[test]
    fn reading_twice_counts_once() {
        let house = lived_in(1);
        let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        let id = page["items"][0]["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            assert_eq!(ask(&house, ada(), Method::POST, &format!("/v1/notifications/{id}/read")).0, 204);
        }
        let (_, count) = ask(&house, ada(), Method::GET, "/v1/notifications/unread-count");
        assert_eq!(count, json!({ "unread": 1 }));
        let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        let read: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|item| item["read"].as_bool().unwrap()).collect();
        assert_eq!(read, [true, false]);
        assert_eq!(house.said().iter().filter(|kind| kind.contains("read")).count(), 1);
    }

    #[test]
    fn a_message_of_somebody_else_and_one_that_never_was_answer_alike() {
        let house = lived_in(0);
        let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        let theirs = page["items"][0]["id"].as_str().unwrap().to_owned();
        let never = NotificationId::derived(0, &[b"never"]).to_string();
        for id in [theirs.as_str(), never.as_str(), "nonsense"] {
            let shown = ask(&house, bob(), Method::GET, &format!("/v1/notifications/{id}"));
            let read = ask(&house, bob(), Method::POST, &format!("/v1/notifications/{id}/read"));
            assert_eq!((shown.0, read.0), (404, 404), "{id}");
            assert_eq!(shown.1, read.1);
        }
        let (_, count) = ask(&house, ada(), Method::GET, "/v1/notifications/unread-count");
        assert_eq!(count["unread"], 1);
    }

    #[test]
    fn nobody_gets_in_without_a_token_or_the_scope() {
        let house = lived_in(0);
        let id = NotificationId::derived(0, &[b"n"]);
        for (method, path, scope) in [
            (Method::GET, "/v1/notifications".to_owned(), WRITE),
            (Method::GET, "/v1/notifications/unread-count".to_owned(), WRITE),
            (Method::GET, format!("/v1/notifications/{id}"), WRITE),
            (Method::POST, format!("/v1/notifications/{id}/read"), READ),
        ] {
            assert_eq!(ask_as(&house, None, method.clone(), &path).0, 401, "{path}");
            assert_eq!(ask_as(&house, Some(principal(ada(), &[scope])), method, &path).0, 403, "{path}");
        }
    }

    #[test]
    fn a_limit_or_cursor_that_cannot_be_is_refused_by_name() {
        let house = lived_in(0);
        for (query, status, field) in [
            ("limit=0", 422, "limit"),
            ("limit=101", 422, "limit"),
            ("cursor=%FF%00", 422, "cursor"),
            ("limit=many", 400, ""),
        ] {
            let (found, problem) = ask(&house, ada(), Method::GET, &format!("/v1/notifications?{query}"));
            assert_eq!(found, status, "{query}: {problem}");
            assert_eq!(problem["field"].as_str().unwrap_or_default(), field);
        }
    }

    #[test]
    fn a_store_that_is_gone_is_503_with_a_time_to_come_back() {
        let house = lived_in(0);
        let (_, page) = ask(&house, ada(), Method::GET, "/v1/notifications");
        let id = page["items"][0]["id"].as_str().unwrap().to_owned();
        house.records.lose_everything();
        let (status, problem) = ask(&house, ada(), Method::GET, &format!("/v1/notifications/{id}"));
        assert_eq!((status, problem["type"].as_str()), (503, Some("/problems/unavailable")));
    }
}
