//! The ports' adapters over Spin's host: outbound HTTP, Redis, key-value, variables, sleep.
//!
//! What lives here: the only code that calls `spin-sdk` on a context's behalf. What does not: scripts and keys
//! (`records-redis`, `events-redis`) and the entry points (`edge-spin`). Natively the crate is empty.
//!
//! Every call ends in bounded time: the host's own time-outs are ten minutes or none, so each call races a sleep.
//! Dropping a call in flight is safe.

#![cfg(target_family = "wasm")]

mod http;
mod key_value;
mod redis;
mod sleep;
mod tasks;
mod variables;

pub use http::SpinHttp;
pub use key_value::SpinKeyValue;
pub use redis::SpinRedis;
pub use sleep::SpinSleep;
pub use tasks::SpinTasks;
pub use variables::{VariableError, variable};

// Only switched on, for waking another request's task in the same instance.
use wit_bindgen as _;
