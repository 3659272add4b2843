//! Whether the whole is well: every service is asked at once, each within a second.

use crate::wire::{Dependency, Readiness};
use crate::{Gateway, Peer};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use core::time::Duration;
use futures::future::join_all;
use http::{HeaderValue, header};
use principal::RequestScope;
use problem::{Json, Problem, UNAVAILABLE};

/// How long a service may take to say that it is ready.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Whether every service is ready
///
/// Each is asked at once and has a second to answer. The problem of a 503 has the same list in `dependencies`.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "front desk",
    responses((status = 200, description = "All are", body = Readiness)),
)]
pub(crate) async fn readyz(State(gateway): State<Gateway>, scope: RequestScope) -> Response {
    let dependencies = join_all(gateway.peers.iter().map(|peer| ask(&gateway, &scope, peer))).await;
    if dependencies.iter().all(|dependency| dependency.status == "ready") {
        return Json(Readiness { status: "ready", dependencies }).into_response();
    }
    let names: Vec<_> = dependencies.iter().filter(|found| found.status != "ready").map(|found| found.name).collect();
    Problem::new(UNAVAILABLE)
        .detail(format!("not ready: {}", names.join(", ")))
        .retry_after_s(1)
        .member("dependencies", serde_json::to_value(&dependencies).unwrap_or_default())
        .into_response()
}

/// Asks one service.
async fn ask(gateway: &Gateway, scope: &RequestScope, peer: &Peer) -> Dependency {
    let began = gateway.clock.now();
    let timeout = scope.remaining(began, TIMEOUT);
    let status = match call(gateway, scope, peer, timeout).await {
        Some(status) if status.is_success() => "ready",
        Some(_) => "not_ready",
        None => "unreachable",
    };
    let duration = gateway.clock.now().since(began);
    Dependency { name: peer.name, status, duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) }
}

async fn call(gateway: &Gateway, scope: &RequestScope, peer: &Peer, timeout: Duration) -> Option<http::StatusCode> {
    let now = gateway.clock.now();
    let url = format!("{}/internal/{}/readyz", peer.url.trim_end_matches('/'), peer.name);
    let mut request = http::Request::get(url).body(Bytes::new()).ok()?;
    let token = format!("Bearer {}", gateway.service_tokens.issue(peer.name, now));
    request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_str(&token).ok()?);
    scope.forward(request.headers_mut(), now, timeout);
    gateway.http.send(request, timeout).await.ok().map(|response| response.status())
}
