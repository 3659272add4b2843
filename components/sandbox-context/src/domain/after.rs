//! What may become of a charge after its capture: refunds, and disputes of the payer's bank.

use super::{Card, Charge, ChargeRefusal, Standing};
use ambient::Timestamp;
use core::time::Duration;
use money::Money;

ids::id!(
    /// A dispute at the sandbox's acquirer.
    DisputeId, "dsp"
);

/// After how long the refunds of `tok_refund_fails` come back.
const COMES_BACK_AFTER: Duration = Duration::from_secs(5);

/// A refund, one an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRefund {
    /// The caller's idempotency key.
    pub key: String,
    /// The caller's own name for it.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// From when on it is known to have come back; never where the card takes it.
    pub fails_from: Option<Timestamp>,
}

impl ChargeRefund {
    /// Whether it has come back by `now`.
    pub fn failed(&self, now: Timestamp) -> bool {
        self.fails_from.is_some_and(|from| from <= now)
    }
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStanding {
    /// Nobody has decided.
    Open,
    /// For the merchant.
    Won,
    /// For the payer.
    Lost,
}

/// A dispute over the whole charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeDispute {
    /// Its name.
    pub id: DisputeId,
    /// How it stands.
    pub standing: DisputeStanding,
}

impl Charge {
    /// What is given back by `now`, in minor units.
    pub fn refunded_minor(&self, now: Timestamp) -> i64 {
        let stands = self.refunds.iter().filter(|refund| !refund.failed(now));
        stands.map(|refund| refund.amount.minor()).fold(0, i64::saturating_add)
    }

    /// Gives back `amount_minor` of what was taken. The same refund again changes nothing.
    ///
    /// # Errors
    /// [`ChargeRefusal`].
    pub fn refund(&self, key: &str, reference: &str, amount_minor: i64, now: Timestamp) -> Result<Self, ChargeRefusal> {
        if let Some(known) = self.refunds.iter().find(|refund| refund.key == key) {
            let same = known.amount.minor() == amount_minor && known.reference == reference;
            return if same { Ok(self.clone()) } else { Err(ChargeRefusal::OtherRefund) };
        }
        let Some(Standing::Captured(captured)) = self.known(now) else { return Err(ChargeRefusal::NotCaptured) };
        if self.dispute.is_some_and(|dispute| dispute.standing != DisputeStanding::Won) {
            return Err(ChargeRefusal::Disputed);
        }
        let card = Card::of_token(&self.asked.token);
        if card == Some(Card::RefundRefused) {
            return Err(ChargeRefusal::InsufficientBalance);
        }
        let left = captured.minor().saturating_sub(self.refunded_minor(now));
        if !(1..=left).contains(&amount_minor) {
            return Err(ChargeRefusal::AmountOutOfRange);
        }
        let amount = Money::new(amount_minor, captured.currency()).map_err(|_| ChargeRefusal::AmountOutOfRange)?;
        let fails_from = (card == Some(Card::RefundFails)).then(|| now.plus(COMES_BACK_AFTER));
        let mut next = self.clone();
        next.refunds.push(ChargeRefund { key: key.to_owned(), reference: reference.to_owned(), amount, fails_from });
        Ok(next)
    }

    /// The payer's bank disputes the whole charge.
    ///
    /// # Errors
    /// [`ChargeRefusal`].
    pub fn dispute(&self, now: Timestamp) -> Result<Self, ChargeRefusal> {
        if !matches!(self.known(now), Some(Standing::Captured(_))) {
            return Err(ChargeRefusal::NotCaptured);
        }
        if self.dispute.is_some() {
            return Err(ChargeRefusal::Disputed);
        }
        let id = DisputeId::derived(0, &[self.id.to_string().as_bytes()]);
        Ok(Self { dispute: Some(ChargeDispute { id, standing: DisputeStanding::Open }), ..self.clone() })
    }

    /// The bank decides its dispute.
    ///
    /// # Errors
    /// [`ChargeRefusal::NotDisputed`].
    pub fn close_dispute(&self, won: bool) -> Result<Self, ChargeRefusal> {
        let dispute = self.dispute.filter(|dispute| dispute.standing == DisputeStanding::Open);
        let dispute = dispute.ok_or(ChargeRefusal::NotDisputed)?;
        let standing = if won { DisputeStanding::Won } else { DisputeStanding::Lost };
        Ok(Self { dispute: Some(ChargeDispute { standing, ..dispute }), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ChargeId, NewCharge};
    use proptest::prelude::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(second))
    }

    fn captured(token: &str) -> Charge {
        let amount = Money::new(1000, "EUR".parse().unwrap()).unwrap();
        let asked = NewCharge {
            key: "k".to_owned(),
            reference: "r".to_owned(),
            amount,
            token: token.to_owned(),
            capture: true,
            return_url: None,
        };
        Charge::make(ChargeId::derived(0, &[b"k"]), asked, at(0)).unwrap()
    }

    #[test]
    fn one_key_is_one_refund() {
        let once = captured("tok_visa").refund("r1", "a", 300, at(1)).unwrap();
        assert_eq!(once.refund("r1", "a", 300, at(2)), Ok(once.clone()));
        assert_eq!(once.refund("r1", "a", 301, at(2)), Err(ChargeRefusal::OtherRefund));
        assert_eq!(once.refund("r2", "b", 701, at(2)), Err(ChargeRefusal::AmountOutOfRange));
        assert_eq!(once.refund("r2", "b", 700, at(2)).unwrap().refunded_minor(at(2)), 1000);
    }

    #[test]
    fn each_refund_token_behaves_as_it_is_called() {
        assert_eq!(captured("tok_refund_refused").refund("r", "a", 1, at(1)), Err(ChargeRefusal::InsufficientBalance));
        let returning = captured("tok_refund_fails").refund("r", "a", 1000, at(1)).unwrap();
        assert_eq!((returning.refunded_minor(at(5)), returning.refunded_minor(at(6))), (1000, 0));
    }

    #[test]
    fn a_dispute_is_opened_and_decided_once() {
        let open = captured("tok_visa").dispute(at(1)).unwrap();
        assert_eq!(open.dispute(at(1)), Err(ChargeRefusal::Disputed));
        assert_eq!(open.refund("r", "a", 1, at(1)), Err(ChargeRefusal::Disputed));
        let won = open.close_dispute(true).unwrap();
        assert_eq!(won.close_dispute(false), Err(ChargeRefusal::NotDisputed));
        assert!(won.refund("r", "a", 1, at(1)).is_ok());
        assert_eq!(captured("tok_declined").dispute(at(1)), Err(ChargeRefusal::NotCaptured));
    }

    proptest! {
        #[test]
        fn no_more_is_given_back_than_was_taken(refunds in prop::collection::vec((0u8..6, -5i64..700), 1..20)) {
            let mut charge = captured("tok_visa");
            for (key, amount_minor) in refunds {
                if let Ok(next) = charge.refund(&key.to_string(), "a", amount_minor, at(1)) {
                    charge = next;
                }
                prop_assert!((0..=1000).contains(&charge.refunded_minor(at(1))));
            }
        }
    }
}
