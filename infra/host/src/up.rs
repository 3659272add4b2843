//! `host up`: puts an application together, runs its triggers, and ends them in order.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    app::{App, Options},
    http::{handler::Reuse, server::Server},
    manifest::Manifest,
    memory,
    runtime_config::{Folders, RuntimeConfig},
    stdio::Follow,
    trigger_redis,
    variables::providers::{VariableSource, from_command_line},
};

/// How long requests in flight may take after the signal to stop.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Everything the command line decides.
#[derive(Debug)]
pub struct Up {
    /// The manifest.
    pub manifest: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The runtime configuration file.
    pub runtime_config: Option<PathBuf>,
    /// State and log folder.
    pub folders: Folders,
    /// Where compiled components are kept; by default `cache` in the state folder.
    pub cache_dir: Option<PathBuf>,
    /// Whether compiled components are kept at all.
    pub cache: bool,
    /// `--variable`.
    pub variables: Vec<VariableSource>,
    /// `--component-id`; empty for all.
    pub components: Vec<String>,
    /// Whose output is shown.
    pub follow: Follow,
    /// Whether log files start empty.
    pub truncate_logs: bool,
    /// How instances are reused.
    pub reuse: Reuse,
    /// Requests at a time before the server sheds.
    pub max_concurrent_requests: Option<usize>,
}

impl Up {
    /// Runs until a signal or until a trigger fails.
    ///
    /// # Errors
    /// The application does not start, or a trigger failed while it ran.
    pub async fn run(self) -> anyhow::Result<()> {
        // Heard from here on, so that a signal during the start is not lost.
        let mut stop = std::pin::pin!(stop_signal()?);
        let manifest = Manifest::load(&self.manifest)?;
        let config = RuntimeConfig::load(self.runtime_config.as_deref(), &manifest.dir, self.folders)?;
        let cache_dir = self.cache_dir.or_else(|| config.state_dir.as_ref().map(|dir| dir.join("cache")));
        let options = Options {
            selected: &self.components,
            variables: from_command_line(&self.variables)?,
            follow: self.follow,
            truncate_logs: self.truncate_logs,
            cache_dir: cache_dir.as_deref().filter(|_| self.cache),
        };
        memory::keep_nothing();
        let app = tokio::task::block_in_place(|| App::assemble(manifest, config, options))?;
        memory::keep_what_requests_free();
        let (drain, draining) = watch::channel(false);
        let mut triggers = JoinSet::new();
        for subscriber in trigger_redis::subscribers(&app)? {
            triggers.spawn(subscriber.subscribe().await?.run(draining.clone()));
        }
        if !app.http.is_empty() {
            let server = Arc::new(Server::new(&app, self.reuse, self.max_concurrent_requests)?);
            let listener =
                TcpListener::bind(self.listen).await.with_context(|| format!("Unable to listen on {}", self.listen))?;
            announce(&app, &server, listener.local_addr()?);
            triggers.spawn(server.serve(listener, draining));
        }

        let ended = tokio::select! {
            ended = triggers.join_next() => ended,
            () = &mut stop => None,
        };
        if let Some(ended) = ended {
            // Only a failure ends a trigger by itself.
            return ended
                .context("a trigger panicked")
                .flatten()
                .and(Err(anyhow::anyhow!("a trigger ended by itself")));
        }
        drain.send_replace(true);
        let drained = async { while triggers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
            eprintln!("Some requests were still in flight after {} s and are cut", DRAIN_TIME.as_secs());
        }
        Ok(())
    }
}

fn announce(app: &App, server: &Server, address: SocketAddr) {
    println!("\nServing http://{address}");
    println!("Available Routes:");
    for (component, route) in server.routes().listing() {
        match route.strip_suffix("/...") {
            Some(prefix) => println!("  {component}: http://{address}{prefix} (wildcard)"),
            None => println!("  {component}: http://{address}{route}"),
        }
        if let Some(description) =
            app.components.get(component).map(|loaded| &loaded.description).filter(|text| !text.is_empty())
        {
            println!("    {description}");
        }
    }
}

/// Resolves at SIGINT or SIGTERM.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
