//! The link of a letter: a page that asks, and one click that turns letters of its kind off. **Source** RFC 8058.
//!
//! A GET changes nothing: mail scanners follow links. The page may run no script and load nothing; its form may go nowhere
//! but back here.

use super::{Notifications, meta, not_set, store};
use crate::app;
use crate::domain::Kind;
use crate::templates::{DEFAULT_LOCALE, unsubscribe_page};
use ::http::{HeaderValue, header};
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use ids::UserId;
use principal::RequestScope;
use problem::{INTERNAL, NOT_FOUND, Problem};

/// Beside what the edge says of every answer: the form may be sent here, and nowhere else.
const CONTENT_SECURITY_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");

/// Asks whether letters of a kind shall come no more
///
/// What a person sees who follows the link of a letter. Changes nothing.
#[utoipa::path(
    get, path = "/v1/notifications/unsubscribe/{token}", operation_id = "ask_unsubscribe", tag = "notifications",
    params(("token" = String, Path, description = "The token of the letter", example = "usr_0001hf9a7zj0e8vr5c2b4k6m8n9p.payment_receipt.AAAAAAAAAAAAAAAAAAAAAA")),
    responses(
        (status = 200, description = "A page with a button", body = String, content_type = "text/html"),
        (status = 404, description = "`not-found`: the token is not one of ours"),
    ),
)]
pub(super) async fn ask(State(state): State<Notifications>, Path(token): Path<String>) -> Result<Response, Problem> {
    let (user_id, kind) = opened(&state, &token)?;
    page(&state, user_id, kind, false).await
}

/// Turns letters of a kind off
///
/// By the token alone, without a login: what mail programs send (`List-Unsubscribe=One-Click`), and the button of the page.
/// Twice is as good as once; the person may turn them on again in their preferences.
#[utoipa::path(
    post, path = "/v1/notifications/unsubscribe/{token}", operation_id = "unsubscribe", tag = "notifications",
    params(("token" = String, Path, description = "The token of the letter", example = "usr_0001hf9a7zj0e8vr5c2b4k6m8n9p.payment_receipt.AAAAAAAAAAAAAAAAAAAAAA")),
    responses(
        (status = 200, description = "They come no more", body = String, content_type = "text/html"),
        (status = 404, description = "`not-found`: the token is not one of ours"),
        (status = 409, description = "`conflict`: the preferences changed at the same time, too often to go on"),
    ),
)]
pub(super) async fn unsubscribe(
    State(state): State<Notifications>,
    scope: RequestScope,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let (user_id, kind) = opened(&state, &token)?;
    let meta = meta(&state, None, scope);
    app::unsubscribe(&*state.records, user_id, kind, &meta).await.map_err(|error| not_set(&error))?;
    page(&state, user_id, kind, true).await
}

/// Whom and what a token is about; what is critical cannot be turned off, so that no letter has a token for it.
fn opened(state: &Notifications, token: &str) -> Result<(UserId, Kind), Problem> {
    let opened = state.seals.open_unsubscribe(token).filter(|(_, kind)| !kind.is_critical());
    opened.ok_or_else(|| Problem::new(NOT_FOUND))
}

async fn page(state: &Notifications, user_id: UserId, kind: Kind, done: bool) -> Result<Response, Problem> {
    let known = app::known_contact(&*state.records, user_id).await.map_err(|error| store(&error))?;
    let locale = match &known {
        app::Known::Contact(contact) => contact.locale.as_str(),
        app::Known::Erased | app::Known::Nothing => DEFAULT_LOCALE,
    };
    let page = unsubscribe_page(kind.word(), locale, done).map_err(|error| Problem::new(INTERNAL).caused_by(&error))?;
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    // It is about one person, and a proof stands in its address.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
