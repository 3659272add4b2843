//! The ports' adapters over Spin's host: HTTP, Redis, key-value, variables, sleep.
