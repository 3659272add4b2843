//! The story of one payment or payout: what is asked for next, as the dice fall.

use crate::pace::Moment;
use crate::{Call, Deed, Dice, Ended, Order};
use serde_json::{Value, json};

/// Where a story goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was asked for yet.
    New,
    /// The payer means it.
    Confirm,
    /// Nobody knows: look.
    Look,
    /// The payer's bank wants to see them.
    Prove,
    /// The money is held.
    Held,
    /// The money is taken.
    Taken,
    /// The payer's bank disputes it.
    Dispute,
    /// The bank decides.
    Decide,
    /// A payout is to be moved on.
    Move(&'static str),
    /// It is over.
    Done,
}

/// One story.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    /// Its place among the client's stories: part of every key.
    pub number: u64,
    /// The payment or payout, once it exists.
    pub id: Option<String>,
    /// What was asked for.
    pub order: Option<Order>,
    /// What was taken.
    pub captured_minor: i64,
    pub stage: Stage,
    /// The call under way.
    pub call: Option<Call>,
    /// When it was sent first.
    pub asked: Moment,
    /// When it goes on.
    pub due: Moment,
    /// How many calls were made.
    pub calls: u32,
    /// How often it was looked at.
    pub looks: u32,
}

/// The cards, and how often each is drawn.
const CARDS: [(&str, u64); 12] = [
    ("tok_visa", 50),
    ("tok_notice_twice", 10),
    ("tok_lost_answer", 6),
    ("tok_declined", 5),
    ("tok_insufficient_funds", 2),
    ("tok_3ds", 8),
    ("tok_late_success", 5),
    ("tok_slow", 4),
    ("tok_timeout", 2),
    ("tok_notice_first", 3),
    ("tok_refund_refused", 3),
    ("tok_refund_fails", 3),
];
/// Two, no and three places behind the point.
const CURRENCIES: [(&str, u64); 4] = [("EUR", 60), ("USD", 20), ("JPY", 10), ("KWD", 10)];
/// The most calls of one story.
const MOST_CALLS: u32 = 9;
/// How often a story looks before it is left alone: the checks afterwards look for it.
const MOST_LOOKS: u32 = 40;

impl Story {
    pub fn new(number: u64, is_payout: bool) -> Self {
        Self {
            number,
            id: None,
            order: None,
            captured_minor: 0,
            stage: if is_payout { Stage::Move("create") } else { Stage::New },
            call: None,
            asked: Moment::now(),
            due: Moment::now(),
            calls: 0,
            looks: 0,
        }
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Done && self.call.is_none()
    }

    /// The next call, where the stage asks for one.
    pub fn next_call(&mut self, who: usize, seed: u64, dice: &mut Dice) -> Option<Call> {
        if self.calls >= MOST_CALLS {
            self.stage = Stage::Done;
            return None;
        }
        let (deed, path, body) = match self.stage {
            Stage::New => self.creation(who, dice),
            Stage::Confirm => (Deed::Confirm, self.path("confirm"), json!({})),
            Stage::Held => self.end_of_a_hold(dice)?,
            Stage::Taken => self.after_a_capture(dice)?,
            Stage::Move("create") => {
                let body = json!({ "currency": dice.pick(&CURRENCIES, "EUR"), "amount_minor": dice.between(1, 400) });
                (Deed::Payout, "/v1/ledger/payouts".to_owned(), body)
            }
            Stage::Move(word) => {
                let id = self.id.clone().unwrap_or_default();
                (Deed::MovePayout, format!("/v1/ledger/payouts/{id}/{word}"), json!({}))
            }
            Stage::Look | Stage::Prove | Stage::Dispute | Stage::Decide | Stage::Done => return None,
        };
        self.calls += 1;
        let key = format!("chaos-{seed}-{who}-{}-{}", self.number, self.calls);
        let who = (!deed.is_operators()).then_some(who);
        Some(Call { deed, who, key, path, body, about: self.id.clone(), tries: 0, ended: Ended::Open })
    }

    fn path(&self, step: &str) -> String {
        format!("/v1/payments/{}/{step}", self.id.as_deref().unwrap_or_default())
    }

    fn creation(&mut self, who: usize, dice: &mut Dice) -> (Deed, String, Value) {
        let (card, currency) = (dice.pick(&CARDS, "tok_visa"), dice.pick(&CURRENCIES, "EUR"));
        let amount_minor = i64::try_from(dice.between(1, 90_000)).unwrap_or(1);
        let method = if dice.percent(40) { "manual" } else { "automatic" };
        let body = json!({ "amount_minor": amount_minor, "currency": currency, "payment_method": card,
            "capture_method": method });
        self.order = Some(Order { who, amount_minor, currency: currency.to_owned(), card: card.to_owned() });
        (Deed::Create, "/v1/payments".to_owned(), body)
    }

    fn end_of_a_hold(&mut self, dice: &mut Dice) -> Option<(Deed, String, Value)> {
        let amount_minor = self.order.as_ref().map_or(1, |order| order.amount_minor);
        let part = i64::try_from(dice.between(1, amount_minor.unsigned_abs().max(1))).unwrap_or(1);
        match dice.between(0, 99) {
            0..45 => Some((Deed::Capture, self.path("capture"), json!({ "amount_minor": amount_minor }))),
            45..75 => Some((Deed::Capture, self.path("capture"), json!({ "amount_minor": part }))),
            75..90 => Some((Deed::Cancel, self.path("cancel"), json!({}))),
            // More than is held: refused, and nothing changes.
            90..95 => Some((Deed::Capture, self.path("capture"), json!({ "amount_minor": amount_minor + 1 }))),
            _ => self.leave(),
        }
    }

    fn after_a_capture(&mut self, dice: &mut Dice) -> Option<(Deed, String, Value)> {
        let captured = self.captured_minor.max(1);
        let part = i64::try_from(dice.between(1, captured.unsigned_abs())).unwrap_or(1);
        let refund = |amount_minor: i64, story: &Self| {
            Some((Deed::Refund, story.path("refunds"), json!({ "amount_minor": amount_minor })))
        };
        match dice.between(0, 99) {
            0..22 => refund(part, self),
            22..34 => refund((part / 4).max(1), self),
            34..40 => refund(captured, self),
            40..44 => refund(captured + 1, self),
            44..52 => {
                self.stage = Stage::Dispute;
                None
            }
            _ => self.leave(),
        }
    }

    fn leave<T>(&mut self) -> Option<T> {
        self.stage = Stage::Done;
        None
    }

    /// Goes on after a call has ended.
    pub fn after(&mut self, call: &Call, dice: &mut Dice) {
        let Some(promise) = call.promise() else {
            // A refusal: what the payment is now says what may come next.
            self.stage = match call.deed {
                Deed::Create | Deed::Payout | Deed::MovePayout => Stage::Done,
                Deed::Confirm | Deed::Capture | Deed::Cancel | Deed::Refund => Stage::Look,
            };
            return;
        };
        self.see(&promise, dice);
    }

    /// Goes on from how the payment or payout stands.
    pub fn see(&mut self, found: &Value, dice: &mut Dice) {
        let text = |member: &str| found.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.id = Some(text("id"));
        self.captured_minor = found.get("captured_minor").and_then(Value::as_i64).unwrap_or_default();
        let is_payout = matches!(self.stage, Stage::Move(_));
        self.stage = match text("status").as_str() {
            "created" if dice.percent(75) => Stage::Move("send"),
            "created" => Stage::Move("return"),
            "in_transit" if dice.percent(70) => Stage::Move("settle"),
            "in_transit" => Stage::Move("fail"),
            "failed" if is_payout => Stage::Move("return"),
            "requires_confirmation" => Stage::Confirm,
            "requires_action" => Stage::Prove,
            "authorized" => Stage::Held,
            "processing" => Stage::Look,
            "captured" | "partially_refunded" => Stage::Taken,
            _ => Stage::Done,
        };
    }

    /// Whether it may look once more.
    pub fn may_look(&mut self) -> bool {
        self.looks += 1;
        if self.looks > MOST_LOOKS {
            self.stage = Stage::Done;
        }
        self.looks <= MOST_LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_asks_for_one_thing_after_the_other_under_keys_of_its_own() {
        let mut dice = Dice::new(1);
        let mut story = Story::new(7, false);
        let call = story.next_call(3, 42, &mut dice).unwrap();
        assert_eq!((call.deed, call.key.as_str(), call.who), (Deed::Create, "chaos-42-3-7-1", Some(3)));
        story.see(&json!({ "id": "pay_1", "status": "requires_confirmation" }), &mut dice);
        let call = story.next_call(3, 42, &mut dice).unwrap();
        assert_eq!((call.path.as_str(), call.key.as_str()), ("/v1/payments/pay_1/confirm", "chaos-42-3-7-2"));
        story.see(&json!({ "id": "pay_1", "status": "failed" }), &mut dice);
        assert!(story.is_over());
    }

    #[test]
    fn a_payout_is_asked_for_by_the_operator() {
        let mut dice = Dice::new(1);
        let mut story = Story::new(1, true);
        assert_eq!(story.next_call(0, 1, &mut dice).map(|call| (call.deed, call.who)), Some((Deed::Payout, None)));
        story.see(&json!({ "id": "po_1", "status": "failed" }), &mut dice);
        assert_eq!(story.stage, Stage::Move("return"));
    }

    #[test]
    fn every_story_ends() {
        let mut dice = Dice::new(1);
        for number in 0..200 {
            let mut story = Story::new(number, false);
            story.see(&json!({ "id": "pay_1", "status": "captured", "captured_minor": 10 }), &mut dice);
            while story.next_call(0, 0, &mut dice).is_some() {}
            assert!(matches!(story.stage, Stage::Done | Stage::Dispute));
        }
    }
}
