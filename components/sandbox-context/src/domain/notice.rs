//! When the provider sends a notice: for what its callers could not learn from the answer of a call.

use super::{Card, Charge, Standing};
use ambient::Timestamp;

ids::id!(
    /// A notice of the sandbox's acquirer. Derived from the charge and its version, so that a repetition has the same name.
    NoticeId, "evt"
);

/// When somebody has to be told of a change; `None` where the answer has said it.
pub fn announce_at(before: Option<&Charge>, after: &Charge, now: Timestamp) -> Option<Timestamp> {
    let card = Card::of_token(&after.asked.token);
    let Some(before) = before else {
        return match card {
            Some(Card::Late) => Some(after.known_from),
            Some(Card::NoticeFirst | Card::NoticeTwice) => Some(now),
            _ => None,
        };
    };
    let acted = before.standing == Standing::RequiresAction && after.standing != Standing::RequiresAction;
    let comes_back = after.refunds.last().and_then(|refund| refund.fails_from);
    if acted || before.dispute != after.dispute || card == Some(Card::NoticeTwice) {
        Some(now)
    } else if before.refunds.len() < after.refunds.len() {
        comes_back
    } else {
        None
    }
}

impl Charge {
    /// How often each of its notices is sent.
    pub fn notices(&self) -> u32 {
        if Card::of_token(&self.asked.token) == Some(Card::NoticeTwice) { 2 } else { 1 }
    }
}
