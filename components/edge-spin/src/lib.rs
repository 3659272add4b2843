//! Where Spin calls in: the HTTP handler and the Redis-triggered worker, each exported in one place.
//!
//! What lives here: the exports, the order of an answer's parts on their way to the host, and starting a function once
//! an instance. What does not: layers (`edge`), adapters (`platform-spin`), wiring (each function's `lib.rs`).
//! Natively the crate is empty.
//!
//! ```text
//! edge_spin::http!(start);
//!
//! async fn start() -> Result<edge_spin::Front, edge_spin::StartError> {
//!     let redis = Arc::new(SpinRedis::new(variable("redis_url").await?));
//!     Ok(edge_spin::Front::new("users", edge::public(routes, config)).metrics(metrics))
//! }
//! ```

#![cfg(target_family = "wasm")]

mod front;
mod worker;

pub use front::{Front, handle};
pub use worker::{Call, work};

/// What the exports need in the crate that calls the macros.
#[doc(hidden)]
pub use spin_sdk;

// Only switched on, for waking another request's task in the same instance.
use wit_bindgen as _;

/// Why a function cannot start: a variable is missing or has another form. `?` takes any error.
pub type StartError = Box<dyn core::error::Error + Send + Sync>;

/// Exports the HTTP handler of a function.
///
/// Takes `async fn() -> Result<Front, StartError>`; it runs at the first request of an instance, and again at the next
/// one if it failed.
#[macro_export]
macro_rules! http {
    ($start:ident) => {
        mod spin_http {
            use $crate::spin_sdk::wasip3;

            struct Function;

            wasip3::http::service::export!(Function);

            impl wasip3::exports::http::handler::Guest for Function {
                async fn handle(
                    request: wasip3::http::types::Request,
                ) -> Result<wasip3::http::types::Response, wasip3::http::types::ErrorCode> {
                    static FRONT: ::std::sync::OnceLock<$crate::Front> = ::std::sync::OnceLock::new();
                    $crate::handle(&FRONT, super::$start, request).await
                }
            }
        }
    };
}
