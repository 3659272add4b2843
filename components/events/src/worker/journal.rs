//! What became of each delivery, for whoever wants to know: the log by default.

use crate::{Envelope, EventsError, Receipt};
use telemetry::{Level, log};

/// What became of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Its effect is committed, or it was none of this consumer's business.
    Done,
    /// It comes back later.
    Deferred {
        /// What was missing.
        reason: String,
    },
    /// It lies among the dead letters.
    Parked {
        /// Why.
        cause: String,
    },
    /// It took longer than a delivery may: it comes back as an abandoned one.
    TimedOut,
    /// It could neither be put off nor parked, because the log was gone: it comes back as an abandoned one.
    Lost(EventsError),
}

/// One delivery and its end.
#[derive(Debug, Clone, Copy)]
pub struct Handled<'a> {
    /// Which group handled it.
    pub group: &'a str,
    /// Which entry it was.
    pub receipt: &'a Receipt,
    /// The event, where it could be read.
    pub event: Option<&'a Envelope>,
    /// What became of it.
    pub settled: &'a Settled,
    /// How long that took.
    pub duration_ms: u64,
}

/// Hears of each delivery's end.
pub trait Journal: Send + Sync {
    /// Takes note; must not block.
    fn handled(&self, handled: &Handled<'_>);
}

/// One log line a delivery.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogJournal;

impl Journal for LogJournal {
    fn handled(&self, handled: &Handled<'_>) {
        let (level, message, reason) = match handled.settled {
            Settled::Done => (Level::Info, "event handled", None),
            Settled::Deferred { reason } => (Level::Info, "event put off", Some(reason.clone())),
            Settled::Parked { cause } => {
                (Level::Warn, "event given up: it lies among the dead letters", Some(cause.clone()))
            }
            Settled::TimedOut => (Level::Warn, "event took too long", None),
            Settled::Lost(error) => (Level::Warn, "event neither put off nor given up", Some(error.to_string())),
        };
        let (stream, entry) = (handled.receipt.stream.to_string(), handled.receipt.entry.to_string());
        let (kind, event, trace) = handled
            .event
            .map_or(("", "", ""), |event| (event.kind.as_str(), event.id.as_str(), event.traceid.as_str()));
        let mut fields = vec![
            ("type", kind.into()),
            ("event", event.into()),
            ("stream", (&stream).into()),
            ("entry", (&entry).into()),
            ("deliveries", handled.receipt.deliveries.into()),
            ("duration_ms", handled.duration_ms.into()),
        ];
        if let Some(reason) = &reason {
            fields.push(("reason", reason.into()));
        }
        log(level, handled.group, message, &trace, &fields);
    }
}
