//! Handlers of reconciliations: for operators alone.

use super::body;
use super::document::{Key, Named, Paged};
use super::handlers::OPERATOR;
use super::ledger::{Queried, asked, operator};
use crate::Payments;
use crate::app::{self, Clerk, Reply};
use crate::wire::schemas::DifferenceName;
use crate::wire::{
    ChunkRequest, CloseRequest, DifferenceAnswer, DifferencePage, DifferenceQuery, DiscardRequest, ListQuery,
    ReconciliationAnswer, ReconciliationId, ReconciliationPage, ReconciliationRequest, ResolutionRequest,
};
use axum::body::Bytes;
use axum::extract::{Path, State};
use principal::{Idempotency, Principal, RequestScope};
use problem::{Json, Problem};

/// Begins the reconciliation of a statement
///
/// The same statement with the same days is the same reconciliation, whatever the key.
#[utoipa::path(
    post, path = "/v1/reconciliations", operation_id = "create_reconciliation", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(Key),
    request_body(
        content = ReconciliationRequest,
        example = json!({ "provider": "acquirer", "statement": "2026-01", "from": "2026-01-01", "to": "2026-01-31" }),
    ),
    responses(
        (
            status = 200, description = "It was there before, and stands here", body = ReconciliationAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        (
            status = 201, description = "It takes chunks", body = ReconciliationAnswer,
            headers(("Location" = String, description = "Where it is")),
        ),
        (
            status = 409,
            description = "`statement-taken`: it is there with other days; `in-flight`: the same request is being \
                           carried out; `conflict`: it changed at the same time",
        ),
        (status = 422, description = "`invalid`; `card-number`; `idempotency-key-reused`"),
    ),
)]
pub async fn create(
    State(payments): State<Payments>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::create_reconciliation(&payments, &operator, body::read(&bytes)?).await?)
}

/// Takes part of a settlement in
///
/// Its number is its key: it can be sent again as it is.
#[utoipa::path(
    put, path = "/v1/reconciliations/{id}/chunks/{number}", operation_id = "take_chunk", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(
        ("id" = ReconciliationId, Path, description = "Which reconciliation"),
        ("number" = u64, Path, description = "Which part, from 1 without gaps", minimum = 1, example = 1),
    ),
    request_body(
        content = ChunkRequest,
        example = json!({
            "csv": "kind,reference,amount_minor,currency,fee_minor,state\ncharge,ch_1,1000,EUR,14,captured\n"
        }),
    ),
    responses(
        (status = 200, description = "It is taken in, now or before", body = ReconciliationAnswer),
        (
            status = 202, description = "Some of its lines are taken in: send it again to go on", body = ReconciliationAnswer,
            headers(("Retry-After" = u32, description = "Seconds until it is worth going on")),
        ),
        (status = 404, description = "`not-found`: there is no such reconciliation, or the number is none"),
        (
            status = 409,
            description = "`reconciliation-state`: it takes none, or another is next; `chunk-differs`: another text was \
                           sent under this number; `conflict`: it changed at the same time, too often to go on",
        ),
        (status = 422, description = "`invalid`: the heading is none; `card-number`: a line holds one"),
    ),
)]
pub async fn chunk(
    State(payments): State<Payments>,
    Path((id, number)): Path<(String, String)>,
    principal: Principal,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    principal.require_role(OPERATOR)?;
    let clerk = Clerk { subject: principal.subject, scope };
    // Card numbers are looked for field by field: the text as a whole is full of digits.
    let Json(request) = Json::<ChunkRequest>::from_bytes(&bytes)?;
    Ok(app::take_chunk(&payments, &clerk, &id, &number, &request.csv).await?)
}

/// Closes a reconciliation
///
/// Looks for what our books have and the settlement does not show.
#[utoipa::path(
    post, path = "/v1/reconciliations/{id}/close", operation_id = "close_reconciliation", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation"), Key),
    request_body(content = Option<CloseRequest>, example = json!({ "lines": 1 })),
    responses(
        (status = 200, description = "All its differences are known", body = ReconciliationAnswer),
        (
            status = 202, description = "The search is not at its end: the same request again goes on",
            body = ReconciliationAnswer,
            headers(("Retry-After" = u32, description = "Seconds until it is worth going on")),
        ),
        (status = 404, description = "`not-found`: there is no such reconciliation"),
        (
            status = 409,
            description = "`reconciliation-state`: part of a chunk is missing, or it was discarded; `in-flight`; `conflict`",
        ),
        (
            status = 422,
            description = "`invalid`: another number of lines came in; `card-number`; `idempotency-key-reused`",
        ),
    ),
)]
pub async fn close(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::close_reconciliation(&payments, &operator, &id, body::read_or_default(&bytes)?).await?)
}

/// Discards a reconciliation
///
/// It was the wrong file: what it has shown does not count, what it booked is booked back.
#[utoipa::path(
    post, path = "/v1/reconciliations/{id}/discard", operation_id = "discard_reconciliation", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation"), Key),
    request_body(content = DiscardRequest, example = json!({ "reason": "The file of another month" })),
    responses(
        (status = 200, description = "It is discarded", body = ReconciliationAnswer),
        (status = 404, description = "`not-found`: there is no such reconciliation"),
        (status = 409, description = "`reconciliation-state`: it is at its end; `in-flight`; `conflict`"),
        (status = 422, description = "`invalid`; `card-number`; `idempotency-key-reused`"),
    ),
)]
pub async fn discard(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::discard_reconciliation(&payments, &operator, &id, body::read(&bytes)?).await?)
}

/// One reconciliation
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}", operation_id = "get_reconciliation", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation")),
    responses((status = 200, description = "The reconciliation", body = ReconciliationAnswer), Named),
)]
pub async fn show(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
) -> Result<Json<ReconciliationAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::reconciliation(&payments, &id).await?))
}

/// Reconciliations, newest first
#[utoipa::path(
    get, path = "/v1/reconciliations", operation_id = "list_reconciliations", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(ListQuery),
    responses((status = 200, description = "A page", body = ReconciliationPage), Paged),
)]
pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Queried<ListQuery>,
) -> Result<Json<ReconciliationPage>, Problem> {
    Ok(Json(app::reconciliations(&payments, asked(&principal, query)?).await?))
}

/// What a settlement and our books say differently
///
/// From the last line to the first; before them what no line shows.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}/differences", operation_id = "list_differences", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation"), DifferenceQuery),
    responses(
        (status = 200, description = "A page", body = DifferencePage),
        Named,
        (status = 422, description = "`invalid`: the state, the limit or the cursor is none"),
    ),
)]
pub async fn differences(
    State(payments): State<Payments>,
    Path(id): Path<String>,
    principal: Principal,
    query: Queried<DifferenceQuery>,
) -> Result<Json<DifferencePage>, Problem> {
    Ok(Json(app::differences(&payments, &id, asked(&principal, query)?).await?))
}

/// One difference
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}/differences/{difference}", operation_id = "get_difference", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation"), ("difference" = DifferenceName, Path, description = "Which of its differences")),
    responses((status = 200, description = "The difference", body = DifferenceAnswer), Named),
)]
pub async fn difference(
    State(payments): State<Payments>,
    Path((id, difference)): Path<(String, String)>,
    principal: Principal,
) -> Result<Json<DifferenceAnswer>, Problem> {
    principal.require_role(OPERATOR)?;
    Ok(Json(app::difference(&payments, &id, &difference).await?))
}

/// Resolves a difference
///
/// Our books stay as they are, or follow the settlement: what differs goes to suspense.
#[utoipa::path(
    post, path = "/v1/reconciliations/{id}/differences/{difference}/resolution", operation_id = "resolve_difference", tag = "reconciliations",
    security(("bearer" = ["operator"])),
    params(("id" = ReconciliationId, Path, description = "Which reconciliation"), ("difference" = DifferenceName, Path, description = "Which of its differences"), Key),
    request_body(
        content = ResolutionRequest,
        example = json!({ "action": "adjust", "reason": "Captured at the console on the 3rd" }),
    ),
    responses(
        (status = 200, description = "It is resolved", body = DifferenceAnswer),
        (status = 404, description = "`not-found`: there is no such reconciliation or no such difference"),
        (
            status = 409,
            description = "`reconciliation-state`: it is not closed; `difference-resolved`: it was before; `in-flight`; \
                           `conflict`",
        ),
        (
            status = 422,
            description = "`invalid`: also where no money differs that could be adjusted; `card-number`; \
                           `idempotency-key-reused`",
        ),
    ),
)]
pub async fn resolve(
    State(payments): State<Payments>,
    Path((id, difference)): Path<(String, String)>,
    principal: Principal,
    idempotency: Idempotency,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Reply, Problem> {
    let operator = operator(principal, idempotency, scope)?;
    Ok(app::resolve_difference(&payments, &operator, &id, &difference, body::read(&bytes)?).await?)
}
