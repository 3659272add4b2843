//! The cases, by what they are about.

pub(crate) mod bells;
pub(crate) mod entries;
pub(crate) mod inspection;
pub(crate) mod letters;
pub(crate) mod retries;
pub(crate) mod workers;
