//! Debian packages of any suite, downloaded and unpacked without touching the system's own package lists.
//!
//! apt runs with a root of its own: its own list of sources, its own state. Signatures are checked against the
//! distribution's keyring, as always.
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process;
use crate::workspace::Workspace;

/// Where Debian's keys are, on Debian and where `debian-archive-keyring` is installed.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

/// Suites that carry new compilers, the more stable first.
const SUITES: [&str; 3] = ["trixie-backports", "forky", "sid"];

/// Debian's own address, used where the machine names no mirror.
const DEFAULT_MIRROR: &str = "http://deb.debian.org/debian";

/// apt with a root of its own.
#[derive(Debug)]
pub struct Apt<'a> {
    workspace: &'a Workspace,
    root: PathBuf,
}

impl<'a> Apt<'a> {
    /// Makes the root and fetches the package lists.
    ///
    /// # Errors
    /// When this is no system with apt, Debian's keys are missing, or no suite answers.
    pub fn new(workspace: &'a Workspace, root: PathBuf) -> anyhow::Result<Self> {
        for program in ["apt-get", "apt-cache", "dpkg-deb"] {
            if process::answer(workspace.command(program).arg("--version")).is_none() {
                bail!("{program} is missing: the package route needs Debian or Ubuntu");
            }
        }
        let keyring = KEYRINGS
            .into_iter()
            .find(|path| Path::new(path).is_file())
            .context("Debian's keys are missing: `apt-get install debian-archive-keyring`")?;
        for folder in ["state/lists/partial", "cache/archives/partial"] {
            let path = root.join(folder);
            std::fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        }
        let mirror = mirror();
        let sources: String =
            SUITES.iter().map(|suite| format!("deb [signed-by={keyring}] {mirror} {suite} main\n")).collect();
        std::fs::write(root.join("sources.list"), sources).context("writing the list of sources")?;
        let apt = Self { workspace, root };
        process::quietly(
            "fetching Debian's package lists",
            apt.command("apt-get").arg("update"),
            &workspace.scratch().join("apt-update.log"),
        )?;
        Ok(apt)
    }

    /// A version of a package that a test accepts, from the most stable suite that has one.
    ///
    /// # Errors
    /// When there is none; the text lists what there is.
    pub fn version(&self, package: &str, accepts: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        let table = process::answer(self.command("apt-cache").args(["madison", package]))
            .with_context(|| format!("asking for the versions of {package}"))?;
        let versions = versions(&table);
        match versions.iter().find(|version| accepts(version)) {
            Some(version) => Ok((*version).to_owned()),
            None => bail!("Debian has {package} in the versions [{}], none of which fits", versions.join(", ")),
        }
    }

    /// Downloads packages (`name=version`) and unpacks them into `folder`.
    ///
    /// # Errors
    /// When a package cannot be fetched, or its signature is wrong.
    pub fn unpack(&self, packages: &[String], folder: &Path) -> anyhow::Result<()> {
        let downloads = self.root.join("packages");
        std::fs::create_dir_all(&downloads).with_context(|| format!("making {}", downloads.display()))?;
        process::quietly(
            &format!("downloading {}", packages.join(" and ")),
            self.command("apt-get").arg("download").args(packages).current_dir(&downloads),
            &self.workspace.scratch().join("apt-download.log"),
        )?;
        for entry in downloads.read_dir().context("listing what was downloaded")? {
            let path = entry?.path();
            process::quietly(
                &format!("unpacking {}", path.file_name().unwrap_or_default().display()),
                self.workspace.command("dpkg-deb").arg("-x").arg(&path).arg(folder),
                &self.workspace.scratch().join("dpkg.log"),
            )?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.workspace.command(program);
        let root = self.root.display();
        for option in [
            format!("Dir::Etc::sourcelist={root}/sources.list"),
            "Dir::Etc::sourceparts=-".to_owned(),
            format!("Dir::State={root}/state"),
            "Dir::State::status=/dev/null".to_owned(),
            format!("Dir::Cache={root}/cache"),
            // The sandbox user cannot write below a home folder.
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }
}

/// The versions in apt's table (`package | version | address suite/component …`), those of the more stable suite first.
fn versions(table: &str) -> Vec<&str> {
    let mut rows: Vec<(usize, &str)> = table
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('|').map(str::trim).skip(1);
            let version = columns.next()?;
            let source = columns.next()?;
            let rank = SUITES.iter().position(|suite| source.contains(&format!(" {suite}/")))?;
            Some((rank, version))
        })
        .collect();
    rows.sort_by_key(|(rank, _)| *rank);
    rows.into_iter().map(|(_, version)| version).collect()
}

/// The mirror that this machine uses for Debian, or Debian's own address.
fn mirror() -> String {
    let mut lists = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = Path::new("/etc/apt/sources.list.d").read_dir() {
        lists.extend(entries.flatten().map(|entry| entry.path()));
    }
    lists
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "list" || end == "sources"))
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .find_map(|text| mirror_in(&text))
        .unwrap_or_else(|| DEFAULT_MIRROR.to_owned())
}

/// The first address of Debian's main archive in a list of sources, in either of its two formats.
fn mirror_in(text: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .find(|word| {
            (word.starts_with("http://") || word.starts_with("https://"))
                && word.trim_end_matches('/').ends_with("/debian")
        })
        .map(|word| word.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefers_the_more_stable_suite_over_the_newer_version() {
        let table = "  rust-src | 1.97.1+dfsg1-1 | http://deb.debian.org/debian forky/main amd64 Packages\n  \
                     rust-src | 1.96.1+dfsg1-2~bpo13+1 | http://deb.debian.org/debian trixie-backports/main amd64 Packages\n  \
                     rust-src | 1.95.0+dfsg1-2~bpo13+1 | http://deb.debian.org/debian trixie-backports/main amd64 Packages\n";
        assert_eq!(versions(table), ["1.96.1+dfsg1-2~bpo13+1", "1.95.0+dfsg1-2~bpo13+1", "1.97.1+dfsg1-1"]);
    }

    #[test]
    fn finds_the_mirror_in_both_formats_and_skips_the_security_archive() {
        for (text, expected) in [
            ("Types: deb\nURIs: http://deb.debian.org/debian-security\n", None),
            ("# deb http://old.example/debian bookworm main\n", None),
            (
                "Types: deb\nURIs: https://mirror.example/debian/\nSuites: trixie\n",
                Some("https://mirror.example/debian"),
            ),
            ("deb http://mirror.example/debian bookworm main\n", Some("http://mirror.example/debian")),
            ("deb http://archive.ubuntu.com/ubuntu noble main\n", None),
        ] {
            assert_eq!(mirror_in(text).as_deref(), expected, "{text}");
        }
    }
}
