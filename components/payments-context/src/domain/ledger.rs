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
    /// Held by the payer's bank for us.
    authorized_minor: i64,
    /// Set aside of the merchant's for a refund on its way.
    refunding_minor: i64,
    /// Set aside of the merchant's for an open dispute.
    disputed_minor: i64,
}

impl Position {
    fn of(payment: &Payment) -> Self {
        let captured = payment.captured().minor();
        Self {
            net_minor: captured.saturating_sub(payment.refunded().minor()).saturating_sub(payment.lost().minor()),
            fee_minor: fee_minor(payment.captured()),
            authorized_minor: payment.held().minor(),
            refunding_minor: payment.refunding().minor(),
            disputed_minor: payment.disputed().minor(),
        }
    }
}

/// The legs between two moments of one payment; `before` is `None` for its creation.
pub fn legs(before: Option<&Payment>, after: &Payment) -> Vec<Leg> {
    let currency = after.amount.currency();
    let (was, is) = (before.map(Position::of).unwrap_or_default(), Position::of(after));
    let net = is.net_minor.saturating_sub(was.net_minor);
    let fees = is.fee_minor.saturating_sub(was.fee_minor);
    let refunds = is.refunding_minor.saturating_sub(was.refunding_minor);
    let disputes = is.disputed_minor.saturating_sub(was.disputed_minor);
    let merchant = net.saturating_sub(fees).saturating_sub(refunds).saturating_sub(disputes);
    let leg = |role, posted_minor, held_minor| Leg { account: Account { role, currency }, posted_minor, held_minor };
    [
        leg(Role::Acquirer, net.saturating_neg(), 0),
        leg(Role::Merchant, merchant, 0),
        leg(Role::Fees, fees, 0),
        leg(Role::Refunds, refunds, 0),
        leg(Role::Disputes, disputes, 0),
        leg(Role::Holds, 0, is.authorized_minor.saturating_sub(was.authorized_minor)),
    ]
    .into_iter()
    .filter(|leg| leg.posted_minor != 0 || leg.held_minor != 0)
    .collect()
}
