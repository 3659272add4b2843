//! Handlers of the routes that providers call, and of what operators see of their notices.

use super::handlers::OPERATOR;
use crate::Payments;
use crate::app::{self, HearError, Heard};
use crate::wire::{ListQuery, NoticeAnswer, NoticePage};
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use principal::{Principal, RequestScope};
use problem::{Json, MALFORMED, Problem};

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

pub async fn list(
    State(payments): State<Payments>,
    principal: Principal,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<NoticePage>, Problem> {
    principal.require_role(OPERATOR)?;
    let Query(query) = query.map_err(|_| Problem::new(MALFORMED).detail("`limit` is a number, `cursor` a text"))?;
    Ok(Json(app::list_notices(&payments, query).await?))
}
