//! When the provider sends a notice: for what its callers could not learn from the answer of a call.

use super::{Card, Charge, Standing};
use ambient::Timestamp;

ids::id!(
    /// A notice of the sandbox's acquirer. Derived from the charge, its version and the occasion, so that a repetition
    /// has the same name.
    NoticeId, "evt"
);

/// Why somebody has to be told. Each occasion waits for its own moment: one never puts another off, or in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The charge has changed, or its outcome is known.
    Changed,
    /// A refund that was accepted has come back.
    CameBack,
}

/// Of what, and when, somebody has to be told after a change; `None` where the answer has said it.
pub fn announce_at(before: Option<&Charge>, after: &Charge, now: Timestamp) -> Option<(Occasion, Timestamp)> {
    let card = Card::of_token(&after.asked.token);
    let Some(before) = before else {
        return match card {
            Some(Card::Late) => Some((Occasion::Changed, after.known_from)),
            Some(Card::NoticeFirst | Card::NoticeTwice) => Some((Occasion::Changed, now)),
            _ => None,
        };
    };
    let acted = before.standing == Standing::RequiresAction && after.standing != Standing::RequiresAction;
    let comes_back = after.refunds.last().and_then(|refund| refund.fails_from);
    if acted || before.dispute != after.dispute || card == Some(Card::NoticeTwice) {
        Some((Occasion::Changed, now))
    } else if before.refunds.len() < after.refunds.len() {
        comes_back.map(|from| (Occasion::CameBack, from))
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
