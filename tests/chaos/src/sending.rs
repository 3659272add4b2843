//! One call on its way: sent once, by several at once, or left alone by its sender; and what its answer means.

use crate::pace::Moment;
use crate::{Call, Dice, Ended, Tally};
use journey::{Answer, Api};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::http::{Asked, send_and_leave};

/// No request may take this long (I12): the system's own deadline is 10 s, the client gives up after 30.
const HUNG: Duration = Duration::from_secs(25);
/// The longest that a client heeds a `Retry-After`.
const MOST_PATIENCE_S: u64 = 2;
/// How long a client waits that was not answered at all.
const UNANSWERED_PAUSE: Duration = Duration::from_millis(150);

/// The system, as clients reach it.
#[derive(Clone)]
pub(crate) struct Line {
    pub api: Api,
    pub address: SocketAddr,
    pub tally: Arc<Tally>,
}

/// What one sending came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Word {
    /// The call has ended.
    Final(Ended),
    /// It is to be sent again, so much later.
    Again(Duration),
    /// The token has run out.
    LogIn,
}

/// The last part of a problem's type.
pub(crate) fn kind(answer: &Answer) -> String {
    let kind = answer.json.get("type").and_then(Value::as_str).and_then(|kind| kind.rsplit('/').next());
    kind.map_or_else(|| format!("{} without a kind", answer.status), str::to_owned)
}

impl Line {
    pub fn new(address: SocketAddr, tally: Arc<Tally>) -> Self {
        Self { api: Api::new(&format!("http://{address}")), address, tally }
    }

    /// Sends a call once.
    ///
    /// # Errors
    /// What is broken at once, in words.
    pub fn send(&self, call: &mut Call, token: &str) -> Result<Word, String> {
        call.tries += 1;
        self.tally.add(Tally::SENT, call.deed.word());
        let sent = Moment::now();
        let answer = self.api.try_post(&call.path, &call.body, Some(token), Some(&call.key));
        self.heard(call, answer, sent.elapsed())
    }

    /// Sends a call from several clients at once; all that end must end alike.
    ///
    /// # Errors
    /// What is broken at once, in words.
    pub fn send_together(&self, call: &mut Call, token: &str, how_many: u64) -> Result<Word, String> {
        self.tally.add(Tally::FAULTS, "one key from several clients at once");
        let asked = &*call;
        let answers: Vec<_> = std::thread::scope(|scope| {
            let send = || {
                self.tally.add(Tally::SENT, asked.deed.word());
                let sent = Moment::now();
                (self.api.try_post(&asked.path, &asked.body, Some(token), Some(&asked.key)), sent.elapsed())
            };
            let calls: Vec<_> = (0..how_many).map(|_| scope.spawn(send)).collect();
            calls.into_iter().filter_map(|call| call.join().ok()).collect()
        });
        call.tries += 1;
        let (mut ended, mut otherwise) = (None, Word::Again(UNANSWERED_PAUSE));
        for (answer, took) in answers {
            match self.heard(call, answer, took)? {
                Word::Final(one @ Ended::Acknowledged { .. }) => match &ended {
                    Some(before) if *before != one => {
                        return Err(format!("{} under one key: {before:?}, then {one:?}", call.deed.word()));
                    }
                    _ => ended = Some(one),
                },
                // Beside a twin under way a refusal may be out of date; alone it is asked for once more and stands.
                Word::Final(_) => {}
                word => otherwise = word,
            }
        }
        Ok(ended.map_or(otherwise, Word::Final))
    }

    /// Sends a call and goes away before the answer.
    pub fn send_and_leave(&self, call: &mut Call, token: &str, dice: &mut Dice) {
        call.tries += 1;
        self.tally.add(Tally::SENT, call.deed.word());
        self.tally.add(Tally::FAULTS, "client goes away before the answer");
        let header = |name: &str, value: String| (name.to_owned(), value);
        let asked = Asked {
            method: "POST".to_owned(),
            target: call.path.clone(),
            headers: vec![
                header("authorization", format!("Bearer {token}")),
                header("content-type", "application/json".to_owned()),
                header("idempotency-key", call.key.clone()),
            ],
            body: call.body.to_string().into_bytes(),
        };
        // Not there is as good as not answered: the call is sent again either way.
        send_and_leave(self.address, &asked, Duration::from_millis(dice.between(0, 12))).ok();
    }

    fn heard(&self, call: &Call, answer: anyhow::Result<Answer>, took: Duration) -> Result<Word, String> {
        self.tally.longest("of a request", took);
        if took > HUNG {
            return Err(format!("{} under {} was not answered for {took:?}", call.deed.word(), call.key));
        }
        match answer {
            Ok(answer) => {
                let word = meaning(&answer);
                if let Word::Again(_) = word {
                    self.tally.add(Tally::AGAIN, format!("{} {}", answer.status, kind(&answer)));
                }
                Ok(word)
            }
            Err(_) => {
                self.tally.add(Tally::UNANSWERED, call.deed.word());
                Ok(Word::Again(UNANSWERED_PAUSE))
            }
        }
    }
}

/// What an answer means for its call.
fn meaning(answer: &Answer) -> Word {
    let seconds = answer.retry_after_s.unwrap_or(1).min(MOST_PATIENCE_S);
    let again = || Word::Again(Duration::from_millis(200 + 1000 * seconds));
    let kind = kind(answer);
    match (answer.status, kind.as_str()) {
        (200 | 201, _) => Word::Final(Ended::Acknowledged { status: answer.status, text: answer.text.clone() }),
        (202 | 429 | 500..=599, _) | (409, "in-flight" | "conflict") => again(),
        // Another step of the same payment awaits its answer.
        (409, "payment-state") if answer.json.get("awaiting").is_some() => again(),
        (401, "unauthenticated") => Word::LogIn,
        (status, _) => Word::Final(Ended::Refused { status, kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, json: Value) -> Answer {
        let request = "POST /".to_owned();
        let (text, took) = (json.to_string(), Duration::ZERO);
        Answer { request, status, text, json, replayed: false, retry_after_s: None, took }
    }

    #[test]
    fn only_what_is_final_ends_a_call() {
        let problem =
            |status, kind: &str| meaning(&answer(status, serde_json::json!({ "type": format!("/problems/{kind}") })));
        assert!(matches!(meaning(&answer(201, Value::Null)), Word::Final(Ended::Acknowledged { status: 201, .. })));
        assert!(matches!(meaning(&answer(202, Value::Null)), Word::Again(_)));
        for (status, kind) in [(409, "in-flight"), (409, "conflict"), (503, "unavailable"), (500, "internal")] {
            assert!(matches!(problem(status, kind), Word::Again(_)), "{kind}");
        }
        for (status, kind) in [(409, "payment-state"), (422, "invalid"), (409, "acquirer-refused"), (404, "not-found")]
        {
            assert_eq!(problem(status, kind), Word::Final(Ended::Refused { status, kind: kind.to_owned() }));
        }
        assert_eq!(problem(401, "unauthenticated"), Word::LogIn);
        let awaiting = serde_json::json!({ "type": "/problems/payment-state", "awaiting": "refund" });
        assert!(matches!(meaning(&answer(409, awaiting)), Word::Again(_)));
    }
}
