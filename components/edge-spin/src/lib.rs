//! Where Spin calls in: the HTTP handler and the Redis-triggered worker.
