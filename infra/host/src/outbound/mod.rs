//! Everything a component may reach over the network: the allow-list of its manifest, the networks that the
//! runtime configuration blocks, and the HTTP client that both guard.

pub mod allowed_hosts;
pub mod blocked_networks;
pub mod connector;
pub mod http;
