//! What runs the functions: a stock `spin`, or the embedded host.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::UpFlags;
use super::state::StateFolder;
use super::wiring::MANIFEST;
use crate::process;
use crate::redis_server::{kill_child, stop_child};
use crate::version::Version;
use crate::workspace::Workspace;

/// The oldest Spin that loads components of WASI 0.3.0 final.
pub const OLDEST_SPIN: Version = Version::new(4, 1, 0);

/// How long requests in flight may take to end before the host is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// How long one question for readiness may take.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// Which program runs the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runner {
    /// `spin up`.
    Stock(Version),
    /// The host of `infra/host`, in the dev profile.
    Embedded,
}

/// The version of the `spin` on the PATH.
pub fn stock_spin(workspace: &Workspace) -> Option<Version> {
    process::answer(workspace.command("spin").arg("--version")).and_then(|text| Version::find(&text))
}

/// Chooses: a stock `spin` that is new enough, else the embedded host; flags insist on one.
///
/// # Errors
/// When `--stock` finds none that is new enough.
pub fn choose(workspace: &Workspace, flags: &UpFlags) -> anyhow::Result<Runner> {
    if flags.embedded {
        return Ok(Runner::Embedded);
    }
    match (stock_spin(workspace), flags.stock) {
        (Some(version), _) if version >= OLDEST_SPIN => Ok(Runner::Stock(version)),
        (Some(version), true) => {
            bail!("the spin on the PATH is {version}; --stock needs {OLDEST_SPIN} or later")
        }
        (None, true) => bail!(
            "--stock needs a spin of version {OLDEST_SPIN} or later on the PATH: https://spinframework.dev/install"
        ),
        (_, false) => Ok(Runner::Embedded),
    }
}

impl Runner {
    /// For the line that says which it is.
    pub fn words(&self) -> String {
        match self {
            Self::Stock(version) => format!("stock spin {version}"),
            Self::Embedded => "the embedded host".to_owned(),
        }
    }

    /// Builds the embedded host; a stock `spin` is there already.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(&self, workspace: &Workspace) -> anyhow::Result<()> {
        match self {
            Self::Stock(_) => Ok(()),
            Self::Embedded => {
                let log = workspace.scratch().join("embedded-host.log");
                process::quietly("embedded host", workspace.host_cargo().args(["build", "--bins"]), &log)
            }
        }
    }

    /// Starts it, with these components alone where some are named. Variables travel in the environment: a secret on a
    /// command line shows in every list of processes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        &self,
        workspace: &Workspace,
        state: &StateFolder,
        listen: SocketAddr,
        runtime_config: &Path,
        variables: &BTreeMap<String, String>,
        only: &[String],
    ) -> anyhow::Result<Application> {
        let mut command = match self {
            Self::Stock(_) => workspace.command("spin"),
            Self::Embedded => {
                let host = workspace.host_program();
                workspace.command(host.to_str().context("the target folder's path is not UTF-8")?)
            }
        };
        self.arguments(&mut command, workspace, state, listen, runtime_config)?;
        for component in only {
            command.args(["--component-id", component]);
        }
        if *self == Self::Embedded {
            // Beside what cargo built: every state folder of this machine starts with what was compiled once.
            command.arg("--cache-dir").arg(workspace.scratch().join("compiled"));
        }
        command.envs(variables);
        let (child, log) = state.start("application", &command)?;
        Ok(Application { child, log })
    }

    /// The flags of both: the embedded host takes those of `spin up`.
    fn arguments(
        &self,
        command: &mut Command,
        workspace: &Workspace,
        state: &StateFolder,
        listen: SocketAddr,
        runtime_config: &Path,
    ) -> anyhow::Result<()> {
        command
            .arg("up")
            .arg("--from")
            .arg(workspace.root.join(MANIFEST))
            .args(["--listen", &listen.to_string()])
            .arg("--runtime-config-file")
            .arg(runtime_config)
            .arg("--state-dir")
            .arg(state.folder("host")?)
            .arg("--log-dir")
            .arg(state.folder("logs")?);
        Ok(())
    }
}

/// The running host.
#[derive(Debug)]
pub struct Application {
    child: Child,
    log: PathBuf,
}

impl Application {
    /// Its last words, when it has ended by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<String>> {
        let status = self.child.try_wait().context("looking after the host")?;
        Ok(status.map(|status| format!("{}\n({status})", self.last_words())))
    }

    /// The process id of its group.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed last.
    pub fn last_words(&self) -> String {
        process::tail(&self.log)
    }

    /// Kills it at once, as a crash does.
    pub fn kill(&mut self) {
        kill_child(&mut self.child);
    }

    /// Stops it in order; kills it when that takes longer than a request may.
    pub fn stop(&mut self) {
        stop_child(&mut self.child, STOP_LIMIT);
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the readiness route answers 200.
pub fn is_ready(listen: SocketAddr) -> bool {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(READY_TIMEOUT)).build().into();
    agent.get(format!("http://{listen}/readyz")).call().is_ok_and(|response| response.status() == 200)
}
