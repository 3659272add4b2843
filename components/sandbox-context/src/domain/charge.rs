//! A charge: at most one an idempotency key, at most once captured.

use super::{Card, ChargeDispute, ChargeRefund};
use ambient::Timestamp;
use money::Money;

ids::id!(
    /// A charge of the sandbox's acquirer.
    ChargeId, "chg"
);
ids::id!(
    /// A letter in the sandbox's mailbox.
    LetterId, "ltr"
);

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The payer has to prove who they are.
    RequiresAction,
    /// The amount is held.
    Authorized,
    /// This much is taken.
    Captured(Money),
    /// Given up.
    Canceled,
    /// The bank said no.
    Declined(&'static str),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCharge {
    /// The caller's idempotency key.
    pub key: String,
    /// The caller's own name for what it is for.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// Which card.
    pub token: String,
    /// Whether the money is taken at once.
    pub capture: bool,
    /// Where the payer comes back to after proving who they are.
    pub return_url: Option<String>,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Its name, derived from the key.
    pub id: ChargeId,
    /// What was asked for.
    pub asked: NewCharge,
    /// Where it stands, as soon as it is known.
    pub standing: Standing,
    /// From when on that is known.
    pub known_from: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// What was given back, oldest first.
    pub refunds: Vec<ChargeRefund>,
    /// The dispute of the payer's bank.
    pub dispute: Option<ChargeDispute>,
}

/// Why a step is not carried out; its words are the failure codes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChargeRefusal {
    /// No card has this token.
    #[error("unknown_token")]
    UnknownToken,
    /// The outcome is not known yet.
    #[error("still_processing")]
    StillProcessing,
    /// The charge does not stand where the step starts.
    #[error("not_authorized")]
    NotAuthorized,
    /// The money is taken already.
    #[error("already_captured")]
    AlreadyCaptured,
    /// The charge was declined.
    #[error("already_declined")]
    AlreadyDeclined,
    /// More than is held, or nothing.
    #[error("amount_out_of_range")]
    AmountOutOfRange,
    /// Nobody has to prove anything.
    #[error("no_action_required")]
    NoActionRequired,
    /// Nothing was taken.
    #[error("not_captured")]
    NotCaptured,
    /// The payer's bank disputes it, or did with success.
    #[error("charge_disputed")]
    Disputed,
    /// There is no open dispute.
    #[error("not_disputed")]
    NotDisputed,
    /// The card's script refuses refunds.
    #[error("insufficient_balance")]
    InsufficientBalance,
    /// The key made another refund.
    #[error("key_reused")]
    OtherRefund,
}

impl Charge {
    /// The charge that a card makes of a request. **Units** `now` decides when a late card's outcome is known.
    ///
    /// # Errors
    /// [`ChargeRefusal::UnknownToken`].
    pub fn make(id: ChargeId, asked: NewCharge, now: Timestamp) -> Result<Self, ChargeRefusal> {
        let card = Card::of_token(&asked.token).ok_or(ChargeRefusal::UnknownToken)?;
        let standing = match card {
            Card::Declined(code) => Standing::Declined(code),
            Card::Secured => Standing::RequiresAction,
            Card::Approved
            | Card::Slow
            | Card::TimesOut
            | Card::AnswerLost
            | Card::Late
            | Card::RefundRefused
            | Card::RefundFails
            | Card::NoticeFirst
            | Card::NoticeTwice => approved(&asked),
        };
        let known_from = now.plus(card.unknown_for());
        Ok(Self { id, asked, standing, known_from, created_at: now, refunds: Vec::new(), dispute: None })
    }

    /// Where it stands at `now`; `None` while nobody knows.
    pub fn known(&self, now: Timestamp) -> Option<Standing> {
        (self.known_from <= now).then_some(self.standing)
    }

    /// What was taken, in minor units.
    pub fn captured_minor(&self, now: Timestamp) -> i64 {
        match self.known(now) {
            Some(Standing::Captured(amount)) => amount.minor(),
            _ => 0,
        }
    }

    /// Takes `amount_minor` of what is held. The same capture again changes nothing.
    ///
    /// # Errors
    /// [`ChargeRefusal`].
    pub fn capture(&self, amount_minor: i64, now: Timestamp) -> Result<Self, ChargeRefusal> {
        match self.known(now).ok_or(ChargeRefusal::StillProcessing)? {
            Standing::Captured(amount) if amount.minor() == amount_minor => Ok(self.clone()),
            Standing::Captured(_) => Err(ChargeRefusal::AlreadyCaptured),
            Standing::Authorized => {
                if !(1..=self.asked.amount.minor()).contains(&amount_minor) {
                    return Err(ChargeRefusal::AmountOutOfRange);
                }
                let amount = Money::new(amount_minor, self.asked.amount.currency())
                    .map_err(|_| ChargeRefusal::AmountOutOfRange)?;
                Ok(Self { standing: Standing::Captured(amount), ..self.clone() })
            }
            Standing::RequiresAction | Standing::Canceled | Standing::Declined(_) => Err(ChargeRefusal::NotAuthorized),
        }
    }

    /// Gives it up. Again changes nothing.
    ///
    /// # Errors
    /// [`ChargeRefusal`].
    pub fn cancel(&self, now: Timestamp) -> Result<Self, ChargeRefusal> {
        match self.known(now).ok_or(ChargeRefusal::StillProcessing)? {
            Standing::Canceled => Ok(self.clone()),
            Standing::RequiresAction | Standing::Authorized => {
                Ok(Self { standing: Standing::Canceled, ..self.clone() })
            }
            Standing::Captured(_) => Err(ChargeRefusal::AlreadyCaptured),
            Standing::Declined(_) => Err(ChargeRefusal::AlreadyDeclined),
        }
    }

    /// The payer proves who they are, or fails to.
    ///
    /// # Errors
    /// [`ChargeRefusal::NoActionRequired`].
    pub fn authenticate(&self, success: bool, now: Timestamp) -> Result<Self, ChargeRefusal> {
        if self.known(now) != Some(Standing::RequiresAction) {
            return Err(ChargeRefusal::NoActionRequired);
        }
        let standing = if success { approved(&self.asked) } else { Standing::Declined("authentication_failed") };
        Ok(Self { standing, ..self.clone() })
    }
}

/// Where an approved charge stands.
const fn approved(asked: &NewCharge) -> Standing {
    if asked.capture { Standing::Captured(asked.amount) } else { Standing::Authorized }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use proptest::prelude::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus(Duration::from_secs(second))
    }

    fn charge(token: &str, capture: bool) -> Charge {
        let amount = Money::new(1000, "EUR".parse().unwrap()).unwrap();
        let asked = NewCharge {
            key: "k".to_owned(),
            reference: "r".to_owned(),
            amount,
            token: token.to_owned(),
            capture,
            return_url: None,
        };
        Charge::make(ChargeId::derived(0, &[b"k"]), asked, at(0)).unwrap()
    }

    #[test]
    fn each_token_behaves_as_it_is_called() {
        let standing = |token, capture| charge(token, capture).known(at(0));
        assert_eq!(standing("tok_visa", false), Some(Standing::Authorized));
        assert!(matches!(standing("tok_visa", true), Some(Standing::Captured(amount)) if amount.minor() == 1000));
        assert_eq!(standing("tok_insufficient_funds", true), Some(Standing::Declined("insufficient_funds")));
        assert_eq!(standing("tok_3ds", true), Some(Standing::RequiresAction));
        assert_eq!(standing("tok_late_success", true), None);
        assert!(charge("tok_late_success", false).known(at(5)).is_some());
        assert_eq!(Card::of_token("tok_unheard_of"), None);
        assert!(Card::TimesOut.delay().wait > Duration::from_secs(15) && Card::AnswerLost.delay().lost);
    }

    #[test]
    fn a_payer_proves_who_they_are_once() {
        let proven = charge("tok_3ds", true).authenticate(true, at(1)).unwrap();
        assert!(matches!(proven.standing, Standing::Captured(_)));
        assert_eq!(proven.authenticate(false, at(1)), Err(ChargeRefusal::NoActionRequired));
        let failed = charge("tok_3ds", true).authenticate(false, at(1)).unwrap();
        assert_eq!(failed.standing, Standing::Declined("authentication_failed"));
    }

    proptest! {
        #[test]
        fn a_charge_is_captured_at_most_once(steps in prop::collection::vec((0u8..3, -10i64..1200), 1..20)) {
            let mut charge = charge("tok_visa", false);
            let mut taken = 0;
            for (step, amount_minor) in steps {
                let next = match step {
                    0 => charge.capture(amount_minor, at(1)),
                    1 => charge.cancel(at(1)),
                    _ => charge.authenticate(true, at(1)),
                };
                let Ok(next) = next else { continue };
                prop_assert!(taken == 0 || next.captured_minor(at(1)) == taken);
                taken = next.captured_minor(at(1));
                prop_assert!((0..=1000).contains(&taken));
                charge = next;
            }
        }
    }
}
