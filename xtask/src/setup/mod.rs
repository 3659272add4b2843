//! What must be on the machine before anything of ours builds or runs, and how it gets there.
//!
//! Every step looks first and changes nothing that is already right, so all of them may run at every command. A step
//! that changes the system says what it does and asks when somebody can answer; without a terminal it goes ahead.

pub mod apt;
pub mod consent;
pub mod redis;
pub mod sysroot;
pub mod wasm;

pub use wasm::WasmRoute;

use crate::workspace::{Environment, Workspace};

/// How the set-up may go about its work.
#[derive(Debug, Clone, Copy)]
pub struct SetUp {
    /// Do not ask.
    pub yes: bool,
    /// Where the wasm target comes from.
    pub route: WasmRoute,
}

impl SetUp {
    /// Sees to the wasm target. Returns what cargo's environment needs for builds for wasm.
    ///
    /// # Errors
    /// When no route leads to the target; the text names the command that does.
    pub fn wasm(&self, workspace: &Workspace) -> anyhow::Result<Environment> {
        wasm::complete(workspace, self)
    }

    /// Sees to a Redis server of version 7 or later.
    ///
    /// # Errors
    /// When there is none and it cannot be installed.
    pub fn redis(&self, workspace: &Workspace) -> anyhow::Result<()> {
        redis::complete(workspace, self)
    }
}
