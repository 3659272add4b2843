//! The commands and their flags. What each does is in the module of its name.
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::bench::BenchCommand;
use crate::setup::{SetUp, WasmRoute};
use crate::workspace::Workspace;

/// Everything that Spindrift does by itself.
///
/// Two commands are enough to begin: `cargo xtask up` starts the whole system on this machine, `cargo xtask test` runs
/// what a contributor runs. Both complete the set-up first.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what is here, what is missing, and the command that mends it.
    Doctor {
        /// Print one JSON document instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Build every function's component and print the sizes.
    Build {
        #[command(flatten)]
        setup: SetUpFlags,
        /// Print the sizes as one JSON document.
        #[arg(long)]
        json: bool,
    },
    /// Start the whole system here: Redis, every function, the pulse. Ctrl-C stops it.
    Up {
        #[command(flatten)]
        setup: SetUpFlags,
        #[command(flatten)]
        up: crate::up::UpFlags,
    },
    /// Format, lints, documentation, components, tests of every floor.
    Test {
        #[command(flatten)]
        setup: SetUpFlags,
        #[command(flatten)]
        test: crate::test::TestFlags,
    },
    /// What CI runs: `test`, then licences, bans and sources of dependencies, and dependencies that nobody uses.
    Ci {
        #[command(flatten)]
        setup: SetUpFlags,
        #[command(flatten)]
        test: crate::test::TestFlags,
    },
    /// Play one person's journey against a running system and print each step.
    Demo {
        #[command(flatten)]
        demo: crate::demo::DemoFlags,
    },
    /// Measure; ratios within one run.
    Bench {
        #[command(flatten)]
        setup: SetUpFlags,
        #[command(subcommand)]
        command: crate::bench::BenchCommand,
    },
    /// Compare a provider's settlement file with the books of a running system, and print what differs.
    Reconcile {
        #[command(flatten)]
        reconcile: crate::reconcile::ReconcileFlags,
    },
    /// Events of a running system: streams, dead letters, replays, each act audited (docs/events.md).
    Events {
        #[command(flatten)]
        system: crate::events::SystemFlags,
        #[command(subcommand)]
        command: crate::events::EventsCommand,
    },
    /// Have the workers of a running system do what waits, over HTTP, where no Redis trigger wakes them (docs/events.md).
    Drain {
        #[command(flatten)]
        drain: crate::drain::DrainFlags,
    },
    /// Rebuild a context's data in Redis from its key-value store, after Redis lost some of it.
    Rebuild {
        #[command(flatten)]
        rebuild: crate::rebuild::RebuildFlags,
    },
    /// The signing keys of the local system.
    Keys {
        #[command(subcommand)]
        command: crate::keys::KeysCommand,
    },
    /// Write docs/openapi.json from the annotations beside the code.
    Openapi,
    /// Write docs/asyncapi.json from the wire types; refuses what breaks those who read an event by its version.
    Asyncapi,
    /// Send thousands of generated requests to a running system and hold each answer against the API's document.
    FuzzApi {
        #[command(flatten)]
        fuzz: crate::fuzz_api::FuzzFlags,
    },
    /// Let clients use a system of its own while everything around them breaks, then check what they were promised.
    Chaos {
        #[command(flatten)]
        setup: SetUpFlags,
        #[command(flatten)]
        chaos: crate::chaos::ChaosFlags,
    },
    /// Run one child under a lock and die with the parent; `up` starts everything this way.
    #[command(hide = true)]
    RunChild {
        /// File that is locked for as long as the child lives; its text is the child's process id.
        #[arg(long)]
        lock: PathBuf,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// Flags of every command that completes the set-up.
#[derive(Debug, Args)]
struct SetUpFlags {
    /// Change the system without asking (install Redis, add the wasm target).
    #[arg(long, short)]
    yes: bool,
    /// How to get the wasm32-wasip2 target: `rustup`, `packages`, or `auto` (rustup first).
    #[arg(long, hide = true, env = "SPINDRIFT_WASM_TARGET", default_value = "auto")]
    wasm_target: WasmRoute,
}

impl SetUpFlags {
    fn plan(&self) -> SetUp {
        SetUp { yes: self.yes, route: self.wasm_target }
    }
}

/// Parses the arguments and runs the command; an error is printed with its chain.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::here()?;
    match cli.command {
        Command::Doctor { json } => crate::doctor::run(&workspace, json),
        Command::Build { setup, json } => crate::components::run(&workspace, &setup.plan(), json),
        Command::Up { setup, up } => crate::up::run(&workspace, &setup.plan(), &up),
        Command::Test { setup, test } => crate::test::run(&workspace, &setup.plan(), &test),
        Command::Ci { setup, test } => crate::ci::run(&workspace, &setup.plan(), &test),
        Command::Demo { demo } => crate::demo::run(&demo),
        Command::Bench { setup, command: BenchCommand::Edge { flags } } => {
            crate::bench::edge::run(&workspace, &setup.plan(), &flags)
        }
        Command::Bench { setup, command: BenchCommand::Latency { flags } } => {
            crate::bench::latency::run(&workspace, &setup.plan(), &flags)
        }
        Command::Bench { setup, command: BenchCommand::Live { flags } } => {
            crate::bench::live::run(&workspace, &setup.plan(), &flags)
        }
        Command::Reconcile { reconcile } => crate::reconcile::run(&reconcile),
        Command::Events { system, command } => crate::events::run(&system, &command),
        Command::Drain { drain } => crate::drain::run(&workspace, &drain),
        Command::Rebuild { rebuild } => crate::rebuild::run(&workspace, &rebuild),
        Command::Keys { command } => crate::keys::run(&workspace, &command),
        Command::Openapi => crate::openapi::run(&workspace),
        Command::Asyncapi => crate::openapi::events(&workspace),
        Command::FuzzApi { fuzz } => crate::fuzz_api::run(&workspace, &fuzz),
        Command::Chaos { setup, chaos } => crate::chaos::run(&workspace, &setup.plan(), &chaos),
        Command::RunChild { lock, command } => Err(crate::child::run(&lock, &command)),
    }
}
