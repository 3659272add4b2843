//! Payments' timers: settlement of unknown outcomes, expiry of holds.
