//! Reconciliation with providers over HTTP: wiring, and nothing else. It reads what providers have settled from files that
//! operators send, so it is granted no provider and no key of one.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use payments_context::domain::StepUpLimits;
use payments_context::{POLICIES, Payments, Providers, http};
use records::NoJournal;
use std::sync::Arc;
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("payments").await?;
    let payments = Payments {
        records: ground.records(),
        // It posts, and reads nothing of what was posted.
        journal: Arc::new(NoJournal),
        providers: Providers::none(),
        step_up: StepUpLimits::default(),
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let service = ground.service("payments-reconciliation").await?.bearer().await?;
    Ok(service.edge(|edge| edge.policies(POLICIES)).front(http::reconciliation(payments)))
}
