//! The client of the owner's route.

use crate::ToldAnswer;
use ambient::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use core::time::Duration;
use events::{EntryId, EventHistory, EventsError, MAX_TOLD, Span, StreamName, ToldPage};
use http::{HeaderValue, Request, StatusCode, header};
use http_client::HttpClient;
use service_token::ServiceTokens;
use std::sync::Arc;

/// The longest call: a few pages from a key-value store, and room for a busy owner.
const CALL: Duration = Duration::from_secs(3);

/// Asks the contexts that keep what they told.
#[derive(Clone)]
pub struct HttpHistory {
    base: String,
    http: Arc<dyn HttpClient>,
    tokens: ServiceTokens,
    clock: Arc<dyn Clock>,
}

impl HttpHistory {
    /// The history at `url`, such as `http://payments-ledger.spin.internal`.
    pub fn new(url: &str, http: Arc<dyn HttpClient>, tokens: ServiceTokens, clock: Arc<dyn Clock>) -> Self {
        Self { base: url.trim_end_matches('/').to_owned(), http, tokens, clock }
    }

    fn request(&self, stream: &StreamName, span: Span, limit: u32) -> Result<Request<Bytes>, EventsError> {
        let (side, from) = match span {
            Span::After(entry) => ("after", entry.to_string()),
            Span::Before(entry) => ("before", entry.map(|entry| entry.to_string()).unwrap_or_default()),
        };
        let (base, context, partition) = (&self.base, stream.context(), stream.partition());
        let limit = limit.clamp(1, MAX_TOLD);
        let uri = format!("{base}/internal/{context}/events?partition={partition}&{side}={from}&limit={limit}");
        let unusable = |error: &dyn core::fmt::Display| EventsError::Unexpected(error.to_string());
        let bearer = format!("Bearer {}", self.tokens.issue(context, self.clock.now()));
        let bearer = HeaderValue::try_from(bearer).map_err(|error| unusable(&error))?;
        let request = Request::get(uri).header(header::AUTHORIZATION, bearer).body(Bytes::new());
        request.map_err(|error| unusable(&error))
    }
}

#[async_trait]
impl EventHistory for HttpHistory {
    async fn told(&self, stream: &StreamName, span: Span, limit: u32) -> Result<ToldPage, EventsError> {
        let gone = |why: String| EventsError::Unavailable(why);
        let request = self.request(stream, span, limit)?;
        let answer = self.http.send(request, CALL).await.map_err(|error| gone(error.to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(gone(format!("status {}", answer.status().as_u16())));
        }
        let nonsense = |what: &str| EventsError::Unexpected(format!("{what}, asked for {stream}"));
        let answer: ToldAnswer = serde_json::from_slice(answer.body()).map_err(|_| nonsense("no page"))?;
        if answer.stream != stream.to_string() {
            return Err(nonsense("a page of another stream"));
        }
        let page = answer.into_page().ok_or_else(|| nonsense("a page whose entries are none"))?;
        // Whoever walks on from the last entry must get further.
        if is_in_order(&page, span) { Ok(page) } else { Err(nonsense("a page that is out of order")) }
    }
}

fn is_in_order(page: &ToldPage, span: Span) -> bool {
    let mut ids: Vec<EntryId> = page.entries.iter().map(|entry| entry.id).collect();
    let asked_from = match span {
        Span::After(entry) => Some(entry),
        Span::Before(entry) => {
            ids.reverse();
            entry
        }
    };
    let is_beyond = match span {
        Span::After(_) => asked_from.zip(ids.first()).is_none_or(|(from, first)| *first > from),
        Span::Before(_) => asked_from.zip(ids.last()).is_none_or(|(from, last)| *last < from),
    };
    is_beyond && ids.is_sorted_by(|earlier, later| earlier < later) && (!page.has_more || !ids.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::FixedClock;
    use futures::executor::block_on;
    use http::Response;
    use http_client::{HttpError, ScriptedHttp};

    const COMMON_KEY: &[u8] = b"a key of at least 32 random bytes";
    const EMPTY: &str = r#"{"stream":"payments/1","items":[],"has_gap":false}"#;

    fn stream() -> StreamName {
        StreamName::new("payments", 1)
    }

    fn history(http: ScriptedHttp) -> (HttpHistory, FixedClock) {
        let clock = FixedClock::at("2026-01-01T00:00:00.000Z");
        let tokens = ServiceTokens::new(COMMON_KEY);
        (HttpHistory::new("http://owner.test/", Arc::new(http), tokens, Arc::new(clock.clone())), clock)
    }

    fn answering(status: u16, body: &str) -> ScriptedHttp {
        let body = Bytes::copy_from_slice(body.as_bytes());
        ScriptedHttp::new(move |_| Ok(Response::builder().status(status).body(body.clone()).unwrap()))
    }

    fn told(status: u16, body: &str, span: Span) -> Result<ToldPage, EventsError> {
        block_on(history(answering(status, body)).0.told(&stream(), span, 2))
    }

    fn entry(unix_ms: u64) -> EntryId {
        EntryId { unix_ms, place: 0 }
    }

    #[test]
    fn the_owner_is_asked_for_its_partition_with_a_token_of_its_own() {
        for (span, query) in [
            (Span::After(entry(7)), "partition=1&after=7-0&limit=100"),
            (Span::Before(Some(entry(7))), "partition=1&before=7-0&limit=100"),
            (Span::Before(None), "partition=1&before=&limit=100"),
        ] {
            let http = answering(200, EMPTY);
            let (history, clock) = history(http.clone());
            assert_eq!(block_on(history.told(&stream(), span, 1_000)), Ok(ToldPage::default()));
            let asked = &http.asked()[0];
            assert_eq!(asked.uri().to_string(), format!("http://owner.test/internal/payments/events?{query}"));
            let bearer = asked.headers()["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
            assert_eq!(ServiceTokens::new(COMMON_KEY).verify(&bearer, "payments", clock.now()), Ok(()));
        }
    }

    #[test]
    fn a_page_is_read_with_what_lies_behind_it() {
        let body = r#"{"stream":"payments/1","items":[{"entry":"8-0","envelope":"{}"},{"entry":"9-0","envelope":"x"}],
            "next":"9-0","has_gap":true}"#;
        let page = told(200, body, Span::After(entry(7))).unwrap();
        let entries: Vec<_> = page.entries.iter().map(|entry| (entry.id, entry.payload.as_slice())).collect();
        assert_eq!(entries, [(entry(8), b"{}".as_slice()), (entry(9), b"x")]);
        assert_eq!((page.has_more, page.has_gap), (true, true));
    }

    #[test]
    fn an_owner_that_is_away_is_unavailable_and_nonsense_is_never_believed() {
        for status in [401, 404, 422, 500, 502, 503, 504] {
            let outcome = told(status, "", Span::Before(None));
            assert!(matches!(outcome, Err(EventsError::Unavailable(_))), "{status} {outcome:?}");
        }
        for lost in [HttpError::NotSent("refused".into()), HttpError::Lost("no answer in 3000 ms".into())] {
            let http = ScriptedHttp::new(move |_| Err(lost.clone()));
            let outcome = block_on(history(http).0.told(&stream(), Span::Before(None), 2));
            assert!(matches!(outcome, Err(EventsError::Unavailable(_))), "{outcome:?}");
        }
        let of =
            |items: &str, rest: &str| format!(r#"{{"stream":"payments/1","items":[{items}],"has_gap":false{rest}}}"#);
        let item = |entry: &str| format!(r#"{{"entry":"{entry}","envelope":"{{}}"}}"#);
        let pair = |a: &str, b: &str| of(&format!("{},{}", item(a), item(b)), "");
        for (body, span) in [
            (String::new(), Span::Before(None)),
            ("{}".to_owned(), Span::Before(None)),
            (EMPTY.replace("/1", "/0"), Span::Before(None)),
            (of(&item("x"), ""), Span::Before(None)),
            // Each would have a walk go round for ever, or tell something twice.
            (of(&item("7-0"), ""), Span::After(entry(7))),
            (of(&item("7-0"), ""), Span::Before(Some(entry(7)))),
            (of("", r#","next":"9-0""#), Span::After(entry(7))),
            (pair("9-0", "8-0"), Span::After(entry(7))),
            (pair("8-0", "8-0"), Span::After(entry(7))),
            (pair("8-0", "9-0"), Span::Before(None)),
        ] {
            let outcome = told(200, &body, span);
            assert!(matches!(outcome, Err(EventsError::Unexpected(_))), "{body} {outcome:?}");
        }
    }
}
