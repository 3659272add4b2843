//! The ledger: it sums to zero, balances follow from its rows, and its rows from the payments and payouts.

use super::Checked;
use crate::Reading;
use crate::reading::{Balance, Payment, Row};
use std::collections::BTreeMap;

/// I1: the ledger sums to zero.
pub const ZERO: &str = "every currency and every entry sums to zero (I1)";
/// I2: balances follow from the journal.
pub const FOLDED: &str = "balances are the fold of the journal (I2)";
/// I5: the chain holds.
pub const VERIFIED: &str = "the journal verifies (I5)";
/// I3 for the books: each payment and payout has posted what it amounts to, once.
pub const POSTED: &str = "the books hold what each payment and payout amounts to (I3)";

/// What one thing amounts to in the books, by account.
type Position = BTreeMap<String, Balance>;

pub fn check(checked: &mut Checked, reading: &Reading) {
    zero(checked, reading);
    folded(checked, reading);
    let verified = reading.verified.as_ref();
    checked.that(matches!(verified, Some(Ok(_))), VERIFIED, "journal", || format!("{verified:?}"));
    posted(checked, reading);
}

fn zero(checked: &mut Checked, reading: &Reading) {
    for (currency, sum) in &reading.trial {
        checked.that(*sum == 0, ZERO, currency, || format!("the trial balance says {sum}"));
    }
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for Row { entry, currency, posted_minor, .. } in &reading.rows {
        *sums.entry(format!("entry {entry} in {currency}")).or_default() += posted_minor;
    }
    for (account, Balance { posted_minor, .. }) in &reading.kept {
        let currency = account.rsplit(':').next().unwrap_or_default();
        *sums.entry(format!("all accounts in {currency}")).or_default() += posted_minor;
    }
    for (what, sum) in &sums {
        checked.that(*sum == 0, ZERO, what, || format!("it sums to {sum}"));
    }
}

fn folded(checked: &mut Checked, reading: &Reading) {
    let mut folded: BTreeMap<&str, (u64, Balance)> = BTreeMap::new();
    for row in &reading.rows {
        let (number, balance) = folded.entry(&row.account).or_default();
        *number += 1;
        balance.posted_minor += row.posted_minor;
        balance.held_minor += row.held_minor;
        let holds = *number == row.row
            && balance.posted_minor == row.posted_after_minor
            && balance.held_minor == row.held_after_minor;
        let (number, balance) = (*number, *balance);
        checked.that(holds, FOLDED, &row.account, || format!("row {number} should leave {balance:?}, found {row:?}"));
    }
    let accounts = reading.told.keys().chain(reading.kept.keys()).map(String::as_str);
    let accounts: std::collections::BTreeSet<&str> = accounts.chain(folded.keys().copied()).collect();
    for account in accounts {
        let fold = folded.get(account).map(|(_, balance)| *balance);
        let (told, kept) = (reading.told.get(account).copied(), reading.kept.get(account).copied());
        checked.that(fold == told && fold == kept, FOLDED, account, || {
            format!("the rows fold to {fold:?}, the API tells {told:?}, Redis keeps {kept:?}")
        });
    }
}

fn posted(checked: &mut Checked, reading: &Reading) {
    let mut found: BTreeMap<&str, Position> = BTreeMap::new();
    for row in &reading.rows {
        let balance = found.entry(&row.cause).or_default().entry(row.account.clone()).or_default();
        balance.posted_minor += row.posted_minor;
        balance.held_minor += row.held_minor;
    }
    for position in found.values_mut() {
        position.retain(|_, balance| *balance != Balance::default());
    }
    let payments = reading.payments.iter().map(|(id, payment)| (format!("payment:{id}"), of_payment(payment)));
    let payouts = reading.payouts.iter().map(|(id, (status, amount_minor, currency))| {
        (format!("payout:{id}"), of_payout(status, *amount_minor, currency))
    });
    let wanted: BTreeMap<String, Position> = payments.chain(payouts).collect();
    for (cause, wanted) in &wanted {
        let found = found.get(cause.as_str()).cloned().unwrap_or_default();
        checked.that(found == *wanted, POSTED, cause, || format!("posted {found:?} instead of {wanted:?}"));
    }
    for (cause, position) in &found {
        checked.that(wanted.contains_key(*cause), POSTED, cause, || format!("nobody asked for {position:?}"));
    }
}

/// The table of docs/payments.md: a payment's position follows from how it stands. What is set aside for a refund or a
/// dispute has left the merchant's account for one of its own; only payers' banks hold anything.
fn of_payment(payment: &Payment) -> Position {
    let currency = &payment.currency;
    let over = |wanted: &str| match &payment.dispute {
        Some((amount_minor, status)) if status == wanted => *amount_minor,
        _ => 0,
    };
    let pending = payment.refunds.iter().filter(|refund| refund.status == "pending");
    let refunding = pending.map(|refund| refund.amount_minor).sum::<i64>();
    let disputed = over("open");
    let net = payment.captured_minor - payment.refunded_minor - over("lost");
    let fee = fee_minor(payment.captured_minor, currency);
    let authorized = if payment.status == "authorized" { payment.amount_minor } else { 0 };
    position([
        (format!("acquirer:{currency}"), -net, 0),
        (format!("merchant:{currency}"), net - fee - refunding - disputed, 0),
        (format!("fees:{currency}"), fee, 0),
        (format!("refunds:{currency}"), refunding, 0),
        (format!("disputes:{currency}"), disputed, 0),
        (format!("holds:{currency}"), 0, authorized),
    ])
}

/// The table of docs/ledger.md.
fn of_payout(status: &str, amount_minor: i64, currency: &str) -> Position {
    let (merchant, payouts, bank) = match status {
        "returned" => (0, 0, 0),
        "paid" => (-amount_minor, 0, amount_minor),
        _ => (-amount_minor, amount_minor, 0),
    };
    position([
        (format!("merchant:{currency}"), merchant, 0),
        (format!("payouts:{currency}"), payouts, 0),
        (format!("bank:{currency}"), bank, 0),
    ])
}

fn position<const LEGS: usize>(legs: [(String, i64, i64); LEGS]) -> Position {
    let balance = |(account, posted_minor, held_minor)| (account, Balance { posted_minor, held_minor });
    legs.into_iter().map(balance).filter(|(_, balance)| *balance != Balance::default()).collect()
}

/// The table of docs/ledger.md once more, so that an error in the product's own is seen.
fn fee_minor(captured_minor: i64, currency: &str) -> i64 {
    if captured_minor == 0 {
        return 0;
    }
    let (basis_points, fixed) = match currency {
        "EUR" => (140, 25),
        "GBP" => (150, 20),
        "USD" => (290, 30),
        _ => (290, 0),
    };
    ((captured_minor * basis_points + 5_000) / 10_000 + fixed).min(captured_minor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Refund;

    /// A payment of 10.00 EUR; what it amounts to, each account with what is posted and held.
    fn amounts_to(status: &str, captured_minor: i64, change: fn(&mut Payment)) -> Vec<(String, i64, i64)> {
        let (status, currency) = (status.to_owned(), "EUR".to_owned());
        let (refunds, allowed) = (Vec::new(), Vec::new());
        let (amount_minor, refunded_minor, dispute) = (1000, 0, None);
        let mut payment =
            Payment { status, amount_minor, currency, captured_minor, refunded_minor, refunds, dispute, allowed };
        change(&mut payment);
        let position = of_payment(&payment);
        let sum: i64 = position.values().map(|balance| balance.posted_minor).sum();
        assert_eq!(sum, 0, "{payment:?}");
        position.into_iter().map(|(account, balance)| (account, balance.posted_minor, balance.held_minor)).collect()
    }

    fn accounts<const LEGS: usize>(legs: [(&str, i64, i64); LEGS]) -> Vec<(String, i64, i64)> {
        legs.into_iter().map(|(word, posted, held)| (format!("{word}:EUR"), posted, held)).collect()
    }

    fn refund(payment: &mut Payment, status: &str) {
        payment.refunds.push(Refund { id: "rfd_1".to_owned(), amount_minor: 300, status: status.to_owned() });
    }

    #[test]
    fn what_is_held_or_set_aside_stands_in_an_account_of_its_own() {
        assert_eq!(amounts_to("requires_confirmation", 0, |_| ()), []);
        assert_eq!(amounts_to("authorized", 0, |_| ()), accounts([("holds", 0, 1000)]));
        let captured = accounts([("acquirer", -1000, 0), ("fees", 39, 0), ("merchant", 961, 0)]);
        assert_eq!(amounts_to("captured", 1000, |_| ()), captured);
        assert_eq!(
            amounts_to("captured", 1000, |payment| refund(payment, "pending")),
            accounts([("acquirer", -1000, 0), ("fees", 39, 0), ("merchant", 661, 0), ("refunds", 300, 0)])
        );
        assert_eq!(amounts_to("captured", 1000, |payment| refund(payment, "failed")), captured);
        assert_eq!(
            amounts_to("disputed", 1000, |payment| payment.dispute = Some((1000, "open".to_owned()))),
            accounts([("acquirer", -1000, 0), ("disputes", 1000, 0), ("fees", 39, 0), ("merchant", -39, 0)])
        );
        assert_eq!(amounts_to("captured", 1000, |payment| payment.dispute = Some((1000, "won".to_owned()))), captured);
        assert_eq!(
            amounts_to("charged_back", 1000, |payment| payment.dispute = Some((1000, "lost".to_owned()))),
            accounts([("fees", 39, 0), ("merchant", -39, 0)])
        );
    }
}
