//! What a provider settles with us: charges, refunds and disputes, each an item of its own with a name that both sides
//! know.
//!
//! Our side of it follows from the payments; the provider's side is a file. What they amount to when they are compared
//! is in `difference`.

use super::{DisputeStanding, Payment, RefundStanding, Stage};
use core::fmt;
use core::str::FromStr;
use money::Money;

/// What was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// Money taken from a payer; named as the provider names the charge.
    Charge,
    /// Money given back; named as we name it, or the provider where somebody refunded without us.
    Refund,
    /// Money that a payer's bank asks back; named as the provider names it.
    Dispute,
}

impl ItemKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Charge, Self::Refund, Self::Dispute];

    /// The word in files and names.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }

    /// Whether an item that counts is money for us, or from us.
    const fn sign(self) -> i64 {
        match self {
            Self::Charge => 1,
            Self::Refund | Self::Dispute => -1,
        }
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemState {
    /// A charge whose outcome is open.
    Pending,
    /// A charge whose amount is held.
    Authorized,
    /// A charge that was taken.
    Captured,
    /// A charge that was given up.
    Canceled,
    /// A charge that was declined, or a refund that came back.
    Failed,
    /// A refund that was accepted.
    Succeeded,
    /// A dispute that nobody has decided.
    Open,
    /// A dispute decided for the merchant.
    Won,
    /// A dispute decided for the payer.
    Lost,
}

impl ItemState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Authorized,
        Self::Captured,
        Self::Canceled,
        Self::Failed,
        Self::Succeeded,
        Self::Open,
        Self::Won,
        Self::Lost,
    ];

    /// The word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Whether money has changed sides.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Captured | Self::Succeeded | Self::Lost)
    }

    /// Whether an item of this kind can stand here.
    pub const fn is_of(self, kind: ItemKind) -> bool {
        match kind {
            ItemKind::Charge => {
                matches!(self, Self::Pending | Self::Authorized | Self::Captured | Self::Canceled | Self::Failed)
            }
            ItemKind::Refund => matches!(self, Self::Pending | Self::Succeeded | Self::Failed),
            ItemKind::Dispute => matches!(self, Self::Open | Self::Won | Self::Lost),
        }
    }
}

/// A word that is none of the words expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such word")]
pub struct UnknownWord;

impl FromStr for ItemKind {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(UnknownWord)
    }
}

impl FromStr for ItemState {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(UnknownWord)
    }
}

/// Which item. **Shape** `charge:ch_1`: a kind, a colon, 1 to 100 characters out of `A-Za-z0-9_-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName {
    kind: ItemKind,
    reference: String,
}

impl ItemName {
    /// The item of this kind with this reference; `None` where the reference has another shape.
    pub fn new(kind: ItemKind, reference: &str) -> Option<Self> {
        super::ChargeId::new(reference).map(|id| Self { kind, reference: id.as_str().to_owned() })
    }

    /// What it is.
    pub const fn kind(&self) -> ItemKind {
        self.kind
    }

    /// Its name among its kind.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

impl FromStr for ItemName {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (kind, reference) = text.split_once(':').ok_or(UnknownWord)?;
        Self::new(kind.parse()?, reference).ok_or(UnknownWord)
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.reference)
    }
}

impl fmt::Debug for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How an item stands on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemStanding {
    /// Where it stands.
    pub state: ItemState,
    /// How much, never negative.
    pub amount: Money,
}

impl ItemStanding {
    /// What it adds to what the provider owes us, in minor units of its currency.
    pub fn effect_minor(&self, kind: ItemKind) -> i64 {
        if self.state.counts() { kind.sign().saturating_mul(self.amount.minor()) } else { 0 }
    }
}

/// The items of a payment, as our books have them.
pub fn items_of(payment: &Payment) -> Vec<(ItemName, ItemStanding)> {
    let mut items = Vec::new();
    let mut add = |kind, reference: &str, state, amount| {
        if let Some(name) = ItemName::new(kind, reference) {
            items.push((name, ItemStanding { state, amount }));
        }
    };
    let Some(charge) = &payment.charge else { return items };
    let (state, amount) = match &payment.stage {
        Stage::Captured { captured } => (ItemState::Captured, *captured),
        Stage::Authorized { .. } => (ItemState::Authorized, payment.amount),
        Stage::Canceled | Stage::Expired => (ItemState::Canceled, payment.amount),
        Stage::Failed { .. } => (ItemState::Failed, payment.amount),
        Stage::RequiresConfirmation | Stage::RequiresAction { .. } => (ItemState::Pending, payment.amount),
    };
    add(ItemKind::Charge, charge.as_str(), state, amount);
    for refund in &payment.refunds {
        let state = match refund.standing {
            RefundStanding::Succeeded => ItemState::Succeeded,
            RefundStanding::Failed => ItemState::Failed,
        };
        add(ItemKind::Refund, &refund.id.to_string(), state, refund.amount);
    }
    if let Some(dispute) = &payment.dispute {
        let state = match dispute.report.standing {
            DisputeStanding::Open => ItemState::Open,
            DisputeStanding::Won => ItemState::Won,
            DisputeStanding::Lost => ItemState::Lost,
        };
        add(ItemKind::Dispute, dispute.report.id.as_str(), state, dispute.report.amount);
    }
    items
}

/// An item that is new or stands elsewhere than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemNews {
    /// Which.
    pub name: ItemName,
    /// How it stands now.
    pub standing: ItemStanding,
    /// Whether it counts for the first time: from now on a provider's settlement should show it.
    pub counts_first: bool,
}

/// What a change of a payment means for its items.
pub fn item_news(before: Option<&Payment>, after: &Payment) -> Vec<ItemNews> {
    let known = before.map(items_of).unwrap_or_default();
    let news = |(name, standing): (ItemName, ItemStanding)| {
        let was = known.iter().find(|(known, _)| *known == name).map(|(_, was)| *was);
        let counts_first = standing.state.counts() && !was.is_some_and(|was| was.state.counts());
        (was != Some(standing)).then_some(ItemNews { name, standing, counts_first })
    };
    items_of(after).into_iter().filter_map(news).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::properties::{dispute_of, eur, payment_in, refund_of};
    use crate::domain::{FailureCode, Refund};

    #[test]
    fn a_name_reads_back_and_others_are_none() {
        for kind in ItemKind::ALL {
            let name = ItemName::new(kind, "ch_1-x").unwrap();
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for text in
            ["", "charge", "charge:", "charge:a b", "payout:x", "charge:a:b", &format!("charge:{}", "x".repeat(101))]
        {
            assert_eq!(text.parse::<ItemName>(), Err(UnknownWord), "{text}");
        }
        for state in ItemState::ALL {
            assert_eq!(state.word().parse(), Ok(state));
        }
    }

    #[test]
    fn a_payment_has_the_items_that_its_provider_knows() {
        let mut payment = payment_in(Stage::Captured { captured: eur(900) });
        payment.refunds = vec![refund_of(200)];
        payment.dispute = Some(dispute_of(700, DisputeStanding::Lost));
        let effects: Vec<_> = items_of(&payment)
            .into_iter()
            .map(|(name, standing)| (name.kind(), standing.state.word(), standing.effect_minor(name.kind())))
            .collect();
        let wanted = [
            (ItemKind::Charge, "captured", 900),
            (ItemKind::Refund, "succeeded", -200),
            (ItemKind::Dispute, "lost", -700),
        ];
        assert_eq!(effects, wanted);
        assert_eq!(items_of(&payment_in(Stage::RequiresConfirmation)), []);
    }

    #[test]
    fn news_are_what_changed_and_what_counts_is_told_once() {
        let held = payment_in(Stage::Authorized { until: crate::domain::properties::at(9) });
        let told = |before: Option<&Payment>, after: &Payment| {
            item_news(before, after)
                .into_iter()
                .map(|news| (news.standing.state, news.counts_first))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(None, &held), [(ItemState::Authorized, false)]);
        assert_eq!(told(Some(&held), &held), []);
        let taken = payment_in(Stage::Captured { captured: eur(900) });
        assert_eq!(told(Some(&held), &taken), [(ItemState::Captured, true)]);
        let mut back = taken.clone();
        back.refunds = vec![refund_of(200)];
        assert_eq!(told(Some(&taken), &back), [(ItemState::Succeeded, true)]);
        let mut failed = back.clone();
        failed.refunds = vec![Refund { standing: RefundStanding::Failed, ..refund_of(200) }];
        assert_eq!(told(Some(&back), &failed), [(ItemState::Failed, false)]);
        let declined = payment_in(Stage::Failed { code: FailureCode::new("x") });
        assert_eq!(told(Some(&held), &declined), [(ItemState::Failed, false)]);
    }
}
