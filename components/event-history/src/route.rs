//! The owner's route.

use crate::{Histories, ToldAnswer};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use events::{EntryId, EventHistory, EventsError, MAX_TOLD, Span, StreamName};
use problem::{INTERNAL, INVALID, Json, MALFORMED, NOT_FOUND, Problem, UNAVAILABLE};
use serde::Deserialize;
use std::sync::Arc;

/// When to try again after a store did not answer, in seconds.
const STORE_BACK_S: u32 = 1;

/// Whose history, and where it is read.
#[derive(Clone)]
struct Owner {
    context: &'static str,
    partitions: Arc<[Arc<dyn EventHistory>]>,
}

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldQuery {
    /// Which partition; 0 where nothing is said.
    #[serde(default)]
    partition: u8,
    /// What was told after this entry, oldest first; from the first one on where neither is said.
    after: Option<String>,
    /// What was told before this entry, newest first; empty is the end.
    before: Option<String>,
    /// Entries of a page, 1 to 100; 100 where nothing is said.
    limit: Option<u32>,
}

/// `GET /internal/<context>/events`, to be guarded like every internal route.
pub fn routes(context: &'static str, partitions: Histories) -> Router {
    let owner = Owner { context, partitions: partitions.into() };
    Router::new().route(&format!("/internal/{context}/events"), get(told)).with_state(owner)
}

async fn told(
    State(owner): State<Owner>,
    query: Result<Query<ToldQuery>, QueryRejection>,
) -> Result<Json<ToldAnswer>, Problem> {
    let unreadable = "the query takes partition and limit, which are numbers, and after or before";
    let Query(query) = query.map_err(|_| Problem::new(MALFORMED).detail(unreadable))?;
    let span = query.span()?;
    let limit = query.limit.unwrap_or(MAX_TOLD);
    if !(1..=MAX_TOLD).contains(&limit) {
        return Err(invalid("limit", &format!("a page has 1 to {MAX_TOLD} entries")));
    }
    let history = owner.partitions.get(usize::from(query.partition)).ok_or_else(|| Problem::new(NOT_FOUND))?;
    let stream = StreamName::new(owner.context, query.partition);
    let page = history.told(&stream, span, limit).await.map_err(|error| failed(&error))?;
    Ok(Json(ToldAnswer::of(&stream, span, page)))
}

impl ToldQuery {
    fn span(&self) -> Result<Span, Problem> {
        match (&self.after, self.before.as_deref()) {
            (Some(_), Some(_)) => Err(invalid("before", "one page goes on or back: after, or before")),
            (None, None) => Ok(Span::After(EntryId::START)),
            (Some(after), None) => Ok(Span::After(entry("after", after)?)),
            (None, Some("")) => Ok(Span::Before(None)),
            (None, Some(before)) => Ok(Span::Before(Some(entry("before", before)?))),
        }
    }
}

fn entry(field: &str, text: &str) -> Result<EntryId, Problem> {
    text.parse().map_err(|_| invalid(field, "it is an entry such as 1767225600000-0"))
}

fn invalid(field: &str, why: &str) -> Problem {
    Problem::new(INVALID).member("field", field).member("why", why)
}

fn failed(error: &EventsError) -> Problem {
    match error {
        EventsError::Unavailable(_) => Problem::new(UNAVAILABLE).retry_after_s(STORE_BACK_S).caused_by(error),
        EventsError::NotSubscribed { .. } | EventsError::Unexpected(_) => Problem::new(INTERNAL).caused_by(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;
    use axum::body::Body;
    use events_memory::MemoryEventLog;
    use futures::executor::block_on;
    use http::Request;
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    fn stream(partition: u8) -> StreamName {
        StreamName::new("payments", partition)
    }

    /// A log in which these bytes were told, one a second from 1767225600 on.
    fn log(partition: u8, told: &[&str]) -> MemoryEventLog {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let log = MemoryEventLog::new(Arc::new(clock.clone()));
        for payload in told {
            log.append_bytes(&stream(partition), payload.as_bytes());
            clock.advance_ms(1_000);
        }
        log
    }

    fn ask(partitions: Histories, query: &str) -> (u16, Value) {
        let request = Request::get(format!("/internal/payments/events{query}")).body(Body::empty()).unwrap();
        block_on(async {
            let answer = routes("payments", partitions).oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&body).unwrap_or_default())
        })
    }

    fn envelopes(answer: &Value) -> Vec<&str> {
        answer["items"].as_array().unwrap().iter().map(|item| item["envelope"].as_str().unwrap()).collect()
    }

    #[test]
    fn a_page_goes_on_or_back_and_says_where_the_next_one_begins() {
        let kept = || -> Histories { vec![Arc::new(log(0, &["a", "b", "c"]))] };
        let (status, all) = ask(kept(), "");
        assert_eq!((status, envelopes(&all)), (200, vec!["a", "b", "c"]));
        assert_eq!(
            (&all["stream"], &all["next"], &all["has_gap"]),
            (&"payments/0".into(), &Value::Null, &false.into())
        );
        let (_, first) = ask(kept(), "?limit=2");
        assert_eq!((envelopes(&first), first["next"].as_str()), (vec!["a", "b"], Some("1767225601000-0")));
        let (_, rest) = ask(kept(), "?limit=2&after=1767225601000-0");
        assert_eq!((envelopes(&rest), &rest["next"]), (vec!["c"], &Value::Null));
        let (_, back) = ask(kept(), "?before=&limit=1");
        assert_eq!((envelopes(&back), back["next"].as_str()), (vec!["c"], Some("1767225602000-0")));
        assert_eq!(envelopes(&ask(kept(), "?before=1767225602000-0").1), ["b", "a"]);
    }

    #[test]
    fn each_partition_is_read_by_its_number() {
        let kept = || -> Histories { vec![Arc::new(log(0, &["a"])), Arc::new(log(1, &["b"]))] };
        let (_, other) = ask(kept(), "?partition=1");
        assert_eq!((envelopes(&other), &other["stream"]), (vec!["b"], &"payments/1".into()));
        assert_eq!(ask(kept(), "?partition=2").0, 404);
    }

    #[test]
    fn hostile_queries_are_refused_by_name() {
        for (query, status) in [
            ("?limit=0", 422),
            ("?limit=101", 422),
            ("?after=x", 422),
            ("?after=", 422),
            ("?after=%2B1-0", 422),
            ("?after=1-0%0d%0aX", 422),
            ("?before=99999999999999999999-0", 422),
            ("?after=1-0&before=1-0", 422),
            ("?limit=x", 400),
            ("?limit=-1", 400),
            ("?partition=256", 400),
            ("?partition=-1", 400),
            ("?context=users", 400),
            ("?after=1-0&after=2-0", 400),
        ] {
            assert_eq!(ask(vec![Arc::new(log(0, &["a"]))], query).0, status, "{query}");
        }
        let end = "18446744073709551615-18446744073709551615";
        for query in [format!("?after={end}"), "?before=0-0".to_owned()] {
            assert_eq!(envelopes(&ask(vec![Arc::new(log(0, &["a"]))], &query).1), Vec::<&str>::new(), "{query}");
        }
    }

    #[test]
    fn a_log_that_is_gone_is_503_and_says_when_to_come_back() {
        let gone = log(0, &["a"]);
        gone.cut(true);
        let (status, problem) = ask(vec![Arc::new(gone)], "");
        assert_eq!((status, &problem["type"]), (503, &"/problems/unavailable".into()));
    }

    #[test]
    fn large_events_come_in_several_pages_and_each_answer_is_below_what_a_client_reads() {
        // The worst that can have to be escaped: six characters for one.
        let large = "\u{1}".repeat(20 * 1024);
        let told: Vec<&str> = (0..30).map(|_| large.as_str()).collect();
        let (mut after, mut seen, mut pages) = ("0-0".to_owned(), 0, 0);
        let log = log(0, &told);
        loop {
            let (_, page) = ask(vec![Arc::new(log.clone())], &format!("?after={after}"));
            assert!(page.to_string().len() < 1024 * 1024, "{} bytes", page.to_string().len());
            (seen, pages) = (seen + envelopes(&page).len(), pages + 1);
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!((seen, pages), (30, 4));
        let newest = log.clone();
        newest.forget_up_to(&stream(0), "1767225600000-0".parse().unwrap());
        let (_, page) = ask(vec![Arc::new(newest)], "?before=");
        assert_eq!((envelopes(&page).len(), &page["has_gap"]), (8, &false.into()), "the gap is behind the last page");
    }
}
