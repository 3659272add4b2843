//! Telemetry: one JSON line an event, in one write, with the trace that ties it to the others.
//!
//! What lives here: levels, the line, the redaction of fields whose names promise a secret. What does not: metrics
//! (counters in Redis, see `edge`) and spans (the host's).
//!
//! Spin gives a component no severity and no trace for what it writes, and lines of several components share one
//! stream: so the line carries both, and it is written whole or not at all.

mod line;
mod value;

pub use line::line;
pub use value::Value;

use ambient::{Clock, SystemClock, Timestamp};
use core::fmt::{self, Display};
use std::io::Write;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only while looking for a fault.
    Debug,
    /// What happened: a request answered, an event handled.
    Info,
    /// Somebody should look in daylight: a dead letter, a refused signature.
    Warn,
    /// Somebody must look now: data that cannot be read, a ledger that does not sum to zero.
    Error,
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// Writes one line to standard error, now. A line that cannot be written is dropped: logging fails nobody.
///
/// **Shape** of `fields`: `&[("status", 201.into()), ("route", "/v1/payments".into())]`; names in snake_case with the
/// unit where they measure. Fields with names such as `password` or `token` are written as `[redacted]`.
pub fn log(level: Level, service: &str, message: &str, trace: &dyn Display, fields: &[(&str, Value<'_>)]) {
    log_at(SystemClock.now(), level, service, message, trace, fields);
}

/// The same at a time that the caller has read already.
pub fn log_at(
    at: Timestamp,
    level: Level,
    service: &str,
    message: &str,
    trace: &dyn Display,
    fields: &[(&str, Value<'_>)],
) {
    let text = line(at, level, service, message, trace, fields);
    // Standard error is not buffered: one call, one write, no line of a neighbour in between.
    if std::io::stderr().write_all(text.as_bytes()).is_err() {
        // Nowhere left to say it.
    }
}
