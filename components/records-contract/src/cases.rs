//! The cases, a file for each part of the port.

pub(crate) mod contents;
pub(crate) mod faults;
pub(crate) mod indexes;
pub(crate) mod journal;
pub(crate) mod once_rows;
pub(crate) mod postings;
pub(crate) mod rebuild;
pub(crate) mod timers;
pub(crate) mod trail;
pub(crate) mod upkeep;
