//! The command line: the flags of `spin up`, by the same names and defaults, and a few of our own that say so.

pub mod ranges;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    engine, http::handler::Reuse, runtime_config::Folders, stdio::Follow, up::Up, variables::providers::VariableSource,
};
use ranges::Range;

/// Requests in the life of a WASI 0.3 instance.
const REUSE_COUNT: Range<u64> = Range::Value(128);
/// Requests at a time in a WASI 0.3 instance.
const CONCURRENT_REUSE_COUNT: Range<u64> = Range::Value(16);

/// Runs a Spin application without Spin, for development and tests. Production is Spin.
#[derive(Debug, Parser)]
#[command(name = "host", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an application: `host up --from spin.toml`
    Up(Box<UpArgs>),
    /// Compile components into a cache, so that none of those who start with it side by side has to
    Compile {
        /// The components
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Where compiled components are kept
        #[arg(long)]
        cache_dir: PathBuf,
    },
    /// List what a component imports, one name a line
    Imports {
        /// The component
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
struct UpArgs {
    /// The manifest, or the folder that holds it
    #[arg(short = 'f', long = "from", alias = "file", default_value = "spin.toml")]
    from: PathBuf,

    /// IP address and port to listen on; port 0 picks a free one
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000", value_parser = listen_address)]
    listen: SocketAddr,

    /// Key-value backends, variable providers and outbound limits, in Spin's format
    #[arg(long, env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,

    /// Where logs, default key-value store and compiled components lie [default: .spin beside the manifest]
    #[arg(long)]
    state_dir: Option<PathBuf>,

    /// Where components' stdout and stderr are written; empty for nowhere [default: logs in the state folder]
    #[arg(short = 'L', long, env = "SPIN_LOG_DIR")]
    log_dir: Option<PathBuf>,

    /// Empty the log files first
    #[arg(long)]
    truncate_logs: bool,

    /// Do not show what components print
    #[arg(short, long, conflicts_with = "follow")]
    quiet: bool,

    /// Show what this component prints, and no other; may be repeated
    #[arg(long)]
    follow: Vec<String>,

    /// A variable of the application; may be repeated, the last value wins
    #[arg(long, value_name = "KEY=VALUE | KEY=@FILE | @FILE.json | @FILE.toml")]
    variable: Vec<VariableSource>,

    /// Run only this component; may be repeated
    #[arg(short, long)]
    component_id: Vec<String>,

    /// Requests in an instance's life, or a range such as 1..8 [default: 128, and 1 for WASI 0.2]
    #[arg(long, value_parser = ranges::count)]
    max_instance_reuse_count: Option<Range<u64>>,

    /// Requests at a time in an instance, or a range [default: 16, and 1 for WASI 0.2]
    #[arg(long, value_parser = ranges::count)]
    max_instance_concurrent_reuse_count: Option<Range<u64>>,

    /// How long a request may take before it is answered by 500: seconds, or with ms, us, ns, or a range
    #[arg(long, value_parser = ranges::duration)]
    request_timeout: Option<Range<Duration>>,

    /// How long an idle instance is kept: seconds, or with ms, us, ns, or a range
    #[arg(long, default_value = "1s", value_parser = ranges::duration)]
    idle_instance_timeout: Range<Duration>,

    /// Do not keep compiled components
    #[arg(long, env = "DISABLE_WASMTIME_CACHE")]
    disable_cache: bool,

    /// Where compiled components are kept; not a flag of Spin [default: cache in the state folder]
    #[arg(long)]
    cache_dir: Option<PathBuf>,

    /// Answer 503 beyond so many requests at a time; not a flag of Spin [default: no limit]
    #[arg(long)]
    max_concurrent_requests: Option<usize>,
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// Whatever kept it from being done.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Up(args) => {
                let runtime = tokio::runtime::Runtime::new()?;
                let ended = runtime.block_on(args.into_up().run());
                // What is still running was given its time; a blocked thread must not keep the process.
                runtime.shutdown_background();
                ended
            }
            Command::Compile { files, cache_dir } => {
                let engine = engine::engine(Some(&cache_dir))?;
                let components = files.iter().map(|file| (file.to_str().unwrap_or_default(), file.as_path()));
                engine::load_all(&engine, components).map(drop)
            }
            Command::Imports { file } => {
                for import in component_imports(&file)? {
                    println!("{import}");
                }
                Ok(())
            }
        }
    }
}

/// Everything that the component at `file` imports, whether the host offers it or not.
///
/// # Errors
/// It cannot be read or is no component.
pub fn component_imports(file: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let engine = engine::engine(None)?;
    Ok(engine::imports(&engine, &engine::compile(&engine, file)?))
}

impl UpArgs {
    fn into_up(self) -> Up {
        let manifest = if self.from.is_dir() { self.from.join("spin.toml") } else { self.from };
        let follow = match (self.quiet, self.follow) {
            (true, _) => Follow::None,
            (false, ids) if ids.is_empty() => Follow::All,
            (false, ids) => Follow::Only(ids.into_iter().collect()),
        };
        Up {
            manifest,
            listen: self.listen,
            runtime_config: self.runtime_config_file,
            folders: Folders { state: self.state_dir, log: self.log_dir },
            cache_dir: self.cache_dir,
            cache: !self.disable_cache,
            variables: self.variable,
            components: self.component_id,
            follow,
            truncate_logs: self.truncate_logs,
            reuse: Reuse {
                total: self.max_instance_reuse_count.unwrap_or(REUSE_COUNT),
                concurrent: self.max_instance_concurrent_reuse_count.unwrap_or(CONCURRENT_REUSE_COUNT),
                idle: self.idle_instance_timeout,
                request_timeout: self.request_timeout,
            },
            max_concurrent_requests: self.max_concurrent_requests,
        }
    }
}

/// Resolves `--listen`, preferring 127.0.0.1 where a name has several addresses.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text.to_socket_addrs().map_err(|error| error.to_string())?.collect();
    let loopback = addresses.iter().find(|address| address.ip() == std::net::Ipv4Addr::LOCALHOST);
    loopback.or(addresses.first()).copied().ok_or_else(|| "couldn't resolve address".into())
}
