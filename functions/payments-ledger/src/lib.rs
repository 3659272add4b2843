//! The ledger and what payments told, over HTTP: wiring, and nothing else. It moves no payment, so it is granted no provider
//! and no key of one.

#![cfg(target_family = "wasm")]

use edge_spin::{Front, StartError};
use payments_context::domain::StepUpLimits;
use payments_context::{POLICIES, Payments, Providers, http};
use wiring_spin::Ground;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let ground = Ground::of("payments").await?;
    let records = ground.records();
    let payments = Payments {
        records: records.clone(),
        journal: records.clone(),
        providers: Providers::none(),
        step_up: StepUpLimits::default(),
        clock: ground.clock.clone(),
        random: ground.random.clone(),
    };
    let service = ground.service("payments-ledger").await?.bearer().await?.edge(|edge| edge.policies(POLICIES));
    let history = service.history(vec![records]);
    Ok(service.front(http::ledger(payments).merge(history)))
}
