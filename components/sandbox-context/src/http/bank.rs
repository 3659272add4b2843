//! The payer's bank as a browser sees it: a page with two links, and the way back to the shop.
//!
//! A GET that changes something would be wrong anywhere else; here it lets a page work that may run no script and send
//! no form.

use crate::Sandbox;
use crate::app::{self, SandboxError, Step};
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use problem::{NOT_FOUND, Problem};

/// The question.
pub async fn page(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let charge = app::charge(&sandbox, &id).await?;
    // Nothing of the caller's gets into the page: an amount and a name that we made.
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><title>Your bank</title><main><h1>Your bank (sandbox)</h1>\
         <p>Do you want to pay {}?</p><ul><li><a href=\"/sandbox/v1/charges/{id}/authenticate/success\">Yes, it is me</a></li>\
         <li><a href=\"/sandbox/v1/charges/{id}/authenticate/failure\">No</a></li></ul></main></html>",
        charge.asked.amount,
        id = charge.id
    )))
}

/// The payer's answer; then back to the shop, where it gave an address. Asked again it changes nothing.
pub async fn decide(
    State(sandbox): State<Sandbox>,
    Path((id, outcome)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let success = match outcome.as_str() {
        "success" => true,
        "failure" => false,
        _ => return Err(Problem::new(NOT_FOUND)),
    };
    let charge = match app::move_charge(&sandbox, &id, Step::Authenticate { success }).await {
        // Pressed twice, or gone back in the browser: the first answer stands.
        Err(SandboxError::Refused(_)) => app::charge(&sandbox, &id).await?,
        other => other?,
    };
    match charge.asked.return_url.as_deref().map(HeaderValue::try_from) {
        Some(Ok(url)) => Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()),
        _ => Ok(Html(
            "<!doctype html><html lang=\"en\"><title>Your bank</title><p>Thank you. Go back to the shop.</p></html>",
        )
        .into_response()),
    }
}
