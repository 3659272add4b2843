//! The route table, and the one place with status codes.

mod inbox;
mod log;
mod notices;
mod operators;
mod settings;
mod unsubscribe;

use crate::app::{ListError, SettingsError};
use crate::domain::PhoneRefusal;
use crate::seals::Seals;
use ::http::StatusCode;
use ambient::{Clock, Random};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::{delete, get, post, put};
use ids::UserId;
use principal::{Principal, RequestScope};
use problem::{
    CONFLICT, FORBIDDEN, INTERNAL, INVALID, MALFORMED, NOT_FOUND, PRECONDITION_FAILED, Problem, RATE_LIMITED,
    UNAVAILABLE,
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
    /// Codes for telephones.
    pub random: Arc<dyn Random>,
    /// Names of addresses, tokens of links.
    pub seals: Seals,
    /// What notices of providers are believed by.
    pub notices: Arc<NoticeSecrets>,
}

/// What notices of providers are believed by.
#[derive(Debug, Clone, Default)]
pub struct NoticeSecrets {
    /// The password of those who send one; empty: nobody is believed.
    pub password: String,
    /// The token of the Twilio account, which signs; empty: there is none.
    pub twilio_token: String,
    /// Where this system is reached from outside, without a slash at the end: Twilio signs the address that it was given.
    pub public_url: String,
}

/// Routes for people, operators, mail programs and providers.
pub fn public(state: Notifications) -> Router {
    Router::new()
        // The inbox: scopes notifications:read and notifications:write; another's message is 404.
        .route("/v1/notifications", get(inbox::list))
        .route("/v1/notifications/unread-count", get(inbox::unread_count))
        .route("/v1/notifications/{id}", get(inbox::show))
        .route("/v1/notifications/{id}/read", post(inbox::mark_read))
        .route("/v1/notifications/{id}/archive", post(inbox::archive))
        .route("/v1/notifications/{id}/restore", post(inbox::restore))
        // What somebody wants to hear, and what became of what they were sent.
        .route("/v1/notifications/preferences", get(settings::show).put(settings::replace))
        .route("/v1/notifications/phone", put(settings::name_phone).delete(settings::forget_phone))
        .route("/v1/notifications/phone/confirm", post(settings::confirm_phone))
        .route("/v1/notifications/messages", get(log::own))
        .route("/v1/notifications/messages/{id}", get(log::own_message))
        // The link of a letter: no login, a token that only we can make.
        .route("/v1/notifications/unsubscribe/{token}", get(unsubscribe::ask).post(unsubscribe::unsubscribe))
        // Providers: a password or a signature.
        .route("/v1/notifications/providers/{provider}/notices", post(notices::hear))
        // Operators: role operator.
        .route("/v1/notifications/templates", get(operators::templates))
        .route("/v1/notifications/templates/{name}/preview", get(operators::preview))
        .route("/v1/notifications/suppressions", get(operators::suppressions))
        .route("/v1/notifications/suppressions/{id}", delete(operators::lift))
        .route("/v1/notifications/users/{user}/messages", get(log::of_user))
        .route("/v1/notifications/users/{user}/messages/{id}", get(log::message_of_user))
        .with_state(state)
}

/// Routes for other services; the edge checks their token.
pub fn internal(state: Notifications) -> Router {
    Router::new().route("/internal/notifications/readyz", get(ready)).with_state(state)
}

const READ: &str = "notifications:read";
const WRITE: &str = "notifications:write";
const OPERATOR: &str = "operator";
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

impl PageQuery {
    /// The cursor and the limit, which is one.
    fn read(query: Result<Query<Self>, QueryRejection>) -> Result<(Option<String>, u32), Problem> {
        let Query(Self { cursor, limit }) = query.map_err(unreadable)?;
        Ok((cursor, limit_of(limit)?))
    }
}

fn unreadable(_: QueryRejection) -> Problem {
    Problem::new(MALFORMED).detail("the query cannot be read: limit is a number, cursor a text")
}

fn limit_of(limit: Option<u32>) -> Result<u32, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if (1..=records::MAX_PAGE).contains(&limit) {
        return Ok(limit);
    }
    let why = format!("a page has 1 to {} entries", records::MAX_PAGE);
    Err(Problem::new(INVALID).member("field", "limit").member("why", why))
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        inbox::list, inbox::unread_count, inbox::show, inbox::mark_read, inbox::archive, inbox::restore,
        settings::show, settings::replace, settings::name_phone, settings::forget_phone, settings::confirm_phone,
        log::own, log::own_message, log::of_user, log::message_of_user,
        unsubscribe::ask, unsubscribe::unsubscribe, notices::hear,
        operators::templates, operators::preview, operators::suppressions, operators::lift,
    ),
    tags((name = "notifications", description = "The inbox, and all that is sent: what somebody wants to hear, and what became of it")),
)]
struct Api;

/// This context's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    let mut api = <Api as utoipa::OpenApi>::openapi();
    api.merge(crate::live::api());
    api
}

async fn ready(State(state): State<Notifications>) -> Result<StatusCode, Problem> {
    state.records.ready().await.map(|()| StatusCode::NO_CONTENT).map_err(|error| store(&error))
}

/// The account of a caller who may do this; only people have an inbox.
fn person(principal: &Principal, scope: &str) -> Result<UserId, Problem> {
    principal.require_scope(scope)?;
    principal.subject.parse().map_err(|_| Problem::new(FORBIDDEN).detail("only a person has an inbox"))
}

/// A name that cannot be one names nothing.
fn named<T: core::str::FromStr>(id: &str) -> Result<T, Problem> {
    id.parse().map_err(|_| Problem::new(NOT_FOUND))
}

/// Who changes something, when, in which trace.
fn meta(state: &Notifications, actor: Option<&Principal>, scope: RequestScope) -> Meta {
    Meta {
        at: state.clock.now(),
        trace: scope.trace.to_string(),
        cause: None,
        actor: actor.map(|principal| principal.subject.clone()),
    }
}

fn not_listed(error: &ListError) -> Problem {
    match error {
        ListError::Cursor => {
            Problem::new(INVALID).member("field", "cursor").member("why", "it is not one that a page named")
        }
        ListError::Records(error) => store(error),
    }
}

fn not_set(error: &SettingsError) -> Problem {
    match error {
        SettingsError::Erased => Problem::new(NOT_FOUND),
        SettingsError::Changed => Problem::new(PRECONDITION_FAILED),
        SettingsError::Contended => Problem::new(CONFLICT),
        SettingsError::Phone(PhoneRefusal::TooMany { retry_after }) => Problem::new(RATE_LIMITED)
            .retry_after_s(u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            .member("policy", "phone.codes"),
        SettingsError::Phone(PhoneRefusal::WrongCode) => Problem::new(INVALID)
            .member("field", "code")
            .member("why", "it is not the one that was sent, or no longer holds"),
        SettingsError::Records(error) => store(error),
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
