//! What every function is wired from: clock, randomness, one connection to Redis, records, and the edge as the
//! application's variables configure it.
//!
//! What lives here: the order in which those parts are put together, once for all functions, and the names of the
//! variables that all of them read. What does not: what a single function needs besides (its own `lib.rs`), layers
//! (`edge`), adapters (`platform-spin`). Natively the crate is empty.
//!
//! ```text
//! async fn start() -> Result<Front, StartError> {
//!     let ground = Ground::of("orders").await?;
//!     let orders = Orders { records: ground.records(), clock: ground.clock.clone() };
//!     let service = ground.service("orders").await?.bearer().await?;
//!     let routes = http::public(orders.clone()).merge(service.internal(http::internal(orders)));
//!     Ok(service.front(routes))
//! }
//! ```

#![cfg(target_family = "wasm")]

mod desk;
mod drain;
mod ground;
mod house;
mod service;
mod worker;

pub use drain::{Drained, Kept};
pub use ground::{Divided, Ground};
pub use service::Service;
