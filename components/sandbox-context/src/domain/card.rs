//! The cards of the sandbox: each token is a script. docs/payments.md lists them.

use core::time::Duration;

/// A card, by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// `tok_visa`: approved.
    Approved,
    /// `tok_declined`, `tok_insufficient_funds`, `tok_expired_card`: declined with this code.
    Declined(&'static str),
    /// `tok_3ds`: the payer has to prove who they are.
    Secured,
    /// `tok_slow`: approved, the answer takes two seconds.
    Slow,
    /// `tok_timeout`: approved, the answer takes longer than anybody waits.
    TimesOut,
    /// `tok_lost_answer`: approved, but the first answer is a 500.
    AnswerLost,
    /// `tok_late_success`: unknown for five seconds, then approved.
    Late,
    /// `tok_refund_refused`: approved; every refund is refused.
    RefundRefused,
    /// `tok_refund_fails`: approved; refunds are accepted and come back five seconds later.
    RefundFails,
    /// `tok_notice_first`: approved; the notice is sent at once, the answer takes three seconds.
    NoticeFirst,
    /// `tok_notice_twice`: approved; each notice is sent twice.
    NoticeTwice,
}

/// How the first answer of a charge behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// How long it takes.
    pub wait: Duration,
    /// Whether it is lost in the end.
    pub lost: bool,
}

impl Card {
    /// The card behind a token; `None` for a token that no card has.
    pub fn of_token(token: &str) -> Option<Self> {
        Some(match token {
            "tok_visa" => Self::Approved,
            "tok_declined" => Self::Declined("card_declined"),
            "tok_insufficient_funds" => Self::Declined("insufficient_funds"),
            "tok_expired_card" => Self::Declined("expired_card"),
            "tok_3ds" => Self::Secured,
            "tok_slow" => Self::Slow,
            "tok_timeout" => Self::TimesOut,
            "tok_lost_answer" => Self::AnswerLost,
            "tok_late_success" => Self::Late,
            "tok_refund_refused" => Self::RefundRefused,
            "tok_refund_fails" => Self::RefundFails,
            "tok_notice_first" => Self::NoticeFirst,
            "tok_notice_twice" => Self::NoticeTwice,
            _ => return None,
        })
    }

    /// How the first answer behaves. A repetition under the same key is answered at once.
    pub const fn delay(self) -> Delay {
        let wait = match self {
            Self::Slow => Duration::from_secs(2),
            // Longer than from one pulse to the next.
            Self::NoticeFirst => Duration::from_secs(3),
            // Callers wait 10 s at most.
            Self::TimesOut => Duration::from_secs(20),
            Self::Approved
            | Self::Declined(_)
            | Self::Secured
            | Self::AnswerLost
            | Self::Late
            | Self::RefundRefused
            | Self::RefundFails
            | Self::NoticeTwice => Duration::ZERO,
        };
        Delay { wait, lost: matches!(self, Self::AnswerLost) }
    }

    /// How long the outcome stays unknown to everybody.
    pub const fn unknown_for(self) -> Duration {
        match self {
            Self::Late => Duration::from_secs(5),
            _ => Duration::ZERO,
        }
    }
}
