//! The currencies of ISO 4217 (list one, edition of January 2026: circulating money and funds) and their minor units.
//!
//! Left out are the codes to which the standard gives no minor unit (gold, bond market units, testing, none): no amount
//! of them can be written as whole minor units.

use core::fmt;
use core::str::FromStr;

/// Codes with no minor unit.
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
    "XPF",
];
/// Codes with three decimal places.
const THOUSANDTHS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
/// Codes with four decimal places: units of account.
const TEN_THOUSANDTHS: &[&str] = &["CLF", "UYW"];
/// Codes with two decimal places.
const HUNDREDTHS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB", "BOV",
    "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP",
    "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD",
    "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
    "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
    "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
    "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
    "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
    "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

/// A currency code of three capital letters, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// A code that ISO 4217 does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters that ISO 4217 lists, such as EUR")]
pub struct UnknownCurrency;

impl Currency {
    /// The euro: what examples are in.
    pub const EUR: Self = Self { code: *b"EUR", exponent: 2 };

    /// The three letters.
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// How many decimal places the minor unit stands for: 0, 2, 3 or 4.
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        let exponent = match text {
            _ if HUNDREDTHS.binary_search(&text).is_ok() => 2,
            _ if WHOLE.binary_search(&text).is_ok() => 0,
            _ if THOUSANDTHS.binary_search(&text).is_ok() => 3,
            _ if TEN_THOUSANDTHS.binary_search(&text).is_ok() => 4,
            _ => return Err(UnknownCurrency),
        };
        Ok(Self { code, exponent })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let mut codes = [WHOLE, HUNDREDTHS, THOUSANDTHS, TEN_THOUSANDTHS].concat();
        codes.sort_unstable();
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("ISO 4217"))
            .enum_values(Some(codes))
            .examples(["EUR"])
            .into()
    }
}

impl utoipa::ToSchema for Currency {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("Currency")
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_euro_is_the_one_of_the_list() {
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
    }

    #[test]
    fn the_lists_are_sorted_and_without_repetition() {
        for list in [WHOLE, HUNDREDTHS, THOUSANDTHS, TEN_THOUSANDTHS] {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn knows_exponents_and_refuses_other_codes() {
        let exponent = |code: &str| code.parse::<Currency>().map(|c| c.exponent());
        assert_eq!([exponent("EUR"), exponent("JPY"), exponent("KWD"), exponent("CLF")], [Ok(2), Ok(0), Ok(3), Ok(4)]);
        // Withdrawn ones, metals and codes for tests and for no currency are no money.
        for bad in ["eur", "EURO", "XXX", "XTS", "XAU", "DEM", "HRK", "BGN", "ANG", "", "€"] {
            assert_eq!(bad.parse::<Currency>(), Err(UnknownCurrency), "{bad}");
        }
    }

    #[test]
    fn no_code_has_two_exponents() {
        let mut all: Vec<_> = [WHOLE, HUNDREDTHS, THOUSANDTHS, TEN_THOUSANDTHS].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for code in all {
            assert_eq!(code.parse::<Currency>().map(|currency| currency.to_string()).as_deref(), Ok(code));
        }
    }
}
