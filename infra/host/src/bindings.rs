//! Typed bindings of the three `spin:*` packages, generated from `wit/`; implemented beside their subject
//! ([`crate::key_value`], [`crate::redis`], [`crate::variables`]), not here.

use wasmtime::component::HasData;

use crate::instance::Host;

/// Says what the generated code borrows from a store: the whole [`Host`] of the instance.
pub struct SpinImports;

impl HasData for SpinImports {
    type Data<'a> = &'a mut Host;
}

/// The imports.
#[expect(missing_docs, reason = "generated from WIT")]
mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "spindrift:host/imports",
        imports: { default: trappable },
        with: {
            "spin:key-value/key-value.store": crate::key_value::OpenStore,
            "spin:redis/redis.connection": crate::redis::OpenConnection,
        },
        require_store_data_send: true,
    });
}

/// The export of a component with a Redis trigger.
#[expect(missing_docs, reason = "generated from WIT")]
mod redis_triggered {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "spindrift:host/redis-triggered",
        exports: { default: async | store },
        with: { "spin:redis/redis": super::generated::spin::redis::redis },
        require_store_data_send: true,
    });
}

pub use generated::Imports;
pub use generated::spin::key_value::key_value;
pub use generated::spin::redis::redis;
pub use generated::spin::variables::variables;
pub use redis_triggered::{RedisTriggered, RedisTriggeredPre};
