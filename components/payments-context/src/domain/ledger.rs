//! The legs that a change of a payment posts to the accounts of the chart (see `chart`).
//!
//! They are the difference between two positions of one payment; whatever the sequence of steps, they telescope to the
//! last position, and repeating a step that changes nothing posts nothing.

use super::{Account, Payment, Role, fee_minor};

/// One leg of a posting. **Units** minor units of the account's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Which account.
    pub account: Account,
    /// Added to what is posted.
    pub posted_minor: i64,
    /// Added to what is held.
    pub held_minor: i64,
}

/// What one payment amounts to in the books at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Position {
    /// What the acquirer owes us: captured, less what was given back and what a lost dispute took.
    net_minor: i64,
    /// What of it is our fee. It is taken from what is captured, once, and stays where money is given back.
    fee_minor: i64,
    /// Held at the acquirer for us.
    authorized_minor: i64,
    /// Held of the merchant's: refunds on their way and what an open dispute asks for.
    frozen_minor: i64,
}

impl Position {
    fn of(payment: &Payment) -> Self {
        let captured = payment.captured().minor();
        Self {
            net_minor: captured.saturating_sub(payment.refunded().minor()).saturating_sub(payment.lost().minor()),
            fee_minor: fee_minor(payment.captured()),
            authorized_minor: payment.held().minor(),
            frozen_minor: payment.refunding().minor().saturating_add(payment.disputed().minor()),
        }
    }
}

/// The legs between two moments of one payment; `before` is `None` for its creation.
pub fn legs(before: Option<&Payment>, after: &Payment) -> Vec<Leg> {
    let currency = after.amount.currency();
    let (was, is) = (before.map(Position::of).unwrap_or_default(), Position::of(after));
    let of_acquirer = is.net_minor.saturating_sub(was.net_minor);
    let of_fees = is.fee_minor.saturating_sub(was.fee_minor);
    let acquirer = Leg {
        account: Account { role: Role::Acquirer, currency },
        posted_minor: of_acquirer.saturating_neg(),
        held_minor: is.authorized_minor.saturating_sub(was.authorized_minor),
    };
    let merchant = Leg {
        account: Account { role: Role::Merchant, currency },
        posted_minor: of_acquirer.saturating_sub(of_fees),
        held_minor: is.frozen_minor.saturating_sub(was.frozen_minor),
    };
    let fees = Leg { account: Account { role: Role::Fees, currency }, posted_minor: of_fees, held_minor: 0 };
    [acquirer, merchant, fees].into_iter().filter(|leg| leg.posted_minor != 0 || leg.held_minor != 0).collect()
}
