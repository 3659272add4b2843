//! The walkthrough of docs/payments.md, played against the routes: each line of curl and what is said to come back.

use crate::app::fixture::{House, Seen};

/// One call and what it is said to answer.
struct Call {
    path: String,
    key: Option<String>,
    body: Option<String>,
    expected: (u16, String),
}

/// What stands between a word and the next quote of the same kind.
fn quoted<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    line.split_once(before)?.1.split('\'').next()
}

fn calls(document: &str) -> Vec<Call> {
    let mut lines = document.lines();
    let mut calls = Vec::new();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("curl -i $API") else { continue };
        let answer = lines.next().and_then(|line| line.strip_prefix("# → ")).expect("each call says what it answers");
        let (status, word) = answer.split_once(' ').unwrap();
        calls.push(Call {
            path: rest.split(' ').next().unwrap().to_owned(),
            key: quoted(rest, "'idempotency-key: ").map(str::to_owned),
            body: quoted(rest, "-d '").map(str::to_owned),
            expected: (status.parse().unwrap(), word.to_owned()),
        });
    }
    calls
}

#[tokio::test]
async fn the_documented_walkthrough_answers_what_it_says() {
    let mut house = House::new();
    house.scopes.push("payments:refund".to_owned());
    let mut payment = String::new();
    let calls = calls(include_str!("../../../../docs/payments.md"));
    assert!(calls.len() >= 10, "only {} calls were found", calls.len());
    for call in calls {
        let path = call.path.replace("$PAYMENT", &payment);
        let seen: Seen = match (&call.key, &call.body) {
            (Some(key), Some(body)) => house.post(&path, key, body).await,
            _ => house.get(&path).await,
        };
        assert_eq!(seen.gist(), call.expected, "{path}: {}", seen.text);
        if let Some(location) = seen.header("location") {
            payment = location.to_owned();
        }
    }
}
