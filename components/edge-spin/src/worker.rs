//! The Redis-triggered worker: a doorbell, never a queue.

use crate::StartError;
use ambient::Timestamp;
use telemetry::Level;

/// Why a worker was woken. **Shape** of the first two the message's payload: `pulse` or `bell`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A second has passed: what is due, what was left behind, housekeeping.
    Pulse,
    /// There are new events for the worker's group.
    Bell,
    /// A request asks for what a pulse asks for, where nothing rings.
    Drain {
        /// When somebody stops waiting for more: nothing is begun after it.
        end: Timestamp,
    },
}

impl Call {
    /// Reads a payload; anything unknown is a bell, because looking costs little.
    pub fn from_payload(payload: &[u8]) -> Self {
        if payload == b"pulse" { Self::Pulse } else { Self::Bell }
    }

    /// When nothing is begun any more, where somebody waits.
    pub fn end(self) -> Option<Timestamp> {
        match self {
            Self::Drain { end } => Some(end),
            Self::Pulse | Self::Bell => None,
        }
    }
}

/// Carries out one call; [`crate::worker!`] calls it. An error is logged and the message is done with: the next pulse
/// comes in a second.
pub async fn work<F>(worker: &'static str, payload: &[u8], body: impl FnOnce(Call) -> F)
where
    F: Future<Output = Result<(), StartError>>,
{
    let call = Call::from_payload(payload);
    if let Err(error) = body(call).await {
        let call = if call == Call::Pulse { "pulse" } else { "bell" };
        let cause = error.to_string();
        telemetry::log(
            Level::Error,
            worker,
            "a call failed",
            &"",
            &[("call", call.into()), ("cause", cause.as_str().into())],
        );
    }
}

/// Exports the handler of a Redis-triggered function.
///
/// Takes the worker's name and `async fn(Call) -> Result<(), StartError>`. The function's package depends on `spin-sdk`,
/// whose attribute makes the export.
#[macro_export]
macro_rules! worker {
    ($name:literal, $body:path) => {
        #[::spin_sdk::redis_subscriber]
        async fn on_message(payload: ::std::vec::Vec<u8>) -> Result<(), ::core::convert::Infallible> {
            $crate::work($name, &payload, $body).await;
            Ok(())
        }
    };
}
