//! A Redis server, from the system's packages.
use anyhow::{Context as _, bail};

use super::{SetUp, consent};
use crate::version::Version;
use crate::workspace::Workspace;
use crate::{narration, process};

/// The oldest version that has what the scripts and the access rules need (functions of ACL selectors).
pub const OLDEST: Version = Version::new(7, 0, 0);

/// The version of `redis-server` on the PATH.
pub fn installed(workspace: &Workspace) -> Option<Version> {
    process::answer(workspace.command("redis-server").arg("--version")).and_then(|text| Version::find(&text))
}

/// The command that installs it here; `None` on a system whose packages this program does not know.
pub fn install_command(workspace: &Workspace) -> Option<&'static str> {
    let has = |program: &str| process::answer(workspace.command("which").arg(program)).is_some();
    if has("apt-get") {
        Some(match (rustix::process::geteuid().is_root(), has("sudo")) {
            (false, true) => "sudo apt-get install --yes redis-server",
            _ => "apt-get install --yes redis-server",
        })
    } else if has("brew") {
        Some("brew install redis")
    } else {
        None
    }
}

/// Installs Redis where it is missing.
///
/// # Errors
/// When it is too old, or there is no way to install it.
pub fn complete(workspace: &Workspace, setup: &SetUp) -> anyhow::Result<()> {
    match installed(workspace) {
        Some(version) if version >= OLDEST => return Ok(()),
        Some(version) => bail!("redis-server is {version}; {OLDEST} or later is needed"),
        None => {}
    }
    let command = install_command(workspace).context(
        "redis-server 7 or later is missing, and this system has neither apt-get nor brew: install it by hand",
    )?;
    consent::ask(setup, "Redis is missing; this installs it from the system's packages", command)?;
    if let Err(first) = run(workspace, command) {
        // A machine whose package lists were never fetched knows no packages.
        let update = command.replace("install --yes redis-server", "update");
        if update == command {
            return Err(first);
        }
        run(workspace, &update)?;
        run(workspace, command)?;
    }
    match installed(workspace) {
        Some(version) if version >= OLDEST => {
            narration::say(&format!(
                "Redis {version} is installed. The package may have started a server of its own on port 6379; it is not used here."
            ));
            Ok(())
        }
        Some(version) => {
            bail!("the system's packages have redis-server {version}; {OLDEST} or later is needed")
        }
        None => bail!("`{command}` ended well, but there is no redis-server on the PATH"),
    }
}

fn run(workspace: &Workspace, command: &str) -> anyhow::Result<()> {
    let mut words = command.split(' ');
    let program = words.next().context("an empty command")?;
    let mut process = workspace.command(program);
    process.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    if program == "sudo" {
        // sudo asks for the password on the terminal.
        return process::openly(command, &mut process);
    }
    process::quietly(command, &mut process, &workspace.scratch().join("install-redis.log"))
}
