//! `cargo xtask openapi`: writes docs/openapi.json from the annotations beside the code.
//!
//! This program does not know the contexts, which would make it slow to build: the package `api-document` does.
use std::process::ExitCode;

use crate::process;
use crate::workspace::Workspace;

/// Where the document lies.
const DOCUMENT: &str = "docs/openapi.json";

/// Builds what knows every route and has it write the document.
///
/// # Errors
/// When it does not build or cannot write.
pub fn run(workspace: &Workspace) -> anyhow::Result<ExitCode> {
    let mut command = workspace.command("cargo");
    command.args(["run", "--quiet", "--package", "api-document", "--example", "write"]);
    process::quietly("writing docs/openapi.json", &mut command, &workspace.scratch().join("openapi.log"))?;
    println!("{DOCUMENT} is up to date");
    Ok(ExitCode::SUCCESS)
}
