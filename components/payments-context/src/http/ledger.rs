//! Handlers of the ledger: for operators alone.

use super::body;
use super::handlers::OPERATOR;
use crate::Payments;
use crate::app::{self, Operator, Reply};
use crate::wire::{
    AccountAnswer, AccountPage, AccountQuery, EntryAnswer, ListQuery, StatementPage, StatementQuery,
    TrialBalanceAnswer, VerificationAnswer, VerifyAnswer, VerifyQuery,
};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, MALFORMED, Problem};

/// A query string as the extractor found it.
pub type Queried<T> = Result<Query<T>, QueryRejection>;

/// The query of an operator's question.
pub fn asked<T>(principal: &Principal, query: Queried<T>) -> Result<T, Problem> {
    principal.require_role(OPERATOR)?;
    query.map(|Query(query)| query).map_err(|_| Problem::new(MALFORMED).detail("`limit` is a number, the rest is text"))
}

/// An operator who asks for a change.
pub fn operator(principal: Principal, idempotency: Idempotency, scope: RequestScope) -> Result<Operator, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Operator { subject: principal.subject, idempotency, scope })
}

pub async fn trial_balance(
    State(payments): State<Payments>,
    principal: Principal,
) -> Result<Json<TrialBalanceAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::trial_balance(&payments).await?))
}

pub async fn accounts(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<AccountPage>, Problem> {
    Ok(Json(app::accounts(&payments, asked(&principal, query)?).await?))
}

pub async fn account(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    principal: Principal,
    query: Queried<AccountQuery>,
) -> Result<Json<AccountAnswer>, Problem> {
    Ok(Json(app::account(&payments, &account, asked(&principal, query)?).await?))
}

pub async fn statement(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    principal: Principal,
    query: Queried<StatementQuery>,
) -> Result<Json<StatementPage>, Problem> {
    Ok(Json(app::statement(&payments, &account, asked(&principal, query)?).await?))
}

/// A piece of an export; `Link` (RFC 8288) leads to the next one.
pub async fn export(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    principal: Principal,
    query: Queried<StatementQuery>,
) -> Result<Response, Problem> {
    let query = asked(&principal, query)?;
    let range = [("from", query.from.clone()), ("to", query.to.clone())];
    let piece = app::export(&payments, &account, query).await?;
    let mut response = piece.csv.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = format!("attachment; filename=\"{}.csv\"", account.replace(':', "-"));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Some(cursor) = piece.next_cursor {
        // The range was read as moments: nothing in it needs escaping in a query.
        let mut link = format!("</v1/ledger/accounts/{account}/statement.csv?cursor={cursor}");
        for (word, moment) in range {
            link.extend(
                moment.into_iter().flat_map(|moment| ["&".to_owned(), word.to_owned(), "=".to_owned(), moment]),
            );
        }
        if let Ok(link) = HeaderValue::try_from(format!("{link}>; rel=\"next\"")) {
            headers.insert(header::LINK, link);
        }
    }
    Ok(response)
}

pub async fn entry(
    State(payments): State<Payments>,
    Path(entry): Path<String>,
    principal: Principal,
) -> Result<Json<EntryAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::entry(&payments, &entry).await?))
}

pub async fn reverse(
    State(payments): State<Payments>,
    Path(entry): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::reverse(&payments, &operator, &entry, body::read(&bytes)?).await?)
}

pub async fn verify(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<VerifyQuery>,
) -> Result<Json<VerifyAnswer>, Problem> {
    Ok(Json(app::verify(&payments, asked(&principal, query)?).await?))
}

pub async fn verification(
    State(payments): State<Payments>,
    principal: Principal,
) -> Result<Json<VerificationAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::verification(&payments).await?))
}
