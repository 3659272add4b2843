//! Handlers of the ledger: for operators alone.

use super::body;
use super::document::{ExportQuery, Key, Named, Paged};
use super::handlers::OPERATOR;
use crate::Payments;
use crate::app::{self, Operator, Reply};
use crate::wire::schemas::AccountName;
use crate::wire::{
    AccountAnswer, AccountPage, AccountQuery, EntryAnswer, ListQuery, ReversalAnswer, ReversalRequest, StatementPage,
    StatementQuery, TrialBalanceAnswer, VerificationAnswer, VerifyAnswer, VerifyQuery,
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

/// The running sums of all postings
#[utoipa::path(
    get, path = "/v1/ledger/trial-balance", operation_id = "get_trial_balance", tag = "ledger",
    security(("bearer" = ["operator"])),
    responses((status = 200, description = "A line a currency: each sums to zero, or something is badly wrong", body = TrialBalanceAnswer)),
)]
pub async fn trial_balance(
    State(payments): State<Payments>,
    principal: Principal,
) -> Result<Json<TrialBalanceAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::trial_balance(&payments).await?))
}

/// The accounts that were ever posted to, by name
#[utoipa::path(
    get, path = "/v1/ledger/accounts", operation_id = "list_ledger_accounts", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(ListQuery),
    responses((status = 200, description = "A page", body = AccountPage), Paged),
)]
pub async fn accounts(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<AccountPage>, Problem> {
    Ok(Json(app::accounts(&payments, asked(&principal, query)?).await?))
}

/// What an account holds, now or at a moment
#[utoipa::path(
    get, path = "/v1/ledger/accounts/{account}", operation_id = "get_ledger_account", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(("account" = AccountName, Path, description = "Its name in the chart", example = "merchant:EUR"), AccountQuery),
    responses((status = 200, description = "The account", body = AccountAnswer), Named, Paged),
)]
pub async fn account(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    principal: Principal,
    query: Queried<AccountQuery>,
) -> Result<Json<AccountAnswer>, Problem> {
    Ok(Json(app::account(&payments, &account, asked(&principal, query)?).await?))
}

/// What happened to an account, newest first
#[utoipa::path(
    get, path = "/v1/ledger/accounts/{account}/statement", operation_id = "get_statement", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(("account" = AccountName, Path, description = "Its name in the chart", example = "merchant:EUR"), StatementQuery),
    responses((status = 200, description = "A page", body = StatementPage), Named, Paged),
)]
pub async fn statement(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    principal: Principal,
    query: Queried<StatementQuery>,
) -> Result<Json<StatementPage>, Problem> {
    Ok(Json(app::statement(&payments, &account, asked(&principal, query)?).await?))
}

/// The same as CSV, oldest first
///
/// A piece of at most a thousand rows: `Link` (RFC 8288) leads to the next one, which has no heading.
#[utoipa::path(
    get, path = "/v1/ledger/accounts/{account}/statement.csv", operation_id = "export_statement", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(("account" = AccountName, Path, description = "Its name in the chart", example = "merchant:EUR"), ExportQuery),
    responses(
        (
            status = 200, description = "A piece", body = String, content_type = "text/csv",
            headers(("Content-Disposition" = String, description = "The name of the file")),
        ),
        Named,
        Paged,
    ),
)]
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

/// Everything that one change posted
#[utoipa::path(
    get, path = "/v1/ledger/entries/{entry}", operation_id = "get_entry", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(("entry" = u64, Path, description = "Its name: the place of its first leg in the journal", minimum = 1, example = 1)),
    responses((status = 200, description = "The entry", body = EntryAnswer), Named),
)]
pub async fn entry(
    State(payments): State<Payments>,
    Path(entry): Path<String>,
    principal: Principal,
) -> Result<Json<EntryAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::entry(&payments, &entry).await?))
}

/// Reverses an entry
///
/// Its opposite is posted as an entry of its own, once for ever; nothing in the journal is changed.
#[utoipa::path(
    post, path = "/v1/ledger/entries/{entry}/reversal", operation_id = "reverse_entry", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(("entry" = u64, Path, description = "Its name: the place of its first leg in the journal", minimum = 1, example = 1), Key),
    request_body(content = ReversalRequest, example = json!({ "reason": "Booked twice" })),
    responses(
        (
            status = 201, description = "It is reversed", body = ReversalAnswer,
            headers(("Location" = String, description = "The entry")),
        ),
        (status = 404, description = "`not-found`: no entry begins there"),
        (
            status = 409,
            description = "`entry-reversed`: it was before; `entry-not-reversible`: it moved what is held; `in-flight`; \
                           `conflict`",
        ),
        (status = 422, description = "`invalid`; `card-number`; `idempotency-key-reused`"),
    ),
)]
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

/// Whether the journal is what was posted
///
/// A bounded piece a call; `next_cursor` goes on.
#[utoipa::path(
    get, path = "/v1/ledger/verify", operation_id = "verify_journal", tag = "ledger",
    security(("bearer" = ["operator"])),
    params(VerifyQuery),
    responses((status = 200, description = "How far it holds", body = VerifyAnswer), Paged),
)]
pub async fn verify(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<VerifyQuery>,
) -> Result<Json<VerifyAnswer>, Problem> {
    Ok(Json(app::verify(&payments, asked(&principal, query)?).await?))
}

/// What the journal's checks of the background have found
#[utoipa::path(
    get, path = "/v1/ledger/verification", operation_id = "get_verification", tag = "ledger",
    security(("bearer" = ["operator"])),
    responses((status = 200, description = "When all of it was last found to hold", body = VerificationAnswer)),
)]
pub async fn verification(
    State(payments): State<Payments>,
    principal: Principal,
) -> Result<Json<VerificationAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::verification(&payments).await?))
}
