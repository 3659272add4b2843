//! What a child does before it becomes the program that `up` wants: it takes a lock that lives as long as it does,
//! and asks the kernel to end it with its parent.
//!
//! The lock is how a later `up` knows for certain that what a killed `up` left behind is still there, without trusting
//! a process id that may have a new owner.
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow, bail};

/// Locks `lock`, writes the process id into it and becomes `command`. Returns only when that failed.
pub fn run(lock: &Path, command: &[OsString]) -> anyhow::Error {
    match become_command(lock, command) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn become_command(lock: &Path, command: &[OsString]) -> anyhow::Result<std::convert::Infallible> {
    let (program, arguments) = command.split_first().context("no command was given")?;
    let Some(file) = take(lock)? else {
        bail!("{} is held by another process", lock.display());
    };
    // Without close-on-exec the lock stays with the program, and with every process that it starts.
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).context("keeping the lock over exec")?;
    die_with_parent()?;
    let error = Command::new(program).args(arguments).exec();
    Err(anyhow!(error).context(format!("starting {}", Path::new(program).display())))
}

/// Takes the lock and writes this process's id into it, or returns `None` when somebody else holds it.
///
/// **Shape** of the file: the process id in decimal, a newline.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn take(lock: &Path) -> anyhow::Result<Option<File>> {
    let mut file = open(lock)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            return Err(anyhow!(error).context(format!("locking {}", lock.display())));
        }
    }
    file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).context("clearing the lock file")?;
    writeln!(file, "{}", std::process::id()).context("writing the lock file")?;
    Ok(Some(file))
}

/// The process that holds the lock, `None` when nobody does.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn holder(lock: &Path) -> anyhow::Result<Option<u32>> {
    let mut file = open(lock)?;
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).context("reading the lock file")?;
            Ok(Some(text.trim().parse().unwrap_or(0)))
        }
        Err(TryLockError::Error(error)) => Err(anyhow!(error).context(format!("locking {}", lock.display()))),
    }
}

fn open(lock: &Path) -> anyhow::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(lock)
        .with_context(|| format!("opening {}", lock.display()))
}

/// A parent that was killed cannot stop its children; on Linux the kernel does. Elsewhere the next `up` finds them by
/// their lock.
fn die_with_parent() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let parent = rustix::process::getppid();
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
            .context("asking for the parent's death signal")?;
        // The parent may have died before the line above.
        if rustix::process::getppid() != parent {
            bail!("the parent is gone");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_lock_names_its_holder_and_is_free_once_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("child.lock");
        assert_eq!(holder(&path).unwrap(), None);
        let held = take(&path).unwrap().unwrap();
        assert_eq!(holder(&path).unwrap(), Some(std::process::id()));
        assert!(take(&path).unwrap().is_none());
        drop(held);
        assert_eq!(holder(&path).unwrap(), None);
    }
}
