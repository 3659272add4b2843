//! Every card of the sandbox through a real system: the payment ends as the token says, and the acquirer has charged at
//! most once, also where its answer was late or lost and the worker's timer had to find out.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use anyhow::{anyhow, ensure};
use journey::{Api, Person};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{System, now};

type Outcome = anyhow::Result<()>;

/// An outcome that nobody told is asked for after 30 seconds; the slowest card answers after 20.
const LIMIT: Duration = Duration::from_secs(90);
const GLANCE: Duration = Duration::from_millis(100);

/// A card, how its confirmation is answered at best, how the payment ends, and why where it failed.
type Card = (&'static str, u16, &'static str, Option<&'static str>);

const CARDS: [Card; 11] = [
    ("tok_visa", 200, "captured", None),
    ("tok_slow", 200, "captured", None),
    ("tok_declined", 200, "failed", Some("card_declined")),
    ("tok_insufficient_funds", 200, "failed", Some("insufficient_funds")),
    ("tok_expired_card", 200, "failed", Some("expired_card")),
    // Asked again under the acquirer's own key, within the same request.
    ("tok_lost_answer", 200, "captured", None),
    ("tok_timeout", 202, "captured", None),
    ("tok_late_success", 202, "captured", None),
    ("tok_3ds", 200, "captured", None),
    // The provider's notice overtakes its answer, or comes twice.
    ("tok_notice_first", 200, "captured", None),
    ("tok_notice_twice", 200, "captured", None),
];

#[test]
fn every_card_ends_as_its_token_says_with_one_charge() -> Outcome {
    let mut system = System::start(&[])?;
    let payer = Payer::enter(&system.api(), "cards")?;
    std::thread::scope(|scope| {
        let walks: Vec<_> = CARDS.iter().map(|card| scope.spawn(|| payer.walk(card))).collect();
        walks.into_iter().try_for_each(|walk| walk.join().map_err(|_| anyhow!("a walk panicked"))?)
    })?;
    system.stop()
}

#[test]
fn a_hold_is_captured_in_part_or_given_back() -> Outcome {
    let mut system = System::start(&[])?;
    let payer = Payer::enter(&system.api(), "holds")?;
    let id = payer.create("tok_visa", "manual")?;
    payer.step(&id, "confirm", &json!({}))?;
    let captured = payer.step(&id, "capture", &json!({ "amount_minor": 400 }))?;
    ensure!(captured["captured_minor"] == 400, "another part was captured: {captured}");
    ensure!(payer.charges(&id)?["items"][0]["captured_minor"] == 400, "the acquirer took another part");
    let id = payer.create("tok_visa", "manual")?;
    payer.step(&id, "confirm", &json!({}))?;
    let canceled = payer.step(&id, "cancel", &json!({}))?;
    ensure!(canceled["status"] == "canceled", "the hold was not given back: {canceled}");
    ensure!(payer.charges(&id)?["items"][0]["status"] == "canceled", "the acquirer still holds it");
    system.stop()
}

/// A person with a token, who pays.
struct Payer {
    api: Api,
    token: String,
}

impl Payer {
    fn enter(api: &Api, seed: &str) -> anyhow::Result<Self> {
        let mut person = Person::new(api.clone(), seed);
        person.register()?;
        person.log_in()?;
        Ok(Self { api: api.clone(), token: person.access_token().to_owned() })
    }

    fn create(&self, card: &str, capture_method: &str) -> anyhow::Result<String> {
        let body = json!({
            "amount_minor": 1000, "currency": "EUR", "payment_method": card, "capture_method": capture_method,
        });
        let key = format!("{card}-{capture_method}-{}", now_nanos());
        self.api.post("/v1/payments", &body, Some(&self.token), Some(&key))?.expect(201)?.text_of("id")
    }

    fn step(&self, id: &str, step: &str, body: &Value) -> anyhow::Result<Value> {
        let path = format!("/v1/payments/{id}/{step}");
        let answer = self.api.post(&path, body, Some(&self.token), Some(&format!("{id}-{step}")))?;
        Ok(answer.expect(200)?.json)
    }

    fn charges(&self, id: &str) -> anyhow::Result<Value> {
        Ok(self.api.get(&format!("/sandbox/v1/charges?reference={id}"), None)?.expect(200)?.json)
    }

    /// One payment with one card, from its creation to its end.
    fn walk(&self, card: &Card) -> Outcome {
        let (token, status, end, failure) = *card;
        let id = self.create(token, "automatic")?;
        let key = format!("{id}-confirm");
        let path = format!("/v1/payments/{id}");
        let confirm = || self.api.post(&format!("{path}/confirm"), &json!({}), Some(&self.token), Some(&key));
        let start = now();
        // A machine that is busy may lose an answer too: the same key asks again, and 202 is always honest.
        let mut answer = confirm()?;
        while !matches!(answer.status, 200 | 202) {
            ensure!(matches!(answer.status, 409 | 503 | 504), "{token}: {} {}", answer.status, answer.text);
            ensure!(start.elapsed() < LIMIT, "{token} is not confirmed: {}", answer.text);
            std::thread::sleep(GLANCE);
            answer = confirm()?;
        }
        ensure!(status == 200 || answer.status == 202 || answer.replayed, "{token}: the outcome cannot be known yet");
        let mut proven = false;
        let payment = loop {
            let payment = self.api.get(&path, Some(&self.token))?.expect(200)?;
            if payment.json["status"] == end {
                break payment;
            }
            if let (false, Some(bank)) = (proven, payment.json["next_action"]["url"].as_str()) {
                self.api.post(bank, &json!({ "outcome": "success" }), None, None)?.expect(200)?;
                proven = true;
            }
            ensure!(start.elapsed() < 2 * LIMIT, "{token} does not end: {}", payment.text);
            std::thread::sleep(GLANCE);
        };
        ensure!(payment.json["failure_code"].as_str() == failure, "{token} ends for another reason: {}", payment.text);
        let charges = self.charges(&id)?;
        ensure!(charges["total"] == 1, "{token}: {} charges for one payment", charges["total"]);
        ensure!(
            charges["items"][0]["captured_minor"] == payment.json["captured_minor"],
            "{token}: books and acquirer differ: {} {charges}",
            payment.text
        );
        // The key knows the outcome for good, whoever found it out.
        let again = confirm()?.expect(200)?;
        ensure!(again.replayed, "{token}: the confirmation was carried out again: {}", again.text);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "keys of a client outside the system")]
fn now_nanos() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}
