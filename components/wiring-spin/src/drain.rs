//! What a worker does, at the call of a request: for platforms without a Redis trigger (docs/decisions/0015).

use crate::Service;
use ambient::Clock;
use axum::Router;
use axum::routing::post;
use core::time::Duration;
use edge_spin::{Call, Front, StartError};
use problem::{Json, Problem, UNAVAILABLE};
use serde::Serialize;

/// How long a call begins something. Whoever calls again a second later goes on where this one stopped.
const BEGINS: Duration = Duration::from_secs(9);
/// How long a call may take: what was begun last is finished, a request to a slow receiver among it (15 s). Platforms that
/// drain cut a request off after 30 s.
const DEADLINE: Duration = Duration::from_secs(27);

/// The answer of a drain.
#[derive(Debug, Serialize)]
pub struct Drained<D> {
    /// Whether the context's data is being rebuilt: then nothing else was done.
    pub rebuilding: bool,
    /// What was done otherwise.
    #[serde(flatten)]
    pub did: Option<D>,
}

impl<D> Drained<D> {
    /// A round that went on with a rebuild.
    pub fn rebuilding() -> Self {
        Self { rebuilding: true, did: None }
    }

    /// A round that did its own work.
    pub fn did(did: D) -> Self {
        Self { rebuilding: false, did: Some(did) }
    }
}

/// What a worker did that hears no events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Rows that went into pages.
    pub sealed: u32,
    /// Timers that were brought to an end.
    pub finished: u32,
    /// Timers that come back.
    pub unfinished: u32,
    /// What could not be done now; the log says why.
    pub failed: Vec<&'static str>,
}

impl Service {
    /// `POST /internal/<context>/drain`, for whoever has a service token for the context: one round of the worker. Two at once
    /// are two workers of one group, which leases and once-rows are made for.
    pub fn drain<F, D>(self, round: impl Fn(Call) -> F + Clone + Send + Sync + 'static) -> Front
    where
        F: Future<Output = Result<Drained<D>, StartError>> + Send,
        D: Serialize + 'static,
    {
        let clock = self.clock.clone();
        let drain = move || {
            let (round, end) = (round.clone(), clock.now().plus(BEGINS));
            async move {
                let drained = round(Call::Drain { end }).await;
                drained.map(Json).map_err(|error| Problem::new(UNAVAILABLE).retry_after_s(1).caused_by(&*error))
            }
        };
        let routes = Router::new().route(&format!("/internal/{}/drain", self.context), post(drain));
        let routes = self.internal(routes);
        self.edge(|edge| edge.deadline(DEADLINE)).front(routes)
    }
}
