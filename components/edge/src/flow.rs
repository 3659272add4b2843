//! The way of one request through the edge, outermost first. Each step lives in a file of its own.

use crate::conditional::Condition;
use crate::limits::{Note, Refused, Within};
use crate::{EdgeConfig, address, bearer, body, errors, frame, idempotency, internal, security, shedding};
use ambient::Timestamp;
use api_key::{Caller, Keys, Look, NotAKey, Presented, Unknown};
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use core::pin::pin;
use futures::future::{Either, select, try_join};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use limiter::Demand;
use principal::{Client, Principal, RequestScope};
use problem::{DEADLINE_EXCEEDED, FORBIDDEN, HEADERS_TOO_LARGE, Problem};
use request_metrics::Sample;
use route_policy::{KeyScopes, RoutePolicy, WithoutLimiter};
use std::sync::Arc;
use telemetry::{Level, Value};

/// The most bytes that names and values of all headers may have together: a token has at most 4 KiB.
const MOST_HEADER_BYTES: usize = 16 * 1024;

/// Frames the request, runs it against its deadline, completes the answer, counts it and logs it.
pub(crate) async fn run(State(edge): State<Arc<EdgeConfig>>, request: Request, next: Next) -> Response {
    let started = edge.clock.now();
    let is_internal = request.uri().path().starts_with(internal::PREFIX);
    let (scope, malformed) = frame::scope(request.headers(), is_internal, edge.random.as_ref(), started, edge.deadline);
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let policy = route_policy::of(edge.policies, request.method(), &route);
    let secure = security::is_secure(request.headers(), edge.trusted_hops);
    let authenticated = request.headers().contains_key(header::AUTHORIZATION);
    let origin = edge.cors.allows(request.headers());

    let answer = match malformed {
        Some(problem) => problem.into_response(),
        None => against_deadline(&edge, Asked { scope, policy, is_internal, at: started }, request, next).await,
    };

    let (mut answer, problem) = errors::finish(answer, scope.trace);
    security::finish(answer.headers_mut(), secure, authenticated);
    edge.cors.finish(origin, answer.headers_mut());
    if let Ok(trace) = HeaderValue::from_str(&scope.trace.to_string()) {
        answer.headers_mut().insert("x-request-id", trace);
    }
    give_length(&mut answer);

    let ended = edge.clock.now();
    let duration = ended.since(started);
    let sample = Sample { method, route, status: answer.status().as_u16(), duration };
    log(&edge, (scope, ended), &sample, problem.as_ref(), answer.extensions().get());
    if let Some(metrics) = &edge.metrics {
        metrics.record(sample);
    }
    answer
}

/// What is known of a request before anything is done for it.
#[derive(Clone, Copy)]
struct Asked {
    scope: RequestScope,
    policy: RoutePolicy,
    is_internal: bool,
    /// When it came. Reading the clock is a call to the host, so what is decided at once is decided at this time.
    at: Timestamp,
}

/// The inner steps, given up when the deadline passes. The timer is made only once the request waits for something.
async fn against_deadline(edge: &EdgeConfig, asked: Asked, request: Request, next: Next) -> Response {
    let remaining = asked.scope.remaining(asked.at, edge.deadline);
    let inner = pin!(enter(edge, asked, request, next));
    let timer = pin!(async { edge.sleep.sleep(remaining).await });
    match select(inner, timer).await {
        Either::Left((answer, _)) => answer.unwrap_or_else(IntoResponse::into_response),
        Either::Right(((), _)) => Problem::new(DEADLINE_EXCEEDED).into_response(),
    }
}

/// From the caller's request to the one that the routes see.
async fn enter(edge: &EdgeConfig, asked: Asked, request: Request, next: Next) -> Result<Response, Problem> {
    if header_bytes(request.headers()) > MOST_HEADER_BYTES {
        return Err(Problem::new(HEADERS_TOO_LARGE).member("limit_bytes", MOST_HEADER_BYTES));
    }
    if let Some(answer) = edge.cors.preflight(request.method(), request.headers()) {
        return Ok(answer);
    }
    let class = asked.policy.class;
    if let Some(latency) = edge.latency.as_ref().filter(|_| !asked.is_internal) {
        shedding::check(latency, class)?;
    }
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(asked.scope);
    let client = client(&parts.headers, edge.trusted_hops);
    let place = client.place();
    parts.extensions.insert(client);
    let limits = edge.limits.as_ref().filter(|_| !asked.is_internal);
    let demands = |principal: Option<&Principal>, key: Option<&str>| {
        limits.map(|limits| limits.demands(class, place, principal, key)).unwrap_or_default()
    };
    let authenticated = match who(edge, asked, &parts).await {
        Who::Known(known) => known,
        // Nobody is asked for a stranger who has asked too often already: guessing keys is not free.
        Who::Ask(keys, scopes, presented) => match within_limits(edge, asked, demands(None, None)).await {
            Ok(_) => {
                let caller = keys.ask(presented, asked.scope).await;
                let caller = caller.and_then(|caller| caller.ok_or_else(|| bearer::refused(&NotAKey)));
                caller.and_then(|caller| Ok(Some(caller.within(scopes, &parts.method)?)))
            }
            Err(refused) => return Ok(refused.into_response()),
        },
    };
    let caller = authenticated.as_ref().ok().and_then(Option::as_ref);
    let demands = demands(caller.map(|caller| &caller.principal), caller.and_then(|caller| caller.key.as_deref()));
    let outcome = match authenticated {
        // Whoever shows tokens that do not hold is counted as well: guessing is not free.
        Err(problem) => {
            within_limits(edge, asked, demands).await.map(|within| within.complete(problem.into_response()))
        }
        Ok(caller) => {
            if let Some(caller) = caller {
                parts.extensions.insert(caller.principal);
            }
            serve(edge, asked, demands, parts, body, next).await
        }
    };
    Ok(outcome.unwrap_or_else(IntoResponse::into_response))
}

/// What is known of the caller without asking anybody about a key.
enum Who<'a> {
    Known(Result<Option<Caller>, Problem>),
    Ask(&'a dyn Keys, KeyScopes, Unknown),
}

/// Who asks: by an access token, by an API key, or nobody in particular.
async fn who<'a>(edge: &'a EdgeConfig, asked: Asked, parts: &Parts) -> Who<'a> {
    let reads_bearer = !asked.is_internal && !asked.policy.ignores_bearer;
    let Some(bearer) = edge.bearer.as_ref().filter(|_| reads_bearer) else { return Who::Known(Ok(None)) };
    let Some(key) = bearer::shown(&parts.headers).flatten().filter(|text| Presented::is_meant(text)) else {
        let person = bearer.authenticate(&parts.headers, asked.at).await;
        return Who::Known(person.map(|person| person.map(Caller::person)));
    };
    let Some((keys, scopes)) = &edge.keys else {
        return Who::Known(Err(Problem::new(FORBIDDEN).detail("API keys open nothing here")));
    };
    match keys.look(key) {
        Look::Known(caller) => Who::Known(caller.within(*scopes, &parts.method).map(Some)),
        Look::Refused => Who::Known(Err(bearer::refused(&NotAKey))),
        Look::Unknown(unknown) => Who::Ask(&**keys, *scopes, unknown),
    }
}

/// The other end of the request.
fn client(headers: &HeaderMap, trusted_hops: u8) -> Client {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Client::new(address::of(headers, trusted_hops), agent)
}

/// Decides about the limits of a request.
async fn within_limits(edge: &EdgeConfig, asked: Asked, demands: Vec<Demand>) -> Result<Within, Refused> {
    match &edge.limits {
        Some(limits) => limits.check(asked.policy.class, demands).await,
        None => Ok(Within::default()),
    }
}

/// Runs the route within the limits. A read may begin at once: it changes nothing, so that its answer is thrown away
/// where the limits say no. Whatever has an effect begins after the verdict, which travels while the body is read.
async fn serve(
    edge: &EdgeConfig,
    asked: Asked,
    demands: Vec<Demand>,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response, Refused> {
    let verdict = within_limits(edge, asked, demands);
    if parts.method.is_safe() && asked.policy.class.without_limiter() == WithoutLimiter::Open {
        let (within, answer) = try_join(verdict, async { Ok(route(parts, Ok(Bytes::new()), next).await) }).await?;
        return Ok(within.complete(answer));
    }
    let reading = async { Ok(body::read(&parts, body, edge.body_limit_bytes, asked.policy.takes_forms).await) };
    let (within, bytes) = try_join(verdict, reading).await?;
    Ok(within.complete(route(parts, bytes, next).await))
}

/// Hands the request to its route.
async fn route(mut parts: Parts, bytes: Result<Bytes, Problem>, next: Next) -> Response {
    let found = bytes.and_then(|bytes| Ok((idempotency::find(&parts, &bytes)?, bytes)));
    match found {
        Ok((idempotency, bytes)) => {
            if let Some(idempotency) = idempotency {
                parts.extensions.insert(idempotency);
            }
            let (condition, asks) = (Condition::of(&parts), parts.method == Method::OPTIONS);
            let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            if asks { offered(answer) } else { condition.finish(answer).await }
        }
        Err(problem) => problem.into_response(),
    }
}

/// `OPTIONS` on a route says what the route offers.
fn offered(mut answer: Response) -> Response {
    if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
        return answer;
    }
    let mut offers = Response::new(Body::empty());
    *offers.status_mut() = StatusCode::NO_CONTENT;
    if let Some(allow) = answer.headers_mut().remove(header::ALLOW) {
        offers.headers_mut().insert(header::ALLOW, allow);
    }
    offers
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// Every answer that is not a stream says how long it is: chunks would cost a second TCP segment.
fn give_length(answer: &mut Response) {
    let has_none = matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_none || answer.headers().contains_key(header::CONTENT_LENGTH) {
        return;
    }
    if let Some(bytes) = answer.body().size_hint().exact() {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
}

/// One line a request; a failure of ours carries the chain of errors behind it, and nothing else logs it again.
fn log(
    edge: &EdgeConfig,
    (scope, at): (RequestScope, Timestamp),
    seen: &Sample,
    problem: Option<&Problem>,
    note: Option<&Note>,
) {
    let level = if seen.status >= 500 { Level::Error } else { Level::Info };
    let duration_ms = i64::try_from(seen.duration.as_millis()).unwrap_or(i64::MAX);
    let mut fields: Vec<(&str, Value<'_>)> = vec![
        ("method", seen.method.into()),
        ("route", seen.route.as_str().into()),
        ("status", i64::from(seen.status).into()),
        ("duration_ms", duration_ms.into()),
    ];
    if let Some(problem) = problem {
        fields.push(("problem", problem.kind().slug.into()));
        if let Some(cause) = problem.cause() {
            fields.push(("cause", cause.into()));
        }
    }
    match note {
        Some(Note::Exceeded(policy)) => fields.push(("limit_exceeded", policy.as_str().into())),
        Some(Note::Undecided(why)) => fields.push(("limit_undecided", why.as_str().into())),
        None => {}
    }
    telemetry::log_at(at, level, edge.service, "request", &scope.trace, &fields);
}

/// The methods that are counted apart: a caller may invent any other.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
