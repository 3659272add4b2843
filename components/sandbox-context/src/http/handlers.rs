//! Handlers: check the key, take the request apart, call the use case.

use super::key;
use crate::Sandbox;
use crate::app::{self, Step};
use crate::domain::Charge;
use crate::wire::{
    AuthenticateRequest, CaptureRequest, ChargeAnswer, ChargeList, ChargeQuery, ChargeRequest, CloseDisputeRequest,
    LetterList, LetterQuery, LetterRequest, Proof, RefundRequest, SettlementQuery, SmsRequest, Verdict, settlement_csv,
};
use ambient::Timestamp;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use principal::Idempotency;
use problem::{INTERNAL, Json, MALFORMED, Problem};

fn shown(sandbox: &Sandbox, charge: &Charge) -> Json<ChargeAnswer> {
    Json(ChargeAnswer::at(charge, sandbox.clock.now()))
}

fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|_| Problem::new(MALFORMED).detail("the query cannot be read"))
}

pub async fn make_charge(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    idempotency: Idempotency,
    Json(request): Json<ChargeRequest>,
) -> Result<Json<ChargeAnswer>, Problem> {
    key::require(&headers, &sandbox.acquirer_key)?;
    let charge = app::make_charge(&sandbox, idempotency.key.as_str(), request).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn capture(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: Idempotency,
    Json(request): Json<CaptureRequest>,
) -> Result<Json<ChargeAnswer>, Problem> {
    key::require(&headers, &sandbox.acquirer_key)?;
    let charge = app::move_charge(&sandbox, &id, Step::Capture(request.amount_minor)).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn cancel(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: Idempotency,
) -> Result<Json<ChargeAnswer>, Problem> {
    key::require(&headers, &sandbox.acquirer_key)?;
    let charge = app::move_charge(&sandbox, &id, Step::Cancel).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn refund(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    idempotency: Idempotency,
    Json(request): Json<RefundRequest>,
) -> Result<Json<ChargeAnswer>, Problem> {
    key::require(&headers, &sandbox.acquirer_key)?;
    let RefundRequest { reference, amount_minor } = request;
    let key = idempotency.key.as_str().to_owned();
    let charge = app::move_charge(&sandbox, &id, Step::Refund { key, reference, amount_minor }).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn dispute(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Result<Json<ChargeAnswer>, Problem> {
    let charge = app::move_charge(&sandbox, &id, Step::Dispute).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn close_dispute(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(request): Json<CloseDisputeRequest>,
) -> Result<Json<ChargeAnswer>, Problem> {
    let won = request.outcome == Verdict::Won;
    let charge = app::move_charge(&sandbox, &id, Step::CloseDispute { won }).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn authenticate(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(request): Json<AuthenticateRequest>,
) -> Result<Json<ChargeAnswer>, Problem> {
    let success = request.outcome == Proof::Success;
    let charge = app::move_charge(&sandbox, &id, Step::Authenticate { success }).await?;
    Ok(shown(&sandbox, &charge))
}

pub async fn charges(
    State(sandbox): State<Sandbox>,
    asked: Result<Query<ChargeQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let ChargeQuery { idempotency_key, reference } = query(asked)?;
    if let Some(key) = idempotency_key {
        let charge = app::charge_of_key(&sandbox, &key).await?;
        return Ok(shown(&sandbox, &charge).into_response());
    }
    let (charges, total) = app::charges(&sandbox, reference.as_deref()).await?;
    let items = charges.iter().map(|charge| ChargeAnswer::at(charge, sandbox.clock.now())).collect();
    Ok(Json(ChargeList { items, total }).into_response())
}

/// A piece of the settlement; `Link` (RFC 8288) leads to the next one, only the first has a heading.
pub async fn settlement(
    State(sandbox): State<Sandbox>,
    asked: Result<Query<SettlementQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let SettlementQuery { from, to, cursor } = query(asked)?;
    let moment = |text: &Option<String>| text.as_deref().map(str::parse::<Timestamp>).transpose();
    let bad = |_| Problem::new(MALFORMED).detail("`from` and `to` are moments such as 2026-01-01T00:00:00.000Z");
    let (since, until) = (moment(&from).map_err(bad)?, moment(&to).map_err(bad)?);
    let first = cursor.is_none();
    let piece = app::settlement(&sandbox, since, until, cursor).await?;
    let csv = settlement_csv(&piece.lines, first).map_err(|error| Problem::new(INTERNAL).caused_by(&error))?;
    let mut response = csv.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Some(cursor) = piece.next {
        // The range was read as moments: nothing in it needs escaping in a query.
        let range: String = [("from", since), ("to", until)]
            .into_iter()
            .filter_map(|(word, moment)| Some(format!("&{word}={}", moment?)))
            .collect();
        let link = format!("</sandbox/v1/settlement.csv?cursor={cursor}{range}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::try_from(link) {
            headers.insert(header::LINK, link);
        }
    }
    Ok(response)
}

pub async fn receive_letter(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Json(request): Json<LetterRequest>,
) -> Result<Response, Problem> {
    key::require(&headers, &sandbox.mail_key)?;
    let (letter, known) = app::receive_letter(&sandbox, request).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(letter)).into_response())
}

pub async fn receive_sms(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Json(request): Json<SmsRequest>,
) -> Result<Response, Problem> {
    key::require(&headers, &sandbox.mail_key)?;
    let (letter, known) = app::receive_sms(&sandbox, request).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(letter)).into_response())
}

/// Takes a letter back by the key that it was sent under; one that never came will not come either.
pub async fn delete_letter(
    State(sandbox): State<Sandbox>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    key::require(&headers, &sandbox.mail_key)?;
    app::delete_letter(&sandbox, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn letters(
    State(sandbox): State<Sandbox>,
    asked: Result<Query<LetterQuery>, QueryRejection>,
) -> Result<Json<LetterList>, Problem> {
    let LetterQuery { to } = query(asked)?;
    let (items, total) = app::letters(&sandbox, &to).await?;
    Ok(Json(LetterList { items, total }))
}

#[cfg(test)]
mod tests;
