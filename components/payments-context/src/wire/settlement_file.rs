//! The settlement file of a provider: CSV with a heading, one item a line.
//!
//! **Shape** `kind,reference,payment,amount_minor,currency,fee_minor,state`, in any order, other columns unread:
//! `charge,ch_1,pay_00…,1000,EUR,14,captured`. `payment` and `fee_minor` may be missing or empty.

use crate::domain::{ItemKind, ItemName, ItemStanding, ItemState, RefundId, SettledLine, holds_card_number};
use csv::StringRecord;
use ids::PaymentId;
use money::Money;
use serde::{Deserialize, Serialize};

/// The largest amount and fee of a line, in minor units: sums over many lines stay exact.
const MOST_MINOR: i64 = 99_999_999_999;

/// Where in a line what stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    kind: usize,
    reference: usize,
    amount_minor: usize,
    currency: usize,
    state: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fee_minor: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment: Option<usize>,
}

/// A heading without a column that is needed, or with one twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the heading has `{0}` not once")]
pub struct InvalidHeading(pub &'static str);

impl Columns {
    /// Reads the heading.
    ///
    /// # Errors
    /// [`InvalidHeading`].
    pub fn of(heading: &StringRecord) -> Result<Self, InvalidHeading> {
        let places = |name: &'static str| {
            let named = |(_, field): &(usize, &str)| field.trim().trim_start_matches('\u{feff}') == name;
            heading.iter().enumerate().filter(named).map(|(place, _)| place).collect::<Vec<_>>()
        };
        let once = |name| match places(name).as_slice() {
            [place] => Ok(*place),
            _ => Err(InvalidHeading(name)),
        };
        let at_most_once = |name| match places(name).as_slice() {
            [] => Ok(None),
            [place] => Ok(Some(*place)),
            _ => Err(InvalidHeading(name)),
        };
        Ok(Self {
            kind: once("kind")?,
            reference: once("reference")?,
            amount_minor: once("amount_minor")?,
            currency: once("currency")?,
            state: once("state")?,
            fee_minor: at_most_once("fee_minor")?,
            payment: at_most_once("payment")?,
        })
    }

    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, in words that repeat nothing of it.
    pub fn read(&self, line: &StringRecord) -> Result<SettledLine, &'static str> {
        let field = |place: usize| line.get(place).map(str::trim).filter(|text| !text.is_empty());
        let kind: ItemKind =
            field(self.kind).and_then(|word| word.parse().ok()).ok_or("`kind` is charge, refund or dispute")?;
        let state: ItemState = field(self.state)
            .and_then(|word| word.parse().ok())
            .filter(|state: &ItemState| state.is_of(kind))
            .ok_or("`state` is none of the kind's")?;
        let minor = |text: &str| text.parse::<i64>().ok().filter(|minor| minor.to_string() == text);
        let amount_minor = field(self.amount_minor)
            .and_then(minor)
            .filter(|minor| (0..=MOST_MINOR).contains(minor))
            .ok_or("`amount_minor` is a whole number of minor units, not negative")?;
        let currency =
            field(self.currency).and_then(|code| code.parse().ok()).ok_or("`currency` is no ISO 4217 code")?;
        let fee_minor = match self.fee_minor.and_then(field) {
            None => 0,
            Some(text) => minor(text)
                .filter(|minor| (-MOST_MINOR..=MOST_MINOR).contains(minor))
                .ok_or("`fee_minor` is a whole number of minor units")?,
        };
        let payment: Option<PaymentId> = self
            .payment
            .and_then(field)
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| "`payment` is no payment's")?;
        let reference = field(self.reference).ok_or("`reference` is missing")?;
        let reference = match (kind, payment) {
            // A refund that was made without us is known by a name derived from the provider's.
            (ItemKind::Refund, Some(payment)) => RefundId::told(payment, reference).to_string(),
            _ => reference.to_owned(),
        };
        let name =
            ItemName::new(kind, &reference).ok_or("`reference` has 1 to 100 characters out of A-Z a-z 0-9 _ -")?;
        let amount = Money::new(amount_minor, currency).map_err(|_| "`amount_minor` is too large")?;
        Ok(SettledLine { name, standing: ItemStanding { state, amount }, fee_minor })
    }
}

/// The lines of a piece of a file. What is not even CSV is a line that cannot be read; nothing is lost silently.
pub fn lines_of(csv: &str) -> Vec<StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
    reader.records().map(Result::unwrap_or_default).collect()
}

/// Whether a field of a line looks like a card number. Names of items are letters and digits, in which one may appear by
/// chance: they count where they have no letter.
pub fn shows_card_number(line: &StringRecord) -> bool {
    let name =
        |field: &str| field.contains('_') && field.bytes().any(|b| b.is_ascii_alphabetic()) && !field.contains(' ');
    line.iter().any(|field| !name(field) && holds_card_number(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(csv: &str) -> Result<SettledLine, &'static str> {
        let lines = lines_of(csv);
        Columns::of(&lines[0]).unwrap().read(&lines[1])
    }

    #[test]
    fn a_line_is_read_by_its_heading_in_any_order() {
        let line =
            read("state,note,currency,amount_minor,reference,kind\ncaptured,\"a,b\",EUR,1000,ch_1,charge\n").unwrap();
        assert_eq!((line.name.to_string(), line.fee_minor), ("charge:ch_1".to_owned(), 0));
        assert_eq!((line.standing.state, line.standing.amount.minor()), (ItemState::Captured, 1000));
        let line =
            read("\u{feff}kind,reference,amount_minor,currency,fee_minor,state\nrefund,re_1,5,JPY,-3,failed").unwrap();
        assert_eq!((line.name.to_string(), line.fee_minor), ("refund:re_1".to_owned(), -3));
    }

    #[test]
    fn a_heading_without_what_is_needed_is_refused() {
        for (heading, missing) in [
            ("kind,reference,amount_minor,currency", "state"),
            ("kind,kind,reference,amount_minor,currency,state", "kind"),
            ("kind,reference,amount_minor,currency,state,fee_minor,fee_minor", "fee_minor"),
            ("", "kind"),
        ] {
            let heading = lines_of(heading).into_iter().next().unwrap_or_default();
            assert_eq!(Columns::of(&heading), Err(InvalidHeading(missing)));
        }
    }

    #[test]
    fn what_is_no_line_says_why_and_repeats_nothing() {
        for line in [
            "payout,x,1,EUR,0,captured",
            "charge,x,1,EUR,0,lost",
            "charge,x,-1,EUR,0,captured",
            "charge,x,+1,EUR,0,captured",
            "charge,x,1.5,EUR,0,captured",
            "charge,x,99999999999999999999,EUR,0,captured",
            "charge,x,1,eur,0,captured",
            "charge,x,1,EUR,free,captured",
            "charge,,1,EUR,0,captured",
            "charge,a b,1,EUR,0,captured",
            "charge",
            "\"",
        ] {
            let why = read(&format!("kind,reference,amount_minor,currency,fee_minor,state\n{line}\n")).unwrap_err();
            assert!(why.starts_with('`'), "{line}: {why}");
        }
    }

    #[test]
    fn a_refund_made_without_us_has_the_name_that_our_books_gave_it() {
        let payment = "pay_0000000000000000000000000001";
        let heading = "kind,reference,payment,amount_minor,currency,state";
        let line = read(&format!("{heading}\nrefund,re_1,{payment},5,EUR,succeeded")).unwrap();
        let wanted = RefundId::told(payment.parse().unwrap(), "re_1").to_string();
        assert_eq!(line.name.reference(), wanted);
        let own = read(&format!("{heading}\nrefund,{wanted},{payment},5,EUR,succeeded")).unwrap();
        assert_eq!(own.name, line.name);
    }

    #[test]
    fn a_card_number_is_seen_and_a_name_is_none() {
        let seen = |line: &str| shows_card_number(&lines_of(line)[0]);
        assert!(
            seen("charge,4242424242424242,1")
                && seen("x,paid with 4242 4242 4242 4242")
                && seen("a_b 4242424242424242")
        );
        assert!(!seen("charge,ch_4242424242424242,1000,EUR,2026-01-31"));
    }
}
