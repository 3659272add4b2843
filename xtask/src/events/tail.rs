//! Looking into streams.
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::desk::{Desk, items, number, text};
use super::selection::escaped;
use crate::signals;

/// How often a stream that is followed is looked at.
const GLANCE: Duration = Duration::from_millis(500);

/// Prints every stream with its groups.
///
/// # Errors
/// When the system does not answer.
pub fn streams(desk: &Desk) -> anyhow::Result<ExitCode> {
    let mut whole = Vec::new();
    for stream in items(&desk.get("/streams")?) {
        let (context, partition) = (text(stream, "context"), number(stream, "partition"));
        let groups = desk.get(&format!("/streams/{context}/groups?partition={partition}"))?;
        let mut members = stream.as_object().cloned().unwrap_or_default();
        members.insert("groups".to_owned(), groups.get("items").cloned().unwrap_or_default());
        whole.push(Value::Object(members));
    }
    let found = json!({ "items": whole });
    if desk.json {
        desk.print(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for stream in items(&found) {
        println!(
            "{:<18} {:>9} events {:>9} kB  oldest {}",
            text(stream, "stream"),
            number(stream, "length"),
            number(stream, "bytes") / 1000,
            age(number(stream, "oldest_age_ms"))
        );
        for group in stream.get("groups").and_then(Value::as_array).into_iter().flatten() {
            println!("  {}", group_line(group));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// **Shape**: `notifications-worker  lag 0  pending 2 (oldest 1.2 s, 1 delivery)  waiting 1  retries 7  given up 1`.
fn group_line(group: &Value) -> String {
    let lag = group.get("lag").and_then(Value::as_u64).map_or_else(|| "?".to_owned(), |lag| lag.to_string());
    let mut line = format!("{:<22} lag {lag}  pending {}", text(group, "group"), number(group, "pending"));
    if number(group, "pending") > 0 {
        let deliveries = number(group, "oldest_pending_deliveries");
        line.push_str(&format!(
            " (oldest {}, handed out {deliveries} times)",
            age(number(group, "oldest_pending_age_ms"))
        ));
    }
    line.push_str(&format!(
        "  waiting {}  retries {}  given up {}",
        number(group, "waiting"),
        number(group, "retries"),
        number(group, "given_up")
    ));
    line
}

/// **Shape**: `0.4 s`, `83 s`, `5 h`, `3 d`.
fn age(ms: u64) -> String {
    match ms / 1000 {
        0..=7_199 => crate::narration::words(Duration::from_millis(ms)),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Where a tail begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// With so many of the last events.
    Last(u32),
    /// With the first event at this moment or later.
    Moment(String),
    /// With the first event that is kept.
    Start,
}

/// Prints what a context told from there on and, where it is followed, what it tells from now on.
///
/// # Errors
/// When the system does not answer.
pub fn tail(
    desk: &Desk,
    (context, partition): (&str, u8),
    from: &From,
    follow: bool,
    kind: &str,
) -> anyhow::Result<ExitCode> {
    let path = format!("/streams/{context}/events?partition={partition}");
    let as_document = desk.json && !follow;
    let mut shown: Vec<Value> = Vec::new();
    let mut show = |events: &[Value]| {
        for event in events.iter().filter(|event| is_of(event, kind)) {
            if as_document { shown.push(event.clone()) } else { println!("{}", line(event, desk.json)) }
        }
    };
    // What ends by itself ends at once by Ctrl-C, too.
    let stop = follow.then(signals::StopFlag::watch).transpose()?;
    let mut query = match from {
        From::Last(last) => {
            // One look too many where none is wanted: it says where following begins.
            let page = desk.get(&format!("{path}&limit={}", (*last).max(1)))?;
            let mut events = items(&page).to_vec();
            let newest = events.first().map_or_else(|| "0-0".to_owned(), |newest| text(newest, "entry").to_owned());
            events.truncate(*last as usize);
            events.reverse();
            show(&events);
            format!("after={newest}")
        }
        From::Moment(since) => format!("since={}", escaped(since)),
        From::Start => "after=0-0".to_owned(),
    };
    let mut goes_on = follow || !matches!(from, From::Last(_));
    while goes_on && !stop.as_ref().is_some_and(signals::StopFlag::is_set) {
        let page = desk.get(&format!("{path}&{query}&limit=100"))?;
        if page.get("has_gap") == Some(&Value::Bool(true)) {
            eprintln!("what was told before {} is not kept any more", first_of(&page));
        }
        show(items(&page));
        if let Some(last) = items(&page).last() {
            query = format!("after={}", text(last, "entry"));
        }
        let is_all = page.get("next_after").is_none_or(Value::is_null);
        goes_on = follow || !is_all;
        if follow && is_all {
            std::thread::sleep(GLANCE);
        }
    }
    if as_document {
        desk.print(&json!({ "items": shown }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first entry of a page, in words where there is none.
fn first_of(page: &Value) -> &str {
    items(page).first().map_or("now", |event| text(event, "entry"))
}

fn is_of(event: &Value, kind: &str) -> bool {
    kind.is_empty() || event.get("event").is_some_and(|envelope| text(envelope, "type").starts_with(kind))
}

/// **Shape**: `1767225600000-0  2026-01-01T00:00:00.000Z  payments.payment.captured.v1  pay_00…  1.4  {"amount":…}`.
fn line(event: &Value, json: bool) -> String {
    if json {
        return event.to_string();
    }
    let place = format!("{:<18} {}", text(event, "entry"), text(event, "at"));
    match event.get("event") {
        Some(envelope) => format!(
            "{place}  {:<40} {}  {}  {}",
            text(envelope, "type"),
            text(envelope, "subject"),
            text(envelope, "version"),
            envelope.get("data").unwrap_or(&Value::Null)
        ),
        None => {
            format!("{place}  no event: {}", event.pointer("/unreadable/why").and_then(Value::as_str).unwrap_or("?"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whether_or_not_it_is_one() {
        let event = json!({ "entry": "1-0", "at": "2026-01-01T00:00:00.000Z",
            "event": { "type": "payments.payment.captured.v1", "subject": "pay_1", "version": "1.4", "data": { "a": 1 } } });
        let shown = line(&event, false);
        assert!(shown.contains("payments.payment.captured.v1") && shown.ends_with("pay_1  1.4  {\"a\":1}"), "{shown}");
        assert!(is_of(&event, "payments.") && is_of(&event, "") && !is_of(&event, "users."));
        let garbage = json!({ "entry": "1-0", "at": "x", "unreadable": { "why": "not JSON" } });
        assert!(line(&garbage, false).ends_with("no event: not JSON"));
        assert!(!is_of(&garbage, "payments."));
    }

    #[test]
    fn a_group_says_what_it_has_in_hand() {
        let group = json!({ "group": "g", "lag": 3, "pending": 2, "oldest_pending_age_ms": 1_500,
            "oldest_pending_deliveries": 2, "waiting": 1, "retries": 7, "given_up": 4 });
        let wanted = "lag 3  pending 2 (oldest 1.5 s, handed out 2 times)  waiting 1  retries 7  given up 4";
        assert!(group_line(&group).ends_with(wanted), "{}", group_line(&group));
        assert!(group_line(&json!({ "group": "g" })).contains("lag ?  pending 0  waiting"));
        assert_eq!(
            (age(1_500).as_str(), age(10_000_000).as_str(), age(900_000_000).as_str()),
            ("1.5 s", "2 h", "10 d")
        );
    }
}
