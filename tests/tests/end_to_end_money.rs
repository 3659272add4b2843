//! What follows a capture, through a real system: refunds, disputes, payouts, saved ways to pay, each with its place in
//! the books and at the acquirer.

#![expect(clippy::indexing_slicing, reason = "a member that is missing from JSON reads as null")]

use anyhow::ensure;
use serde_json::json;
use tests::Shop;

type Outcome = anyhow::Result<()>;

/// 1.4 % of 10.00 EUR and 25 cents.
const FEE: i64 = 39;

#[test]
fn money_is_given_back_disputed_and_paid_out_and_the_books_follow() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "money")?;
    refunds(&shop)?;
    let before = shop.balance("merchant:EUR")?;
    ensure!(before == (-FEE, 0), "given back in full, the fee stays: {before:?}");
    ensure!(shop.balance("refunds:EUR")? == (0, 0), "nothing is on its way back any more");
    dispute(&shop, "won", "captured")?;
    dispute(&shop, "lost", "charged_back")?;
    let after = shop.balance("merchant:EUR")?;
    ensure!(after == (1000 - 3 * FEE, 0), "one of two disputes took its money: {after:?}");
    payouts(&shop, after.0)?;
    shop.books_hold()?;
    system.stop()
}

fn refunds(shop: &Shop) -> Outcome {
    let id = shop.captured("refunds", "tok_visa")?;
    for (amount_minor, status) in [(200, "partially_refunded"), (1, "partially_refunded"), (799, "refunded")] {
        let left = 1000 - shop.charge(&id)?["refunded_minor"].as_i64().unwrap_or_default();
        let more = shop.refund(&id, left + 1, &format!("{id}-more-{amount_minor}"))?;
        ensure!(more.status == 422 && more.json["field"] == "amount_minor", "more than is left: {}", more.text);
        let refunded = shop.refund(&id, amount_minor, &format!("{id}-{amount_minor}"))?.expect(200)?;
        ensure!(refunded.json["status"] == status, "{}", refunded.text);
        let again = shop.refund(&id, amount_minor, &format!("{id}-{amount_minor}"))?.expect(200)?;
        ensure!(again.replayed && again.text == refunded.text, "{} became {}", refunded.text, again.text);
    }
    let spent = shop.refund(&id, 1, &format!("{id}-spent"))?;
    ensure!(spent.status == 409 && spent.json["payment_status"] == "refunded", "{}", spent.text);
    let charge = shop.charge(&id)?;
    ensure!(charge["refunded_minor"] == 1000 && charge["refunds"].as_array().map(Vec::len) == Some(3), "{charge}");
    // Nobody decides alone to have their money back.
    let alone = shop.as_payer(&format!("/v1/payments/{id}/refunds"), &json!({}), "alone")?;
    ensure!(alone.status == 403, "{}", alone.text);
    Ok(())
}

fn dispute(shop: &Shop, outcome: &str, end: &str) -> Outcome {
    let id = shop.captured(&format!("dispute-{outcome}"), "tok_visa")?;
    let ((posted, held), acquirer) = (shop.balance("merchant:EUR")?, shop.balance("acquirer:EUR")?);
    shop.bank(&id, "dispute", &json!({}))?;
    let disputed = shop.await_status(&id, "disputed")?;
    ensure!(disputed["allowed"] == json!([]) && disputed["dispute"]["status"] == "open", "{disputed}");
    // No payout takes what is asked for, and the acquirer has it still.
    let (merchant, aside) = (shop.balance("merchant:EUR")?, shop.balance("disputes:EUR")?);
    ensure!((merchant, aside) == ((posted - 1000, held), (1000, 0)), "it is set aside: {merchant:?} {aside:?}");
    ensure!(shop.balance("acquirer:EUR")? == acquirer, "no money has moved");
    let refund = shop.refund(&id, 1, &format!("{id}-meanwhile"))?;
    ensure!(refund.status == 409, "the payer might be paid twice: {}", refund.text);
    shop.bank(&id, "dispute/close", &json!({ "outcome": outcome }))?;
    let decided = shop.await_status(&id, end)?;
    ensure!(decided["dispute"]["status"] == outcome, "{decided}");
    let taken = if outcome == "lost" { 1000 } else { 0 };
    let (after, aside) = (shop.balance("merchant:EUR")?, shop.balance("disputes:EUR")?);
    ensure!((after, aside) == ((posted - taken, held), (0, 0)), "{after:?} {aside:?}");
    let theirs = shop.balance("acquirer:EUR")?;
    ensure!(theirs == (acquirer.0 + taken, acquirer.1), "{theirs:?} after {acquirer:?}");
    Ok(())
}

fn payouts(shop: &Shop, available: i64) -> Outcome {
    let create = |amount_minor: i64, key: &str| {
        let body = json!({ "currency": "EUR", "amount_minor": amount_minor });
        shop.as_operator("/v1/ledger/payouts", &body, key)
    };
    let more = create(available + 1, "more")?;
    ensure!(more.status == 409 && more.json["available_minor"] == available, "{}", more.text);
    let payout = create(available - 100, "payout")?.expect(201)?;
    let path = format!("/v1/ledger/payouts/{}", payout.text_of("id")?);
    ensure!(shop.balance("merchant:EUR")? == (100, 0), "its amount leaves the balance at once");
    let other = create(101, "other")?;
    ensure!(other.status == 409, "the same money twice: {}", other.text);
    let move_on = |step: &str, key: &str| shop.as_operator(&format!("{path}/{step}"), &json!({}), key);
    ensure!(move_on("settle", "early")?.status == 409, "the bank was not told yet");
    for (step, status) in [("send", "in_transit"), ("fail", "failed"), ("return", "returned")] {
        let moved = move_on(step, step)?.expect(200)?;
        ensure!(moved.json["status"] == status, "{}", moved.text);
    }
    ensure!(shop.balance("merchant:EUR")? == (available, 0) && shop.balance("payouts:EUR")? == (0, 0), "it came back");
    let whole = shop.as_operator("/v1/ledger/payouts", &json!({ "currency": "EUR" }), "whole")?.expect(201)?;
    ensure!(whole.json["amount_minor"] == available, "{}", whole.text);
    let path = format!("/v1/ledger/payouts/{}", whole.text_of("id")?);
    for step in ["send", "settle"] {
        shop.as_operator(&format!("{path}/{step}"), &json!({}), &format!("whole-{step}"))?.expect(200)?;
    }
    let (bank, merchant) = (shop.balance("bank:EUR")?, shop.balance("merchant:EUR")?);
    ensure!((bank, merchant) == ((available, 0), (0, 0)), "it arrived: {bank:?} {merchant:?}");
    Ok(())
}

#[test]
fn a_saved_way_to_pay_pays_until_it_is_forgotten() -> Outcome {
    let mut system = Shop::system(&[])?;
    let shop = Shop::enter(&system, "saved")?;
    let saved = json!({ "token": "tok_visa", "label": "The blue card" });
    let method = shop.as_payer("/v1/payment-methods", &saved, "save")?.expect(201)?;
    let name = method.text_of("id")?;
    let again = shop.as_payer("/v1/payment-methods", &saved, "save")?;
    ensure!(again.text == method.text, "{} became {}", method.text, again.text);
    let list = shop.look("/v1/payment-methods")?.expect(200)?;
    ensure!(list.text.contains(&name) && !list.text.contains("tok_visa"), "the token is not shown: {}", list.text);
    let id = shop.captured("with-it", &name)?;
    ensure!(shop.charge(&id)?["token"] == "tok_visa", "another card was charged");
    // Of somebody else, and one that never was.
    let body = json!({ "amount_minor": 5, "currency": "EUR", "payment_method": name });
    let foreign = shop.as_operator("/v1/payments", &body, "foreign")?;
    ensure!(foreign.status == 422, "somebody else's card: {}", foreign.text);
    let forgotten = shop.forget(&format!("/v1/payment-methods/{name}"), "forget")?;
    ensure!(matches!(forgotten.status, 200 | 204), "{}", forgotten.text);
    let gone = shop.as_payer("/v1/payments", &body, "gone")?;
    ensure!(gone.status == 422 && gone.json["field"] == "payment_method", "a forgotten card: {}", gone.text);
    let stays = shop.look(&format!("/v1/payments/{id}"))?.expect(200)?;
    ensure!(stays.json["status"] == "captured", "{}", stays.text);
    system.stop()
}
