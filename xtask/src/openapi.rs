//! `cargo xtask openapi` and `cargo xtask asyncapi`: write docs/openapi.json and docs/asyncapi.json from what stands beside
//! the code.
//!
//! This program does not know the contexts, which would make it slow to build: the packages `api-document` and
//! `event-document` do.
use std::process::ExitCode;

use crate::process;
use crate::workspace::Workspace;

/// Builds what knows every route and has it write the API's document.
///
/// # Errors
/// When it does not build or cannot write.
pub fn run(workspace: &Workspace) -> anyhow::Result<ExitCode> {
    write(workspace, "api-document", "docs/openapi.json")
}

/// Builds what knows every event and has it write their document.
///
/// # Errors
/// When it does not build or cannot write, or an event changed in a way that needs a new version of its type.
pub fn events(workspace: &Workspace) -> anyhow::Result<ExitCode> {
    write(workspace, "event-document", "docs/asyncapi.json")
}

fn write(workspace: &Workspace, package: &str, document: &str) -> anyhow::Result<ExitCode> {
    let mut command = workspace.command("cargo");
    command.args(["run", "--quiet", "--package", package, "--example", "write"]);
    process::quietly(
        &format!("writing {document}"),
        &mut command,
        &workspace.scratch().join(format!("{package}.log")),
    )?;
    println!("{document} is up to date");
    Ok(ExitCode::SUCCESS)
}
