//! Handlers of the routes that providers call, and of what operators see of their notices.

use super::document::Paged;
use super::handlers::OPERATOR;
use crate::Payments;
use crate::app::{self, HearError, Heard};
use crate::wire::schemas::SignedNotice;
use crate::wire::{ListQuery, NoticeAnswer, NoticePage};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use principal::{Principal, RequestScope};
use problem::{Json, MALFORMED, Problem};

/// Takes a provider's notice
///
/// Signed by the provider over its bytes, and believed only as a hint: the provider is asked how the charge stands. Sent
/// again, it is known. `Stripe-Signature` for Stripe, `Sandbox-Signature` for the sandbox.
#[utoipa::path(
    post, path = "/v1/providers/{provider}/events", operation_id = "take_notice", tag = "providers",
    params(
        ("provider" = String, Path, description = "Which provider, as `provider_routes` names it", example = "acquirer"),
        ("Sandbox-Signature" = Option<String>, Header, description = "`t=<seconds>,v1=<64 hexadecimal digits>`: HMAC-SHA256 over `<seconds>.<body>`"),
        ("Stripe-Signature" = Option<String>, Header, description = "The same, of Stripe"),
    ),
    request_body(
        content = SignedNotice,
        example = json!({ "id": "evt_1", "charge": { "id": "chg_1", "reference": "pay_0001hf9a7zj0e8vr5c2b4k6m8n9p" } }),
    ),
    responses(
        (status = 200, description = "It need not be sent again", body = NoticeAnswer),
        (status = 400, description = "`notice-signature`: the signature does not hold; `malformed`: signed, and no notice"),
        (status = 404, description = "`not-found`: there is no such provider"),
    ),
)]
pub async fn hear(
    State(payments): State<Payments>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    scope: RequestScope,
    bytes: Bytes,
) -> Result<Json<NoticeAnswer>, Problem> {
    let dialect = payments.providers.named(&provider).map(|provider| provider.dialect);
    let header = dialect.ok_or(HearError::UnknownProvider)?.signature_header();
    // Two headers are none: which of them would hold?
    let mut values = headers.get_all(header).iter();
    let signature = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().unwrap_or_default(),
        _ => "",
    };
    let heard = app::hear(&payments, &provider, signature, &bytes, &scope).await?;
    Ok(Json(NoticeAnswer { received: true, duplicate: heard == Heard::Known }))
}

/// Notices that wait, and those that an operator has to look at, newest first
#[utoipa::path(
    get, path = "/v1/providers/notices", operation_id = "list_notices", tag = "providers",
    security(("bearer" = ["operator"])),
    params(ListQuery),
    responses((status = 200, description = "A page", body = NoticePage), Paged),
)]
pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<NoticePage>, Problem> {
    principal.require_role(OPERATOR)?;
    let Query(query) = query.map_err(|_| Problem::new(MALFORMED).detail("`limit` is a number, `cursor` a text"))?;
    Ok(Json(app::list_notices(&payments, query).await?))
}
