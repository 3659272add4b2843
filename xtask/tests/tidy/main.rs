//! What a reviewer would otherwise have to look for: arrows between packages, names, comments, capabilities, what documents name.
//!
//! Every check is a function from text to complaints, so that each is tested with a planted fault beside the real
//! files. What the compiler, Clippy or cargo-deny see is not looked at again here.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]
mod arrows;
mod capabilities;
mod floats;
mod manifests;
mod operations;
mod sources;
mod threats;
mod variables;

use std::path::{Path, PathBuf};

/// The project's folder.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Fails with one complaint a line.
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
