//! The adapter against a small Stripe over real sockets: what each documented answer proves.

use super::*;
use crate::domain::{ChargeStanding, DisputeStanding, PaymentToken, RefundProgress, ReturnUrl};
use fake_stripe::{FakeStripe, Fault};
use http_client::ScriptedHttp;
use support::http::{Asked, Told, send};

const TIMEOUT: Duration = Duration::from_secs(1);
const KEY: &str = "pay_1:charge";

/// The way out over a real socket. It blocks, which a test may.
struct Sockets;

#[async_trait]
impl HttpClient for Sockets {
    async fn send(&self, request: Request<Bytes>, _timeout: Duration) -> Result<http::Response<Bytes>, HttpError> {
        let uri = request.uri();
        let to = uri.authority().unwrap().as_str().parse().unwrap();
        let header = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let asked = Asked {
            method: request.method().to_string(),
            target: uri.path_and_query().unwrap().to_string(),
            headers: request.headers().iter().map(header).collect(),
            body: request.body().to_vec(),
        };
        let Told { status, body, .. } = send(to, &asked).map_err(|error| HttpError::Lost(error.to_string()))?;
        Ok(http::Response::builder().status(status).body(body.into()).unwrap())
    }
}

fn stripe() -> (StripeAcquirer, FakeStripe) {
    let fake = FakeStripe::start().unwrap();
    (StripeAcquirer::new(Arc::new(Sockets), &format!("{}/", fake.url()), fake_stripe::KEY), fake)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn charge(token: &str, capture_method: CaptureMethod) -> NewCharge {
    NewCharge {
        reference: "pay_1".to_owned(),
        amount: eur(1099),
        payment_method: PaymentToken::new(token).unwrap(),
        capture_method,
        return_url: Some(ReturnUrl::new("https://shop.example/back?a=1&b=2").unwrap()),
    }
}

fn standing(answer: Answer) -> ChargeStanding {
    match answer {
        Answer::Charge(charge) => charge.standing,
        other => unreachable!("{other:?}"),
    }
}

fn id(number: u32) -> ChargeId {
    ChargeId::new(&format!("pi_{number}")).unwrap()
}

#[tokio::test]
async fn a_card_is_charged_held_declined_or_wants_its_holder() {
    let (stripe, fake) = stripe();
    for (number, token, method, expected) in [
        (1, "pm_card_visa", CaptureMethod::Automatic, ChargeStanding::Captured { amount: eur(1099) }),
        (2, "pm_card_visa", CaptureMethod::Manual, ChargeStanding::Authorized),
        (
            3,
            "pm_card_chargeDeclinedInsufficientFunds",
            CaptureMethod::Automatic,
            ChargeStanding::Declined { code: FailureCode::new("insufficient_funds") },
        ),
        (
            4,
            "pm_card_authenticationRequired",
            CaptureMethod::Automatic,
            ChargeStanding::RequiresAction { url: Some("https://hooks.stripe.com/3ds".to_owned()) },
        ),
    ] {
        let answer = stripe.authorize(&charge(token, method), &format!("k{number}"), TIMEOUT).await;
        assert_eq!(standing(answer), expected, "{token}");
        assert_eq!(standing(stripe.find(Some(&id(number)), "k", TIMEOUT).await), expected, "{token}");
    }
    assert_eq!(fake.intents().len(), 4);
    assert_eq!(fake.intents()[3]["next_action"]["redirect_to_url"]["return_url"], "https://shop.example/back?a=1&b=2");
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_the_payments_name_and_makes_no_second_charge() {
    let (stripe, fake) = stripe();
    let asked = charge("pm_card_visa", CaptureMethod::Automatic);
    assert_eq!(stripe.find(None, KEY, TIMEOUT).await, Answer::NoSuchCharge);
    fake.next(Fault::AnswerLost);
    assert!(matches!(stripe.authorize(&asked, KEY, TIMEOUT).await, Answer::Unknown { .. }));
    assert!(matches!(standing(stripe.find(None, KEY, TIMEOUT).await), ChargeStanding::Captured { .. }));
    assert!(matches!(standing(stripe.authorize(&asked, KEY, TIMEOUT).await), ChargeStanding::Captured { .. }));
    assert_eq!(fake.intents().len(), 1);
    assert_eq!(fake.intents()[0]["metadata"]["payment_id"], "pay_1");
    let other = NewCharge { amount: eur(1), ..asked };
    assert!(matches!(stripe.authorize(&other, KEY, TIMEOUT).await, Answer::Unknown { .. }), "a key is one request");
}

#[tokio::test]
async fn a_request_that_never_arrived_or_found_stripe_down_proves_nothing_and_may_be_sent_again() {
    let (stripe, fake) = stripe();
    let asked = charge("pm_card_visa", CaptureMethod::Automatic);
    for fault in [Fault::NotReached, Fault::Down] {
        fake.next(fault);
        assert!(matches!(stripe.authorize(&asked, KEY, TIMEOUT).await, Answer::Unknown { .. }), "{fault:?}");
        assert_eq!(stripe.find(None, KEY, TIMEOUT).await, Answer::NoSuchCharge, "{fault:?}");
    }
    assert!(matches!(standing(stripe.authorize(&asked, KEY, TIMEOUT).await), ChargeStanding::Captured { .. }));
    assert_eq!(fake.intents().len(), 1);
}

#[tokio::test]
async fn a_payer_who_comes_back_from_the_bank_is_charged_or_not_as_the_bank_says() {
    for (method, success, expected) in [
        (CaptureMethod::Automatic, true, ChargeStanding::Captured { amount: eur(1099) }),
        (CaptureMethod::Manual, true, ChargeStanding::Authorized),
        (
            CaptureMethod::Automatic,
            false,
            ChargeStanding::Declined { code: FailureCode::new("payment_intent_authentication_failure") },
        ),
    ] {
        let (stripe, fake) = stripe();
        stripe.authorize(&charge("pm_card_authenticationRequired", method), KEY, TIMEOUT).await;
        fake.authenticate("pi_1", success);
        assert_eq!(standing(stripe.find(Some(&id(1)), KEY, TIMEOUT).await), expected, "{method:?} {success}");
    }
}

#[tokio::test]
async fn a_hold_is_taken_in_part_or_given_up_and_a_wrong_step_refused() {
    let (stripe, _fake) = stripe();
    let asked = charge("pm_card_visa", CaptureMethod::Manual);
    stripe.authorize(&asked, "k1", TIMEOUT).await;
    stripe.authorize(&asked, "k2", TIMEOUT).await;
    let taken = standing(stripe.capture(&id(1), eur(400), "c1", TIMEOUT).await);
    assert_eq!(taken, ChargeStanding::Captured { amount: eur(400) });
    assert_eq!(standing(stripe.cancel(&id(2), "x1", TIMEOUT).await), ChargeStanding::Canceled);
    for answer in [
        stripe.capture(&id(2), eur(400), "c2", TIMEOUT).await,
        stripe.cancel(&id(1), "x2", TIMEOUT).await,
        stripe.cancel(&id(9), "x3", TIMEOUT).await,
    ] {
        assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    }
}

#[tokio::test]
async fn refunds_carry_our_name_and_are_reported_with_the_charge_and_its_dispute() {
    let (stripe, fake) = stripe();
    stripe.authorize(&charge("pm_card_visa", CaptureMethod::Automatic), KEY, TIMEOUT).await;
    let refund = NewRefund {
        id: "rfd_000000000000000000000000007q".parse().unwrap(),
        amount: eur(300),
        reason: Some(crate::domain::RefundReason::Duplicate),
    };
    let Answer::Charge(refunded) = stripe.refund(&id(1), &refund, "r1", TIMEOUT).await else { unreachable!() };
    assert_eq!(
        (refunded.refunds[0].reference.as_str(), &refunded.refunds[0].progress),
        ("rfd_000000000000000000000000007q", &RefundProgress::Succeeded)
    );
    let more = NewRefund { amount: eur(800), ..refund };
    assert_eq!(
        stripe.refund(&id(1), &more, "r2", TIMEOUT).await,
        Answer::Refused { code: FailureCode::new("charge_already_refunded") }
    );
    for (status, expected) in [
        ("warning_needs_response", None),
        ("under_review", Some(DisputeStanding::Open)),
        ("won", Some(DisputeStanding::Won)),
        ("lost", Some(DisputeStanding::Lost)),
    ] {
        fake.dispute("pi_1", status);
        let Answer::Charge(charge) = stripe.find(Some(&id(1)), KEY, TIMEOUT).await else { unreachable!() };
        assert_eq!((charge.dispute.map(|dispute| dispute.standing), charge.refunds.len()), (expected, 1), "{status}");
    }
}

#[tokio::test]
async fn an_amount_that_stripe_cannot_take_exactly_is_refused_without_a_call() {
    let (stripe, fake) = stripe();
    let amount = Money::new(5124, "KWD".parse().unwrap()).unwrap();
    let asked = NewCharge { amount, ..charge("pm_card_visa", CaptureMethod::Automatic) };
    let refused = Answer::Refused { code: FailureCode::new("amount_not_supported") };
    assert_eq!(stripe.authorize(&asked, KEY, TIMEOUT).await, refused);
    assert_eq!(stripe.capture(&id(1), amount, "c", TIMEOUT).await, refused);
    assert_eq!(fake.intents().len(), 0);
}

#[tokio::test]
async fn only_proof_counts_as_an_answer() {
    for (status, body) in [
        (500, r#"{"error":{"type":"api_error"}}"#),
        (503, "down for maintenance"),
        (429, r#"{"error":{"type":"invalid_request_error","code":"rate_limit"}}"#),
        (409, r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#),
        (401, r#"{"error":{"type":"invalid_request_error"}}"#),
        (403, r#"{"error":{"type":"invalid_request_error"}}"#),
        (400, "{}"),
        (200, "{}"),
        (200, r#"{"id":"pi_1","status":"novel","currency":"eur"}"#),
        (302, ""),
    ] {
        let http = ScriptedHttp::new(move |_| {
            Ok(http::Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
        });
        let stripe = StripeAcquirer::new(Arc::new(http), "https://api.stripe.test", "sk_test");
        let asked = charge("pm_card_visa", CaptureMethod::Automatic);
        for answer in [
            stripe.authorize(&asked, KEY, TIMEOUT).await,
            stripe.cancel(&id(1), "x", TIMEOUT).await,
            stripe.find(Some(&id(1)), KEY, TIMEOUT).await,
        ] {
            assert!(matches!(answer, Answer::Unknown { .. }), "{status} {body}: {answer:?}");
        }
    }
    let (stripe, _fake) = stripe();
    assert_eq!(stripe.find(Some(&id(7)), KEY, TIMEOUT).await, Answer::NoSuchCharge);
}
