//! One delivery from its bytes to its end.

use super::{Handled, Settled, Worker};
use crate::{Backoff, Delivery, Envelope, Verdict};
use core::time::Duration;
use futures::future::{Either, select};

impl Worker {
    /// Reads, handles, and puts off or parks where the verdict says so. What is done is left to be acknowledged.
    pub(super) async fn settle(&self, delivery: Delivery) -> Settled {
        let started = self.clock.now();
        let event = read(&delivery);
        let settled = match &event {
            Ok(event) => self.carry_out(&delivery, event).await,
            Err(cause) => self.park(&delivery, cause.clone()).await,
        };
        let took = self.clock.now().since(started);
        self.journal.handled(&Handled {
            group: &self.group,
            receipt: &delivery.receipt,
            event: event.as_ref().ok(),
            settled: &settled,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        settled
    }

    async fn carry_out(&self, delivery: &Delivery, event: &Envelope) -> Settled {
        // A handler that traps takes the instance with it: only the count of deliveries can tell.
        if delivery.receipt.deliveries > self.config.max_deliveries {
            let cause = format!("handed out {} times, never answered", self.config.max_deliveries);
            return self.park(delivery, cause).await;
        }
        let limit = self.sleep.sleep(self.config.handling_limit);
        let verdict = match select(self.consumer.handle(event), limit).await {
            Either::Left((verdict, _)) => verdict,
            Either::Right(_) => return Settled::TimedOut,
        };
        match verdict {
            Verdict::Done => Settled::Done,
            Verdict::Park { reason } => self.park(delivery, reason).await,
            Verdict::Retry { reason, .. }
                if self.config.max_retries.is_some_and(|most| delivery.receipt.retries >= most) =>
            {
                self.park(
                    delivery,
                    format!("put off {} times, the last time because {reason}", delivery.receipt.retries),
                )
                .await
            }
            Verdict::Retry { after, reason } => {
                match self.log.defer(&self.group, &delivery.receipt, self.backoff(after)).await {
                    Ok(()) => Settled::Deferred { reason },
                    Err(error) => Settled::Lost(error),
                }
            }
        }
    }

    async fn park(&self, delivery: &Delivery, cause: String) -> Settled {
        match self.log.park(&self.group, delivery, &cause).await {
            Ok(()) => Settled::Parked { cause },
            Err(error) => Settled::Lost(error),
        }
    }

    fn backoff(&self, first: Duration) -> Backoff {
        let mut chance = [0u8; 4];
        self.random.fill(&mut chance);
        let jitter_permille = u32::from_be_bytes(chance) % self.config.jitter_permille.saturating_add(1);
        Backoff { first: first.max(self.config.least_wait), cap: self.config.retry_cap, jitter_permille }
    }
}

/// The envelope, or why there is none.
fn read(delivery: &Delivery) -> Result<Envelope, String> {
    let payload = delivery.payload.as_deref().ok_or("the stream was trimmed before the event was handled")?;
    Envelope::from_json(payload).map_err(|error| error.to_string())
}
