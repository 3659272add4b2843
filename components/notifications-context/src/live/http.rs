//! The route of the stream, and what it needs.

use super::hub::Hub;
use super::stream::{Asked, OpenError, open};
use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use ambient::{Clock, Random, Sleep};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use core::time::Duration;
use events::{EntryId, EventsError, StreamName, Tail};
use ids::UserId;
use instance_tasks::Tasks;
use principal::Principal;
use problem::{FORBIDDEN, INTERNAL, MALFORMED, Problem, RATE_LIMITED, UNAVAILABLE};
use records::Records;
use redis_client::Redis;
use std::sync::Arc;

/// How much of its time a stream may end earlier, by chance, so that streams that began together do not come back together.
/// **Units** thousandths.
const JITTER_PERMILLE: u32 = 200;
/// When somebody with too many streams may try again. **Units** seconds.
const TOO_MANY_RETRY_S: u32 = 15;
/// What the last entry is named in.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What streams of one partition need. Clones share one set of listeners.
#[derive(Clone)]
pub struct Live {
    /// The stream of events that inboxes of this partition follow.
    pub inboxes: StreamName,
    /// Where inboxes lie.
    pub records: Arc<dyn Records>,
    /// Where events are heard.
    pub tail: Arc<dyn Tail>,
    /// Where open streams are counted.
    pub redis: Arc<dyn Redis>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Waiting.
    pub sleep: Arc<dyn Sleep>,
    /// The other requests of the instance.
    pub tasks: Arc<dyn Tasks>,
    /// How long a stream lasts at most.
    pub lasts: Duration,
    /// How many streams a person may have open, over all instances.
    pub streams_a_person: u32,
    /// Who listens.
    pub streams: Streams,
}

/// Who listens in this instance.
#[derive(Clone, Default)]
pub struct Streams(pub(super) Arc<Hub>);

impl Live {
    /// The listeners.
    pub(super) fn hub(&self) -> &Hub {
        &self.streams.0
    }

    /// How long this stream lasts.
    pub(super) fn lasting(&self) -> Duration {
        let mut bytes = [0; 2];
        self.random.fill(&mut bytes);
        let share = u32::from(u16::from_be_bytes(bytes)) * JITTER_PERMILLE / u32::from(u16::MAX);
        self.lasts.saturating_sub(self.lasts.saturating_mul(share) / 1000)
    }
}

/// The streams of all partitions, in order.
#[derive(Clone)]
struct Lives(Arc<[Live]>);

impl Lives {
    /// Where somebody's inbox lies; one that is not divided holds everybody's.
    fn of(&self, user_id: UserId) -> Option<&Live> {
        match &*self.0 {
            [only] => Some(only),
            lives => lives.get(usize::from(user_id.partition())),
        }
    }
}

/// The route for people; one of `lives` a partition, in order.
pub fn public(lives: Vec<Live>) -> Router {
    Router::new().route("/v1/notifications/stream", get(stream)).with_state(Lives(lives.into()))
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(stream))]
struct Api;

/// This route's part of the API's document.
pub fn api() -> utoipa::openapi::OpenApi {
    <Api as utoipa::OpenApi>::openapi()
}

/// What comes into the caller's inbox, as it comes
///
/// Server-sent events: `notification` with a line of the inbox, `read` with the `id` of a message that was read, `archived`
/// with that of one that was put away, `restored` with the line of one that lies in the inbox again, `reset`
/// where the client has to read its inbox anew. A comment every 15 seconds says that the server is there. The stream ends
/// after some minutes, with the access token or with the session; the client comes back with the last `id` that it saw in
/// `Last-Event-ID` and is told all that followed, once.
#[utoipa::path(
    get, path = "/v1/notifications/stream", operation_id = "stream_notifications", tag = "notifications",
    security(("bearer" = ["notifications:read"])),
    params((
        "Last-Event-ID" = Option<String>, Header, pattern = r"^([0-9]{1,19}-[0-9]{1,19})?$", example = "1767225600000-0",
        description = "The last `id` that the client saw; without it the stream begins at the present",
    )),
    responses(
        (status = 200, description = "The stream", content_type = "text/event-stream", body = String, example =
            "retry: 2000\n\n: 1767225600000-0\nid: 1767225600000-0\n\nid: 1767225601000-0\nevent: notification\ndata: \
             {\"id\":\"ntf_001yvnjp4kg9hrnrbfg8f10r7xwa\",\"kind\":\"payment_receipt\",\"title\":\"Receipt: 10.99 EUR\",\
             \"read\":false,\"created_at\":\"2026-01-01T00:00:01.000Z\"}\n\n"),
        (status = 400, description = "`malformed`: `Last-Event-ID` is none that a stream named"),
        (status = 429, description = "`rate-limited`: the caller has as many streams open as may be, or sends too many requests"),
    ),
)]
async fn stream(State(lives): State<Lives>, principal: Principal, headers: HeaderMap) -> Result<Response, Problem> {
    principal.require_scope("notifications:read")?;
    let only_people = || Problem::new(FORBIDDEN).detail("only a person has an inbox");
    let user_id: UserId = principal.subject.parse().map_err(|_| only_people())?;
    let live = lives.of(user_id).ok_or_else(only_people)?;
    let asked = Asked { user_id, session: principal.session, expires_at: principal.expires_at, seen: seen(&headers)? };
    let bytes = open(live, asked).await.map_err(|error| refused(&error))?;
    let mut response = Body::from_stream(bytes).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather answers are told not to.
    answer.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The last entry that the client saw.
fn seen(headers: &HeaderMap) -> Result<Option<EntryId>, Problem> {
    let malformed = || Problem::new(MALFORMED).detail("Last-Event-ID is none that a stream named");
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    value.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(malformed)
}

fn refused(error: &OpenError) -> Problem {
    match error {
        OpenError::TooMany => {
            let problem = Problem::new(RATE_LIMITED).retry_after_s(TOO_MANY_RETRY_S).member("policy", "streams.user");
            problem.detail("as many streams are open as may be")
        }
        OpenError::Leases(_) | OpenError::Events(EventsError::Unavailable(_) | EventsError::NotSubscribed { .. }) => {
            Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(error)
        }
        OpenError::Events(EventsError::Unexpected(_)) => Problem::new(INTERNAL).caused_by(error),
    }
}
