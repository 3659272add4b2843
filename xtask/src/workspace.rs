//! Where things are in this project, and how its cargo is called.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// The target that every component is built for.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// The project's folder, its build folder, and what the set-up found out about the toolchain.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder of the top-level `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

/// One folder of `functions/`: package, component id and wasm file of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Folder = package = component id, such as `payments-worker`.
    pub name: String,
    /// The built component.
    pub wasm: PathBuf,
}

impl Workspace {
    /// The project that this program was built from.
    ///
    /// # Errors
    /// When the folder is gone.
    pub fn here() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?
            .canonicalize()
            .context("the project's folder is not where it was when xtask was built")?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// Every function, in alphabetical order: the folders of `functions/` that hold a `Cargo.toml`.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn functions(&self) -> anyhow::Result<Vec<Function>> {
        let folder = self.root.join("functions");
        let mut functions = Vec::new();
        for entry in folder.read_dir().with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if path.join("Cargo.toml").is_file() {
                functions.push(Function { name: name.to_owned(), wasm: self.wasm_file("component", name) });
            }
        }
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(functions)
    }

    /// Where cargo puts the component of a package built with a profile.
    pub fn wasm_file(&self, profile: &str, package: &str) -> PathBuf {
        self.target.join(WASM_TARGET).join(profile).join(format!("{}.wasm", package.replace('-', "_")))
    }

    /// Where a native program of the dev profile is built.
    pub fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// Logs of this program and what it keeps between runs.
    pub fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// A call of cargo in the project's folder, free of what the outer `cargo run` put into the environment, so that
    /// it finds fresh what a call by hand left fresh.
    pub fn cargo(&self, environment: &Environment) -> Command {
        let mut command = self.command("cargo");
        command.envs(&environment.0);
        command
    }

    /// Cargo for the embedded host: a workspace of its own, with a build folder of its own.
    pub fn host_cargo(&self) -> Command {
        let mut command = self.command("cargo");
        command.current_dir(self.root.join("infra/host")).env("CARGO_TARGET_DIR", self.target.join("host"));
        command
    }

    /// Where the embedded host is built.
    pub fn host_program(&self) -> PathBuf {
        self.target.join("host/debug/host")
    }

    /// Any other program, in the project's folder.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let of_outer_cargo = name.to_str().is_some_and(|name| {
                matches!(name, "CARGO" | "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_PRIMARY_PACKAGE")
                    || name.starts_with("CARGO_PKG_")
                    || name.starts_with("CARGO_BIN_")
            });
            if of_outer_cargo {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Variables that a build for wasm needs on this machine; empty where rustup provided the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);
