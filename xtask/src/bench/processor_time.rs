//! Processor time that a process has used so far, all its threads together.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// User and system time of a process, from the scheduler's own count.
///
/// **Source** proc(5), `/proc/<pid>/task/<tid>/schedstat`: nanoseconds on a processor, first of three numbers. Threads
/// that have ended are not counted; a host keeps its threads.
///
/// # Errors
/// When there is no such process, or the system is not Linux.
pub fn of_process(process_id: u32) -> anyhow::Result<Duration> {
    let folder = format!("/proc/{process_id}/task");
    let tasks = fs::read_dir(&folder).with_context(|| format!("reading {folder}: only Linux counts so"))?;
    let mut nanoseconds = 0;
    for task in tasks {
        let file = task.context("reading the process's threads")?.path().join("schedstat");
        // A thread may have ended since.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        nanoseconds += first_number(&text).with_context(|| format!("{} has another shape", file.display()))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_this_process_shows() {
        let before = of_process(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while of_process(std::process::id()).unwrap() < before + Duration::from_millis(5) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(of_process(u32::MAX).is_err());
        assert_eq!(first_number("12 34 5\n"), Some(12));
        assert_eq!(first_number(""), None);
    }
}
