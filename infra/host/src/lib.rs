//! The embedded host: runs a `spin.toml` as stock Spin 4.1 would, with nothing but cargo.
//!
//! It is for development and tests; production is Spin. What it knows of the manifest is a closed list
//! ([`manifest::keys`]), what it does differently from stock Spin stands in this crate's README.
//!
//! The way of a request: [`http::server`] accepts and routes it, [`http::handler`] hands it to an instance
//! (reused as stock Spin reuses it), [`instance`] is what such an instance may touch, and [`outbound`],
//! [`key_value`], [`redis`] and [`variables`] are the imports it was granted. [`trigger_redis`] wakes components by
//! message instead. [`up`] puts it all together.

pub mod app;
pub mod bindings;
pub mod cli;
pub mod engine;
pub mod http;
pub mod instance;
pub mod key_value;
pub mod manifest;
pub mod memory;
pub mod outbound;
pub mod redis;
pub mod runtime_config;
pub mod stdio;
pub mod trigger_redis;
pub mod up;
pub mod variables;
