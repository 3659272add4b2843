//! How much the whole does: Prometheus text (exposition format 0.0.4) over all instances of all services.
//!
//! A source that does not answer leaves its lines out and shows as `spindrift_source_up{…} 0`: half a picture is better
//! than none while something is down.

use super::retention;
use crate::Gateway;
use ambient::Timestamp;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use core::fmt::Write;
use events::{EntryId, EventsError, GroupStats, RetryStats, StreamName, StreamStats};
use futures::future::{join, join_all, try_join, try_join_all};
use http::{HeaderMap, HeaderValue, header};
use problem::{Problem, UNAUTHENTICATED};
use redis_client::{Redis, RedisError, Repeat, Reply};
use request_metrics::{BUCKETS_MS, Counts};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq;

/// Whose trial balance is watched.
const LEDGER: &str = "payments";
/// The front desk's own name.
const OWN: &str = "gateway";
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Numbers for Prometheus
///
/// Exposition format 0.0.4, over all instances of all services.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "front desk",
    security(("metrics" = [])),
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(gateway): State<Gateway>, headers: HeaderMap) -> Result<Response, Problem> {
    if !is_open(&headers, &gateway.metrics_token) {
        return Err(Problem::new(UNAUTHENTICATED).challenge("Bearer realm=\"metrics\""));
    }
    let services = join_all(gateway.peers.iter().map(|peer| service(&gateway, peer.name)));
    let own = request_metrics::read(gateway.redis.as_ref(), OWN);
    let ledger = join(trial_balance(gateway.redis.as_ref()), journal(gateway.redis.as_ref()));
    let (mut services, (own, (trial, journal))) = join(services, join(own, ledger)).await;
    // The front desk has no events.
    let (stream, letters) = (Some(Lying::default()), Some(Letters::default()));
    services.push(Service { name: OWN, counts: own.ok(), stream, letters });
    let retries = retries(&gateway, &services).await;
    let retention = retention::lines(gateway.redis.as_ref(), gateway.peers.iter().map(|peer| peer.name)).await;
    let text = Exposition { now: gateway.clock.now(), services, retries, trial, journal }.text();
    let mut response = (text + &retention).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Whether the caller holds the token; compared by digest in constant time, so that not even its length shows.
fn is_open(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let shown = values.next().and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let Some(shown) = shown.filter(|_| values.next().is_none() && !token.is_empty()) else {
        return false;
    };
    Sha256::digest(shown.as_bytes()).as_slice().ct_eq(Sha256::digest(token.as_bytes()).as_slice()).into()
}

/// What was found of one service; `None` where the source did not answer.
struct Service {
    name: &'static str,
    counts: Option<Counts>,
    stream: Option<Lying>,
    letters: Option<Letters>,
}

/// What lies in a service's streams, and how far their groups are.
#[derive(Default)]
struct Lying {
    stats: Vec<StreamStats>,
    groups: Vec<GroupStats>,
}

/// A service's dead letters.
#[derive(Default)]
struct Letters {
    count: u64,
    oldest: Option<EntryId>,
}

/// What a group puts off and gives up; `None` where that is not known.
type Retries = Vec<(String, Option<RetryStats>)>;

async fn service(gateway: &Gateway, name: &'static str) -> Service {
    let counts = request_metrics::read(gateway.redis.as_ref(), name);
    let (counts, (stream, letters)) = join(counts, join(lying(gateway, name), letters_of(gateway, name))).await;
    Service { name, counts: counts.ok(), stream: stream.ok(), letters: letters.ok() }
}

async fn lying(gateway: &Gateway, name: &str) -> Result<Lying, EventsError> {
    let streams = gateway.streams.iter().filter(|stream| stream.context() == name);
    let look = |stream: &'_ StreamName| {
        let stream = stream.clone();
        async move { try_join(gateway.inspection.stream(&stream), gateway.statistics.groups(&stream)).await }
    };
    let (stats, groups): (Vec<_>, Vec<_>) = try_join_all(streams.map(look)).await?.into_iter().unzip();
    Ok(Lying { stats: stats.into_iter().flatten().collect(), groups: groups.into_iter().flatten().collect() })
}

async fn letters_of(gateway: &Gateway, name: &str) -> Result<Letters, EventsError> {
    let looks = try_join(gateway.statistics.dead_letters(name), gateway.inspection.oldest_letter(name));
    let (count, oldest) = looks.await?;
    Ok(Letters { count, oldest })
}

/// What each group puts off, whichever streams it hears. A group is named as its component: its context and further words.
async fn retries(gateway: &Gateway, services: &[Service]) -> Retries {
    let groups = services.iter().filter_map(|service| service.stream.as_ref()).flat_map(|stream| &stream.groups);
    let groups: BTreeSet<&str> = groups.map(|stats| stats.group.as_str()).collect();
    let owner = |group: &str| {
        let names = gateway.peers.iter().map(|peer| peer.name);
        names
            .filter(|name| group.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')))
            .max_by_key(|name| name.len())
    };
    let looks = groups.into_iter().filter_map(|group| {
        let owner = owner(group)?;
        Some(async move { (group.to_owned(), gateway.inspection.retries(owner, group).await.ok()) })
    });
    join_all(looks).await
}

/// What the checks of the journal have found: names and values, as the payments' worker wrote them.
///
/// **Layout** a hash `{payments/metrics}:ledger`: `verified_s` (seconds since 1970, 0: never), `verified_rows`, `broken` (0
/// or 1).
async fn journal(redis: &dyn Redis) -> Result<Vec<(String, i64)>, RedisError> {
    let fields = redis.execute("HGETALL", vec![format!("{{{LEDGER}/metrics}}:ledger").into()], Repeat::Safe).await?;
    let mut texts = texts(&fields);
    let mut values = Vec::new();
    while let (Some(field), Some(value)) = (texts.next(), texts.next()) {
        values.extend(value.parse().ok().map(|value| (field, value)));
    }
    Ok(values)
}

/// The elements of a reply as texts.
pub(super) fn texts(replies: &[Reply]) -> impl Iterator<Item = String> {
    replies.iter().map(|reply| match reply {
        Reply::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Status(text) => text.clone(),
        Reply::Integer(number) => number.to_string(),
        Reply::Nil => String::new(),
    })
}

/// The running trial balance: currency and sum. Each sum is zero, or money was made or lost.
async fn trial_balance(redis: &dyn Redis) -> Result<Vec<(String, i64)>, RedisError> {
    let fields = redis.execute("HGETALL", vec![format!("{{{LEDGER}/0}}:trial").into()], Repeat::Safe).await?;
    let mut texts = texts(&fields);
    let mut sums = Vec::new();
    while let (Some(field), Some(value)) = (texts.next(), texts.next()) {
        // Beside each currency stands the number of its legs.
        if !field.contains(':') {
            let refused = || RedisError::Refused(format!("the trial balance of {field} is not a number"));
            sums.push((field.clone(), value.parse().map_err(|_| refused())?));
        }
    }
    sums.sort();
    Ok(sums)
}

/// One exposition; every family has its help and type, even where it has no line.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl core::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{escaped}\"", if place == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// Pairs of a source, or that it did not answer.
type Pairs = Result<Vec<(String, i64)>, RedisError>;

/// Everything that was found.
struct Exposition {
    now: Timestamp,
    services: Vec<Service>,
    retries: Retries,
    trial: Pairs,
    journal: Pairs,
}

impl Exposition {
    fn text(&self) -> String {
        let mut text = Text::default();
        requests(&mut text, &self.services);
        durations(&mut text, &self.services);
        streams(&mut text, &self.services);
        retried(&mut text, &self.retries);
        letters(&mut text, &self.services, self.now);
        ledger(&mut text, &self.trial, &self.journal);
        up(&mut text, &self.services, &self.trial);
        text.0
    }
}

fn letters(text: &mut Text, services: &[Service], now: Timestamp) {
    let found = || services.iter().filter_map(|service| Some((service.name, service.letters.as_ref()?)));
    text.family("spindrift_dead_letters", "gauge", "Events that a service gave up.");
    for (name, letters) in found() {
        text.line("spindrift_dead_letters", &[("service", name)], letters.count);
    }
    text.family(
        "spindrift_dead_letters_oldest_age_seconds",
        "gauge",
        "Age of a service's oldest dead letter; 0 where there is none.",
    );
    for (name, letters) in found() {
        let born = letters.oldest.and_then(|letter| i64::try_from(letter.unix_ms).ok());
        let age = born.map_or(0, |born| now.since(Timestamp::from_unix_ms(born)).as_millis());
        let age = seconds(u64::try_from(age).unwrap_or(u64::MAX));
        text.line("spindrift_dead_letters_oldest_age_seconds", &[("service", name)], age);
    }
}

fn retried(text: &mut Text, retries: &Retries) {
    let known = || retries.iter().filter_map(|(group, stats)| Some((group.as_str(), (*stats)?)));
    let mut family = |name: &str, kind: &str, help: &str, value: fn(RetryStats) -> u64| {
        text.family(name, kind, help);
        for (group, stats) in known() {
            text.line(name, &[("group", group)], value(stats));
        }
    };
    family("spindrift_events_waiting", "gauge", "Events of a group that wait for a retry.", |stats| stats.waiting);
    family("spindrift_event_retries_total", "counter", "How often a group put an event off.", |stats| stats.retries);
    family("spindrift_events_given_up_total", "counter", "How often a group gave an event up.", |stats| stats.parked);
    family("spindrift_event_replays_total", "counter", "How often a group was handed a dead letter again.", |stats| {
        stats.replays
    });
}

fn ledger(text: &mut Text, trial: &Pairs, journal: &Pairs) {
    text.family(
        "spindrift_ledger_imbalance_minor",
        "gauge",
        "Sum of all postings in minor units; anything but 0 is an alarm.",
    );
    for (currency, sum_minor) in trial.iter().flatten() {
        text.line("spindrift_ledger_imbalance_minor", &[("currency", currency)], sum_minor);
    }
    for (name, field, help) in [
        (
            "spindrift_ledger_verified_seconds",
            "verified_s",
            "When all of the journal was last found to hold; 0 is never.",
        ),
        ("spindrift_ledger_verified_rows", "verified_rows", "How many rows it had then."),
        ("spindrift_ledger_broken", "broken", "1 where the last check found what does not hold: an alarm."),
    ] {
        text.family(name, "gauge", help);
        for (_, value) in journal.iter().flatten().filter(|(found, _)| found == field) {
            text.line(name, &[], value);
        }
    }
}

fn up(text: &mut Text, services: &[Service], trial: &Pairs) {
    text.family("spindrift_source_up", "gauge", "Whether a source of these metrics answered.");
    for service in services {
        let sources = [
            ("requests", service.counts.is_some()),
            ("streams", service.stream.is_some() && service.letters.is_some()),
        ];
        for (source, up) in sources {
            text.line("spindrift_source_up", &[("service", service.name), ("source", source)], u8::from(up));
        }
    }
    text.line("spindrift_source_up", &[("service", LEDGER), ("source", "ledger")], u8::from(trial.is_ok()));
}

fn requests(text: &mut Text, services: &[Service]) {
    const NAME: &str = "spindrift_http_requests_total";
    text.family(NAME, "counter", "Requests by service, method, route and status.");
    for (service, counts) in counted(services) {
        let mut requests: Vec<_> = counts.requests.iter().collect();
        requests.sort_by(|a, b| (&a.route, &a.method, a.status).cmp(&(&b.route, &b.method, b.status)));
        for request in requests {
            let status = request.status.to_string();
            let labels =
                [("service", service), ("method", &request.method), ("route", &request.route), ("status", &status)];
            text.line(NAME, &labels, request.count);
        }
    }
}

fn durations(text: &mut Text, services: &[Service]) {
    const NAME: &str = "spindrift_http_request_duration_seconds";
    text.family(NAME, "histogram", "From the first byte of a request to its answer.");
    for (service, counts) in counted(services) {
        let bucket = format!("{NAME}_bucket");
        let mut sum = 0;
        for (upper_ms, count) in BUCKETS_MS.iter().zip(counts.buckets) {
            sum += count;
            text.line(&bucket, &[("service", service), ("le", &seconds(*upper_ms))], sum);
        }
        sum += counts.beyond;
        text.line(&bucket, &[("service", service), ("le", "+Inf")], sum);
        text.line(&format!("{NAME}_sum"), &[("service", service)], seconds(counts.sum_ms));
        text.line(&format!("{NAME}_count"), &[("service", service)], sum);
    }
}

fn streams(text: &mut Text, services: &[Service]) {
    let found = || services.iter().filter_map(|service| service.stream.as_ref());
    let lengths: Vec<&StreamStats> = found().flat_map(|stream| &stream.stats).collect();
    let mut family = |name: &str, help: &str, value: fn(&StreamStats) -> String| {
        text.family(name, "gauge", help);
        for stats in &lengths {
            text.line(name, &[("stream", &stats.stream.to_string())], value(stats));
        }
    };
    family("spindrift_stream_length", "Events that lie in a stream.", |stats| stats.length.to_string());
    family("spindrift_stream_bytes", "Memory that a stream takes, estimated.", |stats| stats.bytes.to_string());
    family("spindrift_stream_age_seconds", "Age of the oldest event that lies in a stream.", |stats| {
        seconds(stats.oldest_age_ms)
    });
    let groups: Vec<&GroupStats> = found().flat_map(|stream| &stream.groups).collect();
    let mut family = |name: &str, help: &str, value: &dyn Fn(&GroupStats) -> Option<String>| {
        text.family(name, "gauge", help);
        for group in &groups {
            if let Some(value) = value(group) {
                text.line(name, &[("stream", &group.stream.to_string()), ("group", &group.group)], value);
            }
        }
    };
    family("spindrift_stream_lag", "Events that a group has not been handed.", &|group| {
        group.lag.map(|lag| lag.to_string())
    });
    family("spindrift_stream_pending", "Events handed to a group and not settled.", &|group| {
        Some(group.pending.to_string())
    });
    family("spindrift_stream_oldest_age_seconds", "Age of a group's oldest unsettled event.", &|group| {
        Some(seconds(group.oldest_age_ms))
    });
    family("spindrift_stream_oldest_pending_age_seconds", "Age of the oldest event in a group's hands.", &|group| {
        Some(seconds(group.oldest_pending_age_ms))
    });
}

/// The services whose counts are known.
fn counted(services: &[Service]) -> impl Iterator<Item = (&'static str, &Counts)> {
    services.iter().filter_map(|service| Some((service.name, service.counts.as_ref()?)))
}

/// Milliseconds as seconds in decimal, exactly.
fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1000, ms % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}
