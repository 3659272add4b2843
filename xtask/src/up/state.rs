//! The state folder: one `up` at a time, private files, nothing left behind by a killed one.
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::narration::{self, Stopwatch};
use crate::{child, signals};

/// How long a process of a killed `up` may take to end.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(15);

/// The file of passwords and keys in the state folder.
pub const SECRETS: &str = "secrets.json";

/// Where Redis listens, in the state folder: for commands beside `up`.
pub const REDIS_ADDRESS: &str = "redis.address";

/// A locked state folder. Dropping it gives the lock back.
///
/// **Shape**: `up.lock`, `redis.lock`, `application.lock`, `secrets.json`, `redis.address`, `runtime-config.toml`, `users.acl`,
/// `bodies-in`, `redis/`, `bodies/`, `logs/`, `host/`.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder where it is missing and locks it.
    ///
    /// # Errors
    /// When another `up` holds it; the text has its process id.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("making {}", path.display()))?;
        let path = path.canonicalize().context("finding the state folder")?;
        let lock = path.join("up.lock");
        match child::take(&lock)? {
            Some(file) => Ok(Self { path, _lock: file }),
            None => bail!(
                "{} is in use by process {}; stop that one, or give this one a folder of its own with --state",
                path.display(),
                child::holder(&lock)?.unwrap_or_default()
            ),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Passwords and keys, made once.
    pub fn secrets(&self) -> PathBuf {
        self.path.join(SECRETS)
    }

    /// What the host reads: the backends of the key-value stores.
    pub fn runtime_config(&self) -> PathBuf {
        self.path.join("runtime-config.toml")
    }

    /// A folder inside, made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.path.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }

    /// Notes on the first start what holds the bodies, and refuses another answer later: the heads in Redis would point
    /// to bodies that are not there.
    ///
    /// # Errors
    /// When the folder was begun with another one.
    pub fn keep_backend(&self, backend: &str) -> anyhow::Result<()> {
        let note = self.path.join("bodies-in");
        match fs::read_to_string(&note) {
            Ok(before) if before.trim() == backend => Ok(()),
            Ok(before) => bail!(
                "{} was begun with --kv {}; use that, or another folder with --state",
                self.path.display(),
                before.trim()
            ),
            Err(_) => fs::write(&note, format!("{backend}\n")).with_context(|| format!("writing {}", note.display())),
        }
    }

    /// Ends what an earlier `up` that was killed left running.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop_leftovers(&self) -> anyhow::Result<()> {
        for name in ["application", "redis"] {
            let lock = self.lock_of(name);
            let Some(process_id) = child::holder(&lock)? else {
                continue;
            };
            narration::say(&format!(
                "an earlier run was killed and left its {name} (process {process_id}); stopping it"
            ));
            signals::terminate_group(process_id);
            let stopwatch = Stopwatch::start();
            while child::holder(&lock)?.is_some() {
                if stopwatch.elapsed() > LEFTOVER_LIMIT {
                    signals::kill_group(process_id);
                    std::thread::sleep(Duration::from_millis(200));
                    if child::holder(&lock)?.is_some() {
                        bail!("the {name} of an earlier run (process {process_id}) does not end");
                    }
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// Waits until nobody holds the lock of a program that was killed: a child that it had forked, as Redis does to rewrite
    /// its file, dies a moment later.
    ///
    /// # Errors
    /// When somebody holds on to it.
    pub fn await_end(&self, name: &str) -> anyhow::Result<()> {
        let (lock, stopwatch) = (self.lock_of(name), Stopwatch::start());
        while child::holder(&lock)?.is_some() {
            if stopwatch.elapsed() > LEFTOVER_LIMIT {
                bail!("the {name} that was killed does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Starts a program under a lock of its own, in a process group of its own, so that Ctrl-C reaches this program
    /// first and the order of stopping is ours. What it prints goes into `logs/<name>.log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, name: &str, program: &Command) -> anyhow::Result<(Child, PathBuf)> {
        let log = self.folder("logs")?.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let err = out.try_clone().context("sharing the log file")?;
        let itself = std::env::current_exe().context("finding this program")?;
        let mut command = Command::new(itself);
        command.arg("run-child").arg("--lock").arg(self.lock_of(name)).arg("--").arg(program.get_program());
        command.args(program.get_args()).stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        for (key, value) in program.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok((child, log))
    }

    fn lock_of(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.lock"))
    }
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .with_context(|| format!("making {}", beside.display()))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).context("writing a private file")?;
    fs::rename(&beside, path).with_context(|| format!("putting {} in place", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_one_is_refused_with_the_process_id_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateFolder::open(folder.path()).unwrap();
        let refusal = StateFolder::open(folder.path()).unwrap_err().to_string();
        assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");
        drop(first);
        assert!(StateFolder::open(folder.path()).is_ok());
    }

    #[test]
    fn bodies_stay_where_the_folder_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        state.keep_backend("redis").unwrap();
        state.keep_backend("redis").unwrap();
        assert!(state.keep_backend("sqlite").unwrap_err().to_string().contains("--kv redis"));
    }

    #[test]
    fn private_files_are_for_their_owner_only_also_when_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        for text in ["one", "two"] {
            write_private(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
