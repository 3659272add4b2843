//! The wasm32-wasip2 standard library: from rustup, or from the distribution's packages where rustup can download
//! nothing.
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::{SetUp, consent, sysroot};
use crate::workspace::{Environment, WASM_TARGET, Workspace};
use crate::{narration, process};

/// Where the wasm target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum WasmRoute {
    /// What is there already; else rustup; else packages.
    Auto,
    /// rustup only.
    Rustup,
    /// The distribution's packages only.
    Packages,
}

/// What is there without changing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WasmState {
    /// The toolchain in use has the target.
    InToolchain,
    /// A system root under the target folder, made from packages for exactly this compiler.
    InSysroot(PathBuf),
    /// Neither.
    Missing,
}

/// Looks where the target is.
pub fn state(workspace: &Workspace) -> WasmState {
    if in_toolchain(workspace) {
        WasmState::InToolchain
    } else if let Some(root) = sysroot::ready(workspace) {
        WasmState::InSysroot(root)
    } else {
        WasmState::Missing
    }
}

/// Whether the compiler's own folder holds the target's standard library.
fn in_toolchain(workspace: &Workspace) -> bool {
    let folder =
        process::answer(workspace.command("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]));
    folder.is_some_and(|folder| {
        std::fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
        })
    })
}

/// Sees to the target by the route that the flags ask for.
///
/// # Errors
/// When no route leads to it.
pub fn complete(workspace: &Workspace, setup: &SetUp) -> anyhow::Result<Environment> {
    match (setup.route, state(workspace)) {
        (WasmRoute::Auto | WasmRoute::Rustup, WasmState::InToolchain) => Ok(Environment::default()),
        (WasmRoute::Auto | WasmRoute::Packages, WasmState::InSysroot(root)) => sysroot::environment(&root),
        (WasmRoute::Rustup, _) => rustup(workspace, setup).map(|()| Environment::default()),
        (WasmRoute::Packages, _) => packages(workspace),
        (WasmRoute::Auto, WasmState::Missing) => match rustup(workspace, setup) {
            Ok(()) => Ok(Environment::default()),
            Err(error) => {
                narration::say(&format!("rustup did not provide {WASM_TARGET}: {error:#}"));
                packages(workspace)
            }
        },
    }
}

fn rustup(workspace: &Workspace, setup: &SetUp) -> anyhow::Result<()> {
    if process::answer(workspace.command("rustup").arg("--version")).is_none() {
        bail!("there is no rustup on the PATH");
    }
    let command = format!("rustup target add {WASM_TARGET}");
    consent::ask(setup, "The wasm target is missing; this adds it to the toolchain in use", &command)?;
    process::quietly(
        &command,
        workspace.command("rustup").args(["target", "add", WASM_TARGET]),
        &workspace.scratch().join("rustup.log"),
    )?;
    if in_toolchain(workspace) {
        return Ok(());
    }
    bail!("`{command}` ended well, but rustc does not find the target")
}

fn packages(workspace: &Workspace) -> anyhow::Result<Environment> {
    let root = match sysroot::ready(workspace) {
        Some(root) => root,
        None => sysroot::make(workspace).with_context(|| {
            format!("making {WASM_TARGET} from packages; with a network for rustup, `rustup target add {WASM_TARGET}` is the normal way")
        })?,
    };
    sysroot::environment(&root)
}
