//! What the pulse does for the journal: sealing, for a bounded time.

use crate::Payments;
use core::time::Duration;
use records::RecordsError;

/// How long one pulse goes on sealing.
const SEAL_MAX: Duration = Duration::from_secs(2);

/// What one pulse sealed, for the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Rows that went into pages of the chain.
    pub rows: u32,
    /// Rows that went into pages of accounts.
    pub account_rows: u32,
}

/// Seals what is ready.
///
/// # Errors
/// [`RecordsError::Corrupt`] where rows or pages do not hold: they are left as they are until an operator has looked;
/// [`RecordsError::Unavailable`] and [`RecordsError::RolledBack`] of the store.
pub async fn seal(payments: &Payments) -> Result<SealReport, RecordsError> {
    let (began, mut report) = (payments.now(), SealReport::default());
    loop {
        let sealed = payments.journal.seal().await?;
        report.rows = report.rows.saturating_add(sealed.rows);
        report.account_rows = report.account_rows.saturating_add(sealed.account_rows);
        if !sealed.more || payments.now().since(began) >= SEAL_MAX {
            return Ok(report);
        }
    }
}
