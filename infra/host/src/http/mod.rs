//! The HTTP trigger: accepting, routing, the headers that Spin adds, reused instances, chaining between components.

pub mod chain;
pub mod handler;
pub mod headers;
pub mod routes;
pub mod server;
