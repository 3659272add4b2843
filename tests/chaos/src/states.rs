//! The states of a payment and of a payout as the documents list them, for a reader that knows nothing of the code.
//!
//! **Source** the diagrams of docs/payments.md and docs/ledger.md, which tests of the product compare with it.

/// The document that holds the diagram of payments.
const PAYMENTS: &str = include_str!("../../../docs/payments.md");
/// The document that holds the diagram of payouts.
const LEDGER: &str = include_str!("../../../docs/ledger.md");

/// The arrows of a state diagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct States(Vec<(String, String)>);

impl States {
    /// Those of a payment.
    pub fn of_payments() -> Self {
        Self::drawn_in(PAYMENTS)
    }

    /// Those of a payout.
    pub fn of_payouts() -> Self {
        Self::drawn_in(LEDGER)
    }

    /// **Shape** of a line: `from --> to` or `from --> to: word`.
    fn drawn_in(document: &str) -> Self {
        let lines = document.lines().filter_map(|line| line.trim().split_once(" --> "));
        let arrows = lines.map(|(from, to)| (from.to_owned(), to.split(':').next().unwrap_or(to).trim().to_owned()));
        Self(arrows.filter(|(from, to)| from != "[*]" && to != "[*]").collect())
    }

    /// Whether one change leads from one state to the other. Staying where it is is none.
    pub fn has_arrow(&self, from: &str, to: &str) -> bool {
        self.0.iter().any(|(start, end)| start == from && end == to)
    }

    /// Whether something that was in one state may be found in another later.
    pub fn may_become(&self, from: &str, to: &str) -> bool {
        let (mut reached, mut next) = (vec![from], 0);
        while let Some(&state) = reached.get(next) {
            if state == to {
                return true;
            }
            next += 1;
            for (_, end) in self.0.iter().filter(|(start, _)| start == state) {
                if !reached.contains(&end.as_str()) {
                    reached.push(end);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_diagrams_are_read() {
        let (payments, payouts) = (States::of_payments(), States::of_payouts());
        assert!(payments.0.len() > 30 && payments.has_arrow("authorized", "captured"));
        assert!(payouts.0.len() == 7 && payouts.has_arrow("in_transit", "paid"), "{payouts:?}");
    }

    #[test]
    fn nothing_comes_back_from_where_it_ended() {
        let payments = States::of_payments();
        assert!(payments.may_become("requires_confirmation", "charged_back"));
        assert!(payments.may_become("failed", "failed"));
        for (from, to) in [("failed", "captured"), ("captured", "authorized"), ("canceled", "captured")] {
            assert!(!payments.may_become(from, to), "{from} → {to}");
        }
    }
}
