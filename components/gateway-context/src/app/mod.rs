//! One use case a file.

pub(crate) mod catalogue;
pub(crate) mod documents;
pub(crate) mod index;
pub(crate) mod liveness;
pub(crate) mod metrics;
pub(crate) mod readiness;
pub(crate) mod retention;
