//! Notices: forged, twice, too early, too late, for nobody, and instead of an answer.

use crate::app::fixture::{Fault, House};
use crate::domain::properties::dispute_of;
use crate::domain::{ChargeStanding, DisputeStanding};
use ambient::Clock;
use futures::future::join;

fn gist(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

/// The id of a payment by its path.
fn id_of(path: &str) -> String {
    path.trim_start_matches("/v1/payments/").to_owned()
}

fn notice(id: &str, payment: &str, charge: &str) -> String {
    format!(r#"{{"id":"{id}","type":"charge.changed","charge":{{"id":"{charge}","reference":"{payment}"}}}}"#)
}

#[tokio::test]
async fn a_notice_brings_the_outcome_that_the_answer_did_not() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    house.acquirer.fail_next(Fault::AnswerLost);
    assert_eq!(house.confirm(&path, "k2").await.gist(), gist(202, "processing"));
    let seen = house.notify(&notice("evt_1", &id_of(&path), "ch_1")).await;
    assert_eq!((seen.status, seen.text.as_str()), (200, r#"{"received":true,"duplicate":false}"#));
    assert_eq!(house.get(&path).await.gist(), gist(200, "captured"));
    // The request that never had an answer has one now.
    let again = house.confirm(&path, "k2").await;
    assert_eq!((again.gist(), again.header("idempotency-replayed")), (gist(200, "captured"), Some("true")));
    assert_eq!((house.open_notices().await, house.records.timers()), (0, vec![]));
}

#[tokio::test]
async fn the_same_notice_twice_or_at_once_changes_nothing_twice() {
    let house = House::new();
    let path = house.created("k1", "tok_3ds", "automatic").await;
    house.confirm(&path, "k2").await;
    let eur = crate::domain::properties::eur(1000);
    house.acquirer.move_all(&ChargeStanding::Captured { amount: eur });
    let told = notice("evt_1", &id_of(&path), "ch_1");
    let (first, second) = join(house.notify(&told), house.notify(&told)).await;
    assert_eq!((first.status, second.status), (200, 200));
    let commits = house.records.commits();
    assert_eq!(house.notify(&told).await.text, r#"{"received":true,"duplicate":true}"#);
    house.later(8 * 24 * 3600);
    assert_eq!(house.notify(&told).await.json()["duplicate"], true, "also when the once-row is gone");
    assert_eq!(house.records.commits(), commits);
    assert_eq!(house.told(), ["created", "processing", "requires_action", "captured"]);
    assert_eq!(house.balances().await, [(-1000, 0), (1000, 0)]);
}

#[tokio::test]
async fn a_notice_that_overtakes_the_answer_of_its_call_finishes_the_request_once() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "manual").await;
    let told = notice("evt_1", &id_of(&path), "ch_1");
    let (confirmed, heard) = join(house.confirm(&path, "k2"), house.notify(&told)).await;
    assert_eq!((confirmed.gist(), heard.status), (gist(200, "authorized"), 200));
    assert_eq!(house.told(), ["created", "processing", "authorized"]);
    assert_eq!((house.acquirer.charges(), house.balances().await), (1, [(0, 1000), (0, 0)]));
    assert_eq!(house.confirm(&path, "k2").await.text, confirmed.text);
}

#[tokio::test]
async fn notices_in_the_wrong_order_end_where_the_provider_stands() {
    let house = House::new();
    let path = house.authorized("k1").await;
    house.post(&format!("{path}/capture"), "k2", "").await;
    // What is announced is "authorized", long after the capture: the provider is asked, not believed.
    house.notify(&notice("evt_old", &id_of(&path), "ch_1")).await;
    assert_eq!(house.get(&path).await.gist(), gist(200, "captured"));
    assert_eq!(house.told(), ["created", "processing", "authorized", "captured"]);
    assert_eq!(house.open_notices().await, 0);
}

#[tokio::test]
async fn a_dispute_is_known_by_the_charge_alone() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    house.confirm(&path, "k2").await;
    for (standing, word, balances) in [
        (DisputeStanding::Open, "disputed", [(-1000, 0), (1000, 1000)]),
        (DisputeStanding::Won, "captured", [(-1000, 0), (1000, 0)]),
        (DisputeStanding::Lost, "charged_back", [(0, 0), (0, 0)]),
    ] {
        house.acquirer.dispute_all(&dispute_of(1000, standing));
        house.notify(&notice(&format!("evt_{word}"), "", "ch_1")).await;
        let seen = house.get(&path).await;
        assert_eq!((seen.gist(), house.balances().await), (gist(200, word), balances));
    }
    assert_eq!(house.told(), ["created", "processing", "captured", "disputed", "dispute_won", "charged_back"]);
}

#[tokio::test]
async fn a_refund_that_came_back_is_the_merchants_again() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    house.confirm(&path, "k2").await;
    house.as_operator().post(&format!("{path}/refunds"), "r1", r#"{"amount_minor":400}"#).await;
    house.acquirer.return_refunds();
    house.notify(&notice("evt_1", &id_of(&path), "ch_1")).await;
    let seen = house.get(&path).await;
    assert_eq!((seen.gist(), seen.json()["refunds"][0]["status"].as_str()), (gist(200, "captured"), Some("failed")));
    assert_eq!(
        (house.told().last().map(String::as_str), house.balances().await),
        (Some("refund_failed"), [(-1000, 0), (1000, 0)])
    );
}

#[tokio::test]
async fn a_notice_for_a_payment_that_is_not_known_yet_is_kept_and_matched_later() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    // The charge's name alone, before the answer that tells it to us: nobody knows whose it is.
    assert_eq!(house.notify(&notice("evt_1", "", "ch_1")).await.status, 200);
    assert_eq!(house.open_notices().await, 1);
    house.confirm(&path, "k2").await;
    house.later(10);
    assert_eq!(house.pulse().await.finished, 1);
    assert_eq!(house.open_notices().await, 0);
}

#[tokio::test]
async fn a_notice_for_nobody_is_given_up_after_a_day_and_shown_to_operators() {
    let house = House::new();
    house.notify(&notice("evt_1", "", "ch_of_another_system")).await;
    house.later(10);
    assert!(!house.pulse().await.unfinished[0].grave);
    house.later(24 * 3600);
    house.pulse().await;
    assert_eq!(house.records.timers(), []);
    assert_eq!(house.get("/v1/providers/notices").await.gist(), gist(403, "forbidden"));
    let page = house.as_operator().get("/v1/providers/notices").await.json();
    assert_eq!(
        (&page["total"], &page["items"][0]["state"], &page["items"][0]["id"]),
        (&1.into(), &"unmatched".into(), &"evt_1".into())
    );
    for query in ["limit=0", "cursor=%00"] {
        assert_eq!(house.as_operator().get(&format!("/v1/providers/notices?{query}")).await.status, 422);
    }
}

#[tokio::test]
async fn a_notice_of_what_cannot_be_is_left_to_an_operator() {
    let house = House::new();
    let path = house.authorized("k1").await;
    house.post(&format!("{path}/cancel"), "k2", "").await;
    house.acquirer.move_all(&ChargeStanding::Captured { amount: crate::domain::properties::eur(1000) });
    house.notify(&notice("evt_1", &id_of(&path), "ch_1")).await;
    let page = house.as_operator().get("/v1/providers/notices").await.json();
    assert_eq!(page["items"][0]["state"], "contradicting");
    assert_eq!((house.get(&path).await.gist(), house.balances().await), (gist(200, "canceled"), [(0, 0), (0, 0)]));
}

#[tokio::test]
async fn a_provider_out_of_reach_is_asked_again_by_the_timer() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    house.confirm(&path, "k2").await;
    house.acquirer.dispute_all(&dispute_of(1000, DisputeStanding::Open));
    house.acquirer.out_of_reach(true);
    assert_eq!(house.notify(&notice("evt_1", &id_of(&path), "ch_1")).await.status, 200);
    house.acquirer.out_of_reach(false);
    house.later(10);
    house.pulse().await;
    assert_eq!(house.get(&path).await.gist(), gist(200, "disputed"));
}

#[tokio::test]
async fn a_notice_is_not_acknowledged_before_it_is_kept() {
    let house = House::new();
    let path = house.created("k1", "tok_visa", "automatic").await;
    house.confirm(&path, "k2").await;
    let told = notice("evt_1", &id_of(&path), "ch_1");
    house.records.fail_next_commit_before();
    assert_eq!(house.notify(&told).await.gist(), gist(503, "unavailable"));
    house.records.fail_next_commit_after();
    assert_eq!(house.notify(&told).await.status, 503, "kept, and nobody knows");
    assert_eq!(house.notify(&told).await.json()["duplicate"], true);
    house.later(10);
    house.pulse().await;
    assert_eq!(house.open_notices().await, 0);
}

#[tokio::test]
async fn a_notice_that_is_not_the_providers_is_refused_and_leaves_nothing() {
    let house = House::new();
    let told = notice("evt_1", "", "ch_1");
    let now = house.clock.now();
    for header in [
        String::new(),
        "t=1,v1=zz".to_owned(),
        crate::notices::sign("another secret", told.as_bytes(), now),
        crate::notices::sign("notice-secret", b"another body", now),
        crate::notices::sign("notice-secret", told.as_bytes(), now.plus(core::time::Duration::from_secs(301))),
    ] {
        let seen = house.notify_with(&told, &header).await;
        assert_eq!(seen.gist(), gist(400, "notice-signature"), "{header}");
    }
    assert_eq!(house.notify("{}").await.gist(), gist(400, "malformed"), "signed, and no notice");
    assert_eq!(house.notify_as("nobody", &told).await.gist(), gist(404, "not-found"));
    assert_eq!(house.records.commits(), 0);
}
