//! The bounds of a context's worker, as the application's variables decide them.

use crate::Ground;
use edge_spin::StartError;
use events::{WorkerConfig, WorkerPolicies};
use platform_spin::variable;

impl Ground {
    /// These bounds, and upon them what `event_policies` says of the group. Reads that variable.
    ///
    /// # Errors
    /// When it is missing or no policy: a worker with other retries than were meant is not started.
    pub async fn worker_config(&self, group: &str, config: WorkerConfig) -> Result<WorkerConfig, StartError> {
        let policies: WorkerPolicies = variable("event_policies").await?.parse()?;
        Ok(policies.apply(group, config))
    }
}
