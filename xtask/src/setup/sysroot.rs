//! A system root with the wasm32-wasip2 standard library, built from its source as Debian packages it.
//!
//! The compiler in use builds the library itself, so the two fit each other exactly. The result lies under the target
//! folder, linked to the compiler's own folder; nothing of the user's toolchain is changed. rustc finds it through
//! `--sysroot`, given by an environment variable that cargo applies to this one target only.
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::apt::Apt;
use crate::process;
use crate::version::Version;
use crate::workspace::{Environment, WASM_TARGET, Workspace};

/// The file that is written last; its text is the compiler that the root was made for.
const MARK: &str = "made-for";

/// What wasi-libc gives: start-up code of commands and of reactors, and the C library.
const LIBC_OBJECTS: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// The root, if it is there and was made for the compiler in use.
pub fn ready(workspace: &Workspace) -> Option<PathBuf> {
    let root = folder(workspace).join("sysroot");
    let made_for = fs::read_to_string(root.join(MARK)).ok()?;
    (made_for == Compiler::in_use(workspace).ok()?.description).then_some(root)
}

/// What cargo needs to find the root: a flag for this one target.
///
/// **Shape**: `CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS=--sysroot=/…/target/toolchain/sysroot`.
///
/// # Errors
/// When the path contains a space, which cargo would take for the end of the flag.
pub fn environment(root: &Path) -> anyhow::Result<Environment> {
    let root = root.to_str().context("the project's path is not UTF-8")?;
    if root.contains(char::is_whitespace) {
        bail!("the package route cannot work below a folder whose name contains a space: {root}");
    }
    let mut environment = Environment::default();
    environment.0.insert("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS".to_owned(), format!("--sysroot={root}"));
    Ok(environment)
}

/// Downloads the sources, builds the library, lays out the root. About a minute and a half on two cores.
///
/// # Errors
/// When this is no Debian or Ubuntu, the exact version is not there, or the build fails.
pub fn make(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let compiler = Compiler::in_use(workspace)?;
    let folder = folder(workspace);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("clearing {}", folder.display()))?;
    }
    let apt = Apt::new(workspace, folder.join("apt"))?;
    let wanted = format!("{}+", compiler.version);
    let source = apt.version("rust-src", |version| version.starts_with(&wanted))?;
    let libc = apt.version("wasi-libc", |_| true)?;
    let unpacked = folder.join("unpacked");
    apt.unpack(&[format!("rust-src={source}"), format!("wasi-libc={libc}")], &unpacked)?;

    let root = folder.join("sysroot");
    let library = root.join("lib/rustlib").join(WASM_TARGET).join("lib");
    let objects = library.join("self-contained");
    fs::create_dir_all(&objects).with_context(|| format!("making {}", objects.display()))?;
    for name in LIBC_OBJECTS {
        let from = unpacked.join("usr/lib").join(WASM_TARGET).join(name);
        fs::copy(&from, objects.join(name)).with_context(|| format!("copying {}", from.display()))?;
    }
    let host = compiler.root.join("lib/rustlib").join(&compiler.host);
    link(&host, &root.join("lib/rustlib").join(&compiler.host))?;
    fs::create_dir_all(root.join("lib/rustlib/src")).context("making the sources' folder")?;
    let source_link = root.join("lib/rustlib/src/rust");
    link(&unpacked.join(format!("usr/src/rustc-{}", compiler.version)), &source_link)?;

    for file in build_library(workspace, &compiler, &folder, &root)? {
        let name = file.file_name().context("a library without a name")?;
        fs::copy(&file, library.join(name)).with_context(|| format!("copying {}", file.display()))?;
    }
    fs::remove_file(&source_link).context("removing the link to the sources")?;
    for scrap in ["apt", "unpacked", "build"] {
        fs::remove_dir_all(folder.join(scrap)).with_context(|| format!("removing {scrap}"))?;
    }
    fs::write(root.join(MARK), &compiler.description).context("marking the root as complete")?;
    Ok(root)
}

/// Builds an empty crate with its standard library and returns the library's files.
fn build_library(
    workspace: &Workspace,
    compiler: &Compiler,
    folder: &Path,
    root: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let build = folder.join("build");
    fs::create_dir_all(build.join("src")).context("making the empty crate")?;
    fs::write(build.join("src/lib.rs"), "").context("writing the empty crate")?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(build.join("Cargo.toml"), manifest).context("writing the empty crate's manifest")?;

    // cargo asks the compiler where its root is; this one answers with ours.
    let wrapper = build.join("rustc");
    let real = compiler.root.join("bin/rustc");
    let script = format!("#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n", real.display(), root.display());
    fs::write(&wrapper, script).context("writing the compiler's wrapper")?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).context("making the wrapper executable")?;

    let built = build.join("target");
    process::quietly(
        &format!("building the standard library for {WASM_TARGET}"),
        workspace
            .command("cargo")
            .current_dir(&build)
            .args(["build", "--release", "--target", WASM_TARGET, "-Zbuild-std=std,panic_abort,panic_unwind"])
            .arg("--target-dir")
            .arg(&built)
            .env("RUSTC", &wrapper)
            // The stable compiler builds its own library this way, and only its own library.
            .env("RUSTC_BOOTSTRAP", "1")
            // Without bitcode the link-time optimisation of components fails.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
        &workspace.scratch().join("standard-library.log"),
    )?;

    let output = built.join(WASM_TARGET).join("release/deps");
    let mut files = Vec::new();
    for entry in output.read_dir().with_context(|| format!("reading {}", output.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("the build left no library in {}", output.display());
    }
    Ok(files)
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("toolchain")
}

fn link(to: &Path, at: &Path) -> anyhow::Result<()> {
    if !to.exists() {
        bail!("{} is missing", to.display());
    }
    symlink(to, at).with_context(|| format!("linking {}", at.display()))
}

/// The compiler that cargo calls.
struct Compiler {
    version: Version,
    host: String,
    root: PathBuf,
    /// All of `rustc -vV`: commit and all.
    description: String,
}

impl Compiler {
    fn in_use(workspace: &Workspace) -> anyhow::Result<Self> {
        let description =
            process::answer(workspace.command("rustc").arg("-vV")).context("asking rustc for its version")?;
        let version = Version::find(&description).context("rustc's version is unreadable")?;
        let host = description
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("rustc does not say what it runs on")?
            .to_owned();
        let root = process::answer(workspace.command("rustc").args(["--print", "sysroot"]))
            .context("asking rustc for its folder")?;
        Ok(Self { version, host, root: PathBuf::from(root), description })
    }
}
