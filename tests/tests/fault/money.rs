//! The host dies in the middle of a refund, of a payout and of a payout's move: whoever asks again learns what became of
//! it, and it happened once.

use anyhow::{anyhow, ensure};
use journey::Answer;
use serde_json::json;
use std::time::Duration;
use tests::{Shop, System};

type Outcome = anyhow::Result<()>;

/// Before anything, between two commits, after the answer: wherever the machine is by then.
const DELAYS_MS: [u64; 4] = [1, 5, 15, 40];

/// Asks, and kills the host so much later; then it is asked again, until there is an answer.
fn interrupted(
    system: &mut System,
    delay_ms: u64,
    ask: impl Fn() -> anyhow::Result<Answer> + Sync,
) -> anyhow::Result<Answer> {
    std::thread::scope(|scope| {
        let asking = scope.spawn(&ask);
        std::thread::sleep(Duration::from_millis(delay_ms));
        system.kill_host()?;
        system.start_again()?;
        let first = asking.join().map_err(|_| anyhow!("the client panicked"))??;
        let again = ask()?;
        ensure!(again.status == first.status && again.text == first.text, "{} became {}", first.text, again.text);
        ensure!(again.replayed, "the request was carried out again: {}", again.text);
        Ok(again)
    })
}

#[test]
fn a_refund_that_was_interrupted_is_made_once() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "refund-killed")?;
    let id = shop.captured("tea", "tok_visa")?;
    for (round, delay_ms) in (1i64..).zip(DELAYS_MS) {
        let refunded = interrupted(&mut system, delay_ms, || shop.refund(&id, 100, &format!("refund-{delay_ms}")))?;
        ensure!(refunded.status == 200, "{}", refunded.text);
        let (payment, charge) = (shop.look(&format!("/v1/payments/{id}"))?.expect(200)?, shop.charge(&id)?);
        ensure!(payment.json["refunded_minor"] == 100 * round, "{}", payment.text);
        ensure!(charge["refunded_minor"] == 100 * round, "the acquirer gave back another amount: {charge}");
        let (balance, aside) = (shop.balance("merchant:EUR")?, shop.balance("refunds:EUR")?);
        ensure!((balance, aside) == ((1000 - 39 - 100 * round, 0), (0, 0)), "{balance:?} {aside:?}");
    }
    shop.books_hold()?;
    system.stop()
}

#[test]
fn a_payout_that_was_interrupted_is_made_and_moved_once() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "payout-killed")?;
    shop.captured("tea", "tok_visa")?;
    for (round, delay_ms) in (1i64..).zip(DELAYS_MS) {
        let body = json!({ "currency": "EUR", "amount_minor": 100 });
        let created = interrupted(&mut system, delay_ms, || {
            shop.as_operator("/v1/ledger/payouts", &body, &format!("payout-{delay_ms}"))
        })?;
        ensure!(created.status == 201, "{}", created.text);
        let path = format!("/v1/ledger/payouts/{}/send", created.text_of("id")?);
        let sent =
            interrupted(&mut system, delay_ms, || shop.as_operator(&path, &json!({}), &format!("send-{delay_ms}")))?;
        ensure!(sent.json["status"] == "in_transit", "{}", sent.text);
        let total = shop.read("/v1/ledger/payouts")?["total"].clone();
        ensure!(total == json!(round), "{total} payouts after {round}");
        let (merchant, payouts) = (shop.balance("merchant:EUR")?, shop.balance("payouts:EUR")?);
        ensure!((merchant, payouts) == ((961 - 100 * round, 0), (100 * round, 0)), "{merchant:?} {payouts:?}");
    }
    shop.books_hold()?;
    system.stop()
}
