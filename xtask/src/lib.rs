//! All automation of the project: what is missing is found and mended, components are built, the system is
//! started, tests are run and counted.
//!
//! What is not here: anything that runs components. The embedded host is a program of its own that `up` builds and
//! starts, so that `cargo xtask doctor` compiles and answers within the first minute on a fresh machine.

pub mod acl;
pub mod bench;
pub mod chaos;
pub mod child;
pub mod ci;
pub mod cli;
pub mod components;
pub mod demo;
pub mod doctor;
pub mod drain;
pub mod events;
pub mod fuzz_api;
pub mod keys;
pub mod narration;
pub mod openapi;
pub mod process;
pub mod rebuild;
pub mod reconcile;
pub mod redis_server;
pub mod resp;
pub mod setup;
pub mod signals;
pub mod test;
pub mod up;
pub mod version;
pub mod workspace;
