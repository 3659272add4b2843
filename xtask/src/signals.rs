//! Ctrl-C and SIGTERM as a flag, and signals to children.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};

/// Set once somebody asked the program to stop.
#[derive(Debug, Clone)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Watches SIGINT, SIGTERM and SIGHUP. A second SIGINT while the flag is set does nothing more: stopping is
    /// bounded by itself.
    ///
    /// # Errors
    /// When the system refuses the handler.
    pub fn watch() -> anyhow::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("watching signals")?;
        }
        Ok(Self(flag))
    }

    /// Whether somebody asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks every process of a child's group to stop (SIGTERM).
pub fn terminate_group(process_id: u32) {
    signal_group(process_id, Signal::TERM);
}

/// Ends every process of a child's group (SIGKILL).
pub fn kill_group(process_id: u32) {
    signal_group(process_id, Signal::KILL);
}

/// Stops every process of a child's group where it is (SIGSTOP).
pub fn stop_group(process_id: u32) {
    signal_group(process_id, Signal::STOP);
}

/// Lets a stopped group go on (SIGCONT).
pub fn continue_group(process_id: u32) {
    signal_group(process_id, Signal::CONT);
}

fn signal_group(process_id: u32, signal: Signal) {
    let Some(pid) = i32::try_from(process_id).ok().and_then(Pid::from_raw) else {
        return;
    };
    // A group that is gone already is what was wanted.
    let _ = rustix::process::kill_process_group(pid, signal);
}
