//! Password hashing behind a private route.
