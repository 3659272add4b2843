//! Stripe through a real system: the routing table sends it what it is to have, over the component's own way out; its
//! webhooks come in signed; and what was lost on the way is found again, with one PaymentIntent a payment.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use anyhow::ensure;
use fake_stripe::{FakeStripe, Fault, KEY, sign};
use serde_json::{Value, json};
use std::time::Duration;
use support::http::{Asked, send};
use tests::{Shop, System};

type Outcome = anyhow::Result<()>;

const WEBHOOKS: &str = "/v1/providers/stripe/events";
const SECRET: &str = "whsec_of_the_tests";

/// A system that asks Stripe for whatever is paid by one of its tokens.
fn scene(seed: &str) -> anyhow::Result<(System, FakeStripe, Shop)> {
    let stripe = FakeStripe::start()?;
    let url = stripe.url();
    let system = Shop::system(&[
        ("stripe_url", &url),
        ("stripe_key", KEY),
        ("stripe_notice_secrets", &format!("whsec_before {SECRET}")),
        ("provider_routes", "pm_=stripe *=acquirer"),
    ])?;
    stripe.send_webhooks_to(system.address(), WEBHOOKS, SECRET);
    let shop = Shop::enter(&system, seed)?;
    Ok((system, stripe, shop))
}

/// The PaymentIntents for a payment.
fn intents(stripe: &FakeStripe, id: &str) -> Vec<Value> {
    stripe.intents().into_iter().filter(|intent| intent["metadata"]["payment_id"] == id).collect()
}

#[test]
fn a_payment_by_one_of_its_tokens_lives_its_whole_life_at_stripe() -> Outcome {
    let (mut system, stripe, shop) = scene("stripe")?;
    let id = shop.create("held", "pm_card_visa", "manual")?;
    shop.confirm(&id)?.expect(200)?;
    ensure!(shop.balance("holds:EUR")? == (0, 1000), "the payer's bank holds it");
    let capture = json!({ "amount_minor": 700 });
    let captured = shop.as_payer(&format!("/v1/payments/{id}/capture"), &capture, "take")?.expect(200)?;
    ensure!(captured.json["captured_minor"] == 700, "{}", captured.text);
    ensure!(shop.balance("holds:EUR")? == (0, 0), "what is not taken is held no more");
    let refunded = shop.refund(&id, 300, "give-back")?.expect(200)?;
    ensure!(refunded.json["status"] == "partially_refunded", "{}", refunded.text);
    ensure!(stripe.refunds()[0]["metadata"]["refund_id"] == refunded.json["refunds"][0]["id"], "{}", refunded.text);
    let intent = intents(&stripe, &id);
    ensure!(intent.len() == 1 && intent[0]["amount_received"] == 700, "{intent:?}");
    let name = intent[0]["id"].as_str().unwrap_or_default().to_owned();

    // The dispute is told by webhooks alone.
    let (posted, held) = shop.balance("merchant:EUR")?;
    stripe.dispute(&name, "needs_response");
    let disputed = shop.await_status(&id, "disputed")?;
    let (merchant, aside) = (shop.balance("merchant:EUR")?, shop.balance("disputes:EUR")?);
    ensure!((merchant, aside) == ((posted - 700, held), (700, 0)), "it is set aside: {disputed}");
    stripe.dispute(&name, "won");
    shop.await_status(&id, "partially_refunded")?;
    let (merchant, aside) = (shop.balance("merchant:EUR")?, shop.balance("disputes:EUR")?);
    ensure!((merchant, aside) == ((posted, held), (0, 0)), "it came back: {merchant:?} {aside:?}");

    let declined = shop.create("declined", "pm_card_chargeDeclinedInsufficientFunds", "automatic")?;
    let failed = shop.confirm(&declined)?.expect(200)?;
    ensure!(failed.json["failure_code"] == "insufficient_funds", "{}", failed.text);
    // Any other token still goes to the acquirer.
    let other = shop.captured("other", "tok_visa")?;
    ensure!(intents(&stripe, &other).is_empty() && shop.charge(&other)?["captured_minor"] == 1000, "asked elsewhere");
    shop.books_hold()?;
    ensure!(!system.logs()?.contains(KEY), "the key stands in the logs");
    system.stop()
}

#[test]
fn a_payer_who_was_at_the_bank_is_told_of_by_a_webhook() -> Outcome {
    let (mut system, stripe, shop) = scene("stripe-3ds")?;
    let id = shop.create("secure", "pm_card_authenticationRequired", "automatic")?;
    let asked = shop.confirm(&id)?.expect(200)?;
    ensure!(asked.json["next_action"]["url"] == "https://hooks.stripe.com/3ds", "{}", asked.text);
    stripe.authenticate("pi_1", true);
    let captured = shop.await_status(&id, "captured")?;
    ensure!(captured["captured_minor"] == 1000, "{captured}");

    // One that somebody else signed is not believed, whatever it says.
    let body = br#"{"id":"evt_x","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent"}}}"#;
    for (signature, status) in [(sign("whsec_wrong", body, 1), 400), (sign(SECRET, body, 1), 400), (String::new(), 400)]
    {
        let headers = vec![
            ("stripe-signature".to_owned(), signature),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let asked = Asked { method: "POST".to_owned(), target: WEBHOOKS.to_owned(), headers, body: body.to_vec() };
        let told = send(system.address(), &asked)?;
        ensure!(told.status == status, "{} {}", told.status, String::from_utf8_lossy(&told.body));
    }
    system.stop()
}

#[test]
fn what_was_lost_between_us_and_stripe_is_found_again_and_charged_once() -> Outcome {
    let (mut system, stripe, shop) = scene("stripe-faults")?;
    for (number, fault) in [Fault::AnswerLost, Fault::NotReached, Fault::Down].into_iter().enumerate() {
        let id = shop.create(&format!("lost-{number}"), "pm_card_visa", "automatic")?;
        stripe.next(fault);
        shop.confirm(&id)?.expect(200)?;
        shop.await_status(&id, "captured")?;
        ensure!(intents(&stripe, &id).len() == 1, "{fault:?}: {:?}", intents(&stripe, &id));
    }
    // The host dies while Stripe takes its time.
    let id = shop.create("killed", "pm_card_visa", "automatic")?;
    stripe.next(Fault::Slow(Duration::from_millis(400)));
    std::thread::scope(|scope| -> Outcome {
        let confirming = scope.spawn(|| shop.confirm(&id));
        std::thread::sleep(Duration::from_millis(200));
        system.kill_host()?;
        system.start_again()?;
        confirming.join().map_err(|_| anyhow::anyhow!("the client panicked"))??.expect(200)?;
        Ok(())
    })?;
    shop.await_status(&id, "captured")?;
    ensure!(intents(&stripe, &id).len() == 1, "{:?}", intents(&stripe, &id));
    // A refund whose answer is lost is found by our name for it.
    stripe.next(Fault::AnswerLost);
    shop.refund(&id, 400, "lost-refund")?.expect(200)?;
    ensure!(stripe.refunds().len() == 1, "{:?}", stripe.refunds());
    shop.books_hold()?;
    system.stop()
}
