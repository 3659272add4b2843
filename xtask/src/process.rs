//! Running other programs: with their output kept in a file, shown when they fail; or answering a question.
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::narration::Task;

/// How often what a program says is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// Lines shown of a failed program's output.
const TAIL_LINES: usize = 40;

/// The standard output of a program that ended well, `None` when it is not there or failed.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program to its end, its output going into `log`. Fails with the log's last lines.
///
/// # Errors
/// When the program cannot be started or ends with another code than 0.
pub fn quietly(what: &str, command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let task = Task::start(what);
    let result = watched(command, log, &task).and_then(|ended_well| {
        if ended_well {
            return Ok(());
        }
        bail!("{what} failed; the last lines of {}:\n{}", log.display(), tail(log))
    });
    match &result {
        Ok(()) => task.done(),
        Err(_) => task.failed(),
    };
    result
}

/// Runs a program to its end, showing all that it prints.
///
/// # Errors
/// When the program cannot be started or ends with another code than 0.
pub fn openly(what: &str, command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| starting(command))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Runs a program to its end, standard output and error going into one file; whether it ended well.
///
/// # Errors
/// When the file cannot be made or the program not started.
pub fn into_file(command: &mut Command, log: &Path) -> anyhow::Result<bool> {
    let status = redirected(command, log)?.status().with_context(|| starting(command))?;
    Ok(status.success())
}

/// The same while `task` shows the last line of what the program says.
fn watched(command: &mut Command, log: &Path, task: &Task) -> anyhow::Result<bool> {
    let mut child = redirected(command, log)?.spawn().with_context(|| starting(command))?;
    loop {
        if let Some(status) = child.try_wait().with_context(|| starting(command))? {
            return Ok(status.success());
        }
        if let Some(line) = tail(log).lines().last() {
            task.detail(line.trim());
        }
        std::thread::sleep(GLANCE);
    }
}

/// With standard output and error going into one file.
fn redirected<'a>(command: &'a mut Command, log: &Path) -> anyhow::Result<&'a mut Command> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let out = File::create(log).with_context(|| format!("making {}", log.display()))?;
    let err = out.try_clone().context("sharing the log file")?;
    Ok(command.stdin(Stdio::null()).stdout(out).stderr(err))
}

/// The last lines of a log file.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

fn starting(command: &Command) -> String {
    format!("starting {}", Path::new(command.get_program()).display())
}
