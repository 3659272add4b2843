//! Argon2id behind a private route: wiring, and nothing else.

#![cfg(target_family = "wasm")]

use ambient::{SystemClock, SystemRandom};
use edge::EdgeConfig;
use edge_spin::{Front, StartError};
use hasher_context::{Hasher, http};
use platform_spin::{SpinSleep, variable};
use service_token::ServiceTokens;
use std::sync::Arc;

edge_spin::http!(start);

async fn start() -> Result<Front, StartError> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let tokens = ServiceTokens::new(variable("service_token_key").await?.as_bytes());
    let routes = http::internal(Hasher { random: random.clone() });
    let guarded = edge::internal(routes, "hasher", tokens, clock.clone());
    Ok(Front::new("hasher", edge::public(guarded, EdgeConfig::new("hasher", clock, random, Arc::new(SpinSleep)))))
}
