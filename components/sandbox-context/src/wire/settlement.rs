//! The acquirer's settlement file.

use serde::{Deserialize, Serialize};

/// One line; the members are the columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettlementLine {
    /// `charge`, `refund` or `dispute`.
    pub kind: &'static str,
    /// The acquirer's name for a charge or dispute, the caller's for a refund.
    pub reference: String,
    /// What the caller said that the charge is for.
    pub payment: String,
    /// How much.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What the acquirer kept.
    pub fee_minor: i64,
    /// Where it stands.
    pub state: &'static str,
}

/// The query of `GET /sandbox/v1/settlement.csv`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SettlementQuery {
    /// From this moment on.
    #[serde(default)]
    pub from: Option<String>,
    /// Up to just before this moment.
    #[serde(default)]
    pub to: Option<String>,
    /// Where the piece before ended.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The lines as CSV, with a heading where they are the first.
///
/// # Errors
/// The encoder's; does not happen.
pub fn settlement_csv(lines: &[SettlementLine], first: bool) -> Result<String, csv::Error> {
    const COLUMNS: [&str; 7] = ["kind", "reference", "payment", "amount_minor", "currency", "fee_minor", "state"];
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if first {
        writer.write_record(COLUMNS)?;
    }
    for line in lines {
        writer.serialize(line)?;
    }
    let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
