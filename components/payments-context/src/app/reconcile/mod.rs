//! `/v1/reconciliations`: what a provider says that it has settled, compared with what our books say.
//!
//! A settlement comes in chunks of whole lines, because a request is small and short. Each commit takes in up to sixty
//! lines: it marks their items as shown, books what the provider kept, and moves the head on, all at once; the head
//! says which line is next. So a line is taken in exactly once, whatever is repeated, and who is killed anywhere goes on
//! where the head stands. Nothing is read line by line: sixty items cost one look-up among our items, one among the marks.
//!
//! Differences are records of their own, named after their line or item and made before the commit that moves the head:
//! a crash in between leaves one that is found again.

mod chunk;
mod close;
mod create;
mod differences;
mod discard;
mod marks;
mod store;

pub use chunk::take_chunk;
pub use close::close_reconciliation;
pub use create::{create_reconciliation, reconciliation, reconciliations};
pub use differences::{difference, differences, resolve_difference};
pub use discard::discard_reconciliation;

use crate::Payments;
use core::time::Duration;
use principal::RequestScope;
use records::Meta;

/// How many lines one commit takes in: each has a step in an index, and the end of a chunk one more.
const BATCH: usize = 60;
/// How many currencies one commit books: two legs each.
const MOST_CURRENCIES: usize = 30;
/// What is kept of the deadline for the commit under way and the way back.
const RESERVE: Duration = Duration::from_secs(1);
/// How often a step is decided anew because somebody else was faster.
const TRIES: u32 = 5;

/// An operator who sends what may be sent again: it needs no key.
#[derive(Debug, Clone)]
pub struct Clerk {
    /// The account.
    pub subject: String,
    /// Trace and deadline.
    pub scope: RequestScope,
}

impl Clerk {
    fn meta(&self, payments: &Payments) -> Meta {
        payments.meta(self.scope.trace.to_string(), self.subject.clone())
    }
}

/// Whether there is time for another commit.
fn in_time(payments: &Payments, scope: &RequestScope) -> bool {
    scope.deadline.since(payments.now()) > RESERVE
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
