//! The frame of a request: its trace and its deadline.

use ambient::{Random, Timestamp};
use core::time::Duration;
use http::HeaderMap;
use principal::{RequestScope, TIMEOUT_HEADER, TRACE_HEADER, TraceId};
use problem::{MALFORMED, Problem};

/// The trace: of our own header on internal calls, else of a valid `traceparent`, else new.
pub(crate) fn trace(headers: &HeaderMap, internal: bool, random: &dyn Random) -> TraceId {
    let ours = || headers.get(TRACE_HEADER).filter(|_| internal)?.to_str().ok()?.parse().ok();
    ours().or_else(|| traceparent(headers)).unwrap_or_else(|| {
        let mut bytes = [0u8; 16];
        random.fill(&mut bytes);
        TraceId::from_bytes(bytes)
    })
}

/// The trace id of `traceparent`. **Shape** `00-<32 hex>-<16 hex>-<2 hex>`, later versions may append fields.
/// **Source** W3C Trace Context, 3.2.
fn traceparent(headers: &HeaderMap) -> Option<TraceId> {
    let mut values = headers.get_all("traceparent").iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let mut parts = value.to_str().ok()?.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let parent_is_valid = hex(parent, 16) && parent.bytes().any(|b| b != b'0');
    if !hex(version, 2) || version == "ff" || !parent_is_valid || !hex(flags, 2) {
        return None;
    }
    if version == "00" && parts.next().is_some() {
        return None;
    }
    trace.parse().ok()
}

/// The deadline: what the caller asks for in `X-Request-Timeout` (whole milliseconds, at least 1), at most `cap`.
///
/// # Errors
/// 400 `malformed` when the header is something else.
pub(crate) fn deadline(headers: &HeaderMap, now: Timestamp, cap: Duration) -> Result<Timestamp, Problem> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else {
        return Ok(now.plus(cap));
    };
    let asked_ms = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse::<u64>().ok())
        .filter(|&ms| ms > 0)
        .ok_or_else(|| Problem::new(MALFORMED).detail("X-Request-Timeout is a number of milliseconds, at least 1"))?;
    Ok(now.plus(Duration::from_millis(asked_ms).min(cap)))
}

/// The scope of a request, with the problem that its deadline header may have.
pub(crate) fn scope(
    headers: &HeaderMap,
    internal: bool,
    random: &dyn Random,
    now: Timestamp,
    cap: Duration,
) -> (RequestScope, Option<Problem>) {
    let trace = trace(headers, internal, random);
    match deadline(headers, now, cap) {
        Ok(deadline) => (RequestScope { trace, deadline }, None),
        Err(problem) => (RequestScope { trace, deadline: now.plus(cap) }, Some(problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambient::CountedRandom;
    use http::HeaderValue;

    const NEW: &str = "00000000000000000000000000000001";
    const GIVEN: &str = "0af7651916cd43dd8448eb211c80319c";

    fn trace_of(name: &'static str, value: &str, internal: bool) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        trace(&headers, internal, &CountedRandom::default()).to_string()
    }

    #[test]
    fn a_valid_traceparent_is_continued_and_any_other_ignored() {
        let valid = format!("00-{GIVEN}-b7ad6b7169203331-01");
        assert_eq!(trace_of("traceparent", &valid, false), GIVEN);
        assert_eq!(trace_of("traceparent", &format!("01-{GIVEN}-b7ad6b7169203331-01-new"), false), GIVEN);
        for bad in [
            "",
            "00",
            GIVEN,
            &format!("ff-{GIVEN}-b7ad6b7169203331-01"),
            &format!("00-{GIVEN}-0000000000000000-01"),
            &format!("00-{GIVEN}-b7ad6b7169203331"),
            &format!("00-{GIVEN}-b7ad6b7169203331-01-more"),
            &format!("00-{}-b7ad6b7169203331-01", GIVEN.to_uppercase()),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        ] {
            assert_eq!(trace_of("traceparent", bad, false), NEW, "{bad}");
        }
    }

    #[test]
    fn our_own_header_counts_on_internal_calls_only() {
        assert_eq!(trace_of("x-spindrift-trace", GIVEN, true), GIVEN);
        assert_eq!(trace_of("x-spindrift-trace", GIVEN, false), NEW);
        assert_eq!(trace_of("x-spindrift-trace", "nonsense", true), NEW);
    }

    #[test]
    fn the_caller_may_shorten_the_deadline_and_never_lengthen_it() {
        let at = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-timeout", HeaderValue::from_str(value).unwrap());
            deadline(&headers, Timestamp::from_unix_ms(0), Duration::from_secs(10)).map(Timestamp::unix_ms)
        };
        assert_eq!(at("250"), Ok(250));
        assert_eq!(at("60000"), Ok(10_000));
        for bad in ["0", "-1", "5s", "1.5", "", "9999999999"] {
            assert!(at(bad).is_err(), "{bad}");
        }
        let none = deadline(&HeaderMap::new(), Timestamp::from_unix_ms(0), Duration::from_secs(10));
        assert_eq!(none.map(Timestamp::unix_ms), Ok(10_000));
    }
}
