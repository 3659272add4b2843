//! `cargo xtask keys rotate`: the next signing key begins to sign, the present one is still believed, a new one is made.
//!
//! Three seeds lie in the state folder: current, next, previous. All three are published, so a token that was signed by
//! any of them holds; the key that begins to sign has been published since the rotation before, so every verifier knows
//! it already or fetches it when it meets its name. What is not here: the keys of a deployment, which are its secret
//! store's (docs/identity.md says the same three steps for it).
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::narration;
use crate::up::secrets::{SIGNING_KEYS_VARIABLE, Secrets, random};
use crate::up::state::StateFolder;
use crate::workspace::Workspace;

/// What a token may still be signed with after a rotation: the longest life of one, the leeway of verifiers and the time
/// for which they keep keys, rounded up.
const TOKENS_LIVE: Duration = Duration::from_secs(20 * 60);

/// Commands about the keys of a local system.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Let the next key sign. Takes effect at the next `cargo xtask up`; no token that holds is refused.
    Rotate {
        /// How, and of which system.
        #[command(flatten)]
        flags: RotateFlags,
    },
}

/// Flags of `keys rotate`.
#[derive(Debug, Args)]
pub struct RotateFlags {
    /// The folder of the local system's state.
    #[arg(long, default_value = ".spindrift")]
    state: PathBuf,
    /// A key was stolen: replace all three now. Every access token is refused from then on; refresh tokens are not.
    #[arg(long)]
    stolen: bool,
}

/// Runs a command about keys.
///
/// # Errors
/// When a system runs on that folder, when there is none, or when the last rotation was a moment ago.
pub fn run(workspace: &Workspace, command: &KeysCommand) -> anyhow::Result<ExitCode> {
    let KeysCommand::Rotate { flags } = command;
    // A running system holds the folder: it would go on with the keys that it has read.
    let state = StateFolder::open(&workspace.root.join(&flags.state))?;
    let path = state.secrets();
    let mut secrets = Secrets::load(&path)?;
    rotate(&mut secrets, now_s()?, flags.stolen)?;
    secrets.write(&path)?;
    let what = if flags.stolen { "all three keys are new" } else { "the next key signs, the one before is believed" };
    narration::say(&format!("{what}; start with `cargo xtask up`"));
    Ok(ExitCode::SUCCESS)
}

/// **Units** seconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "a program that notes when it did something needs the real clock")]
fn now_s() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("reading the clock")?.as_secs())
}

/// The secrets after a rotation.
///
/// # Errors
/// When there are no three keys, or tokens of the key that would be dropped may still be about.
fn rotate(secrets: &mut Secrets, now_s: u64, stolen: bool) -> anyhow::Result<()> {
    let keys = secrets.variables.get(SIGNING_KEYS_VARIABLE).context("the folder has no signing keys yet")?;
    let [current, next, _previous] = <[&str; 3]>::try_from(keys.split_whitespace().collect::<Vec<_>>())
        .map_err(|keys| anyhow::anyhow!("three signing keys are expected, {} are there", keys.len()))?;
    let since_s = secrets.keys_rotated_at_s.map_or(u64::MAX, |at_s| now_s.saturating_sub(at_s));
    if !stolen && since_s < TOKENS_LIVE.as_secs() {
        bail!(
            "the last rotation was {since_s} s ago: tokens of the key that would be dropped may be about for {} s",
            TOKENS_LIVE.as_secs() - since_s
        );
    }
    let rotated = if stolen {
        format!("{} {} {}", random()?, random()?, random()?)
    } else {
        format!("{next} {} {current}", random()?)
    };
    secrets.variables.insert(SIGNING_KEYS_VARIABLE.to_owned(), rotated);
    secrets.keys_rotated_at_s = Some(now_s);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(keys: &str) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.variables.insert(SIGNING_KEYS_VARIABLE.to_owned(), keys.to_owned());
        secrets
    }

    fn keys(secrets: &Secrets) -> Vec<&str> {
        secrets.variables[SIGNING_KEYS_VARIABLE].split(' ').collect()
    }

    #[test]
    fn the_next_key_signs_and_the_one_that_signed_is_still_published() {
        let mut secrets = secrets("current next previous");
        rotate(&mut secrets, 1_000_000, false).unwrap();
        let first = keys(&secrets);
        assert_eq!((first[0], first[2]), ("next", "current"));
        assert!(!["current", "next", "previous"].contains(&first[1]), "a key that nobody has seen");
        let made = first[1].to_owned();
        rotate(&mut secrets, 1_000_000 + TOKENS_LIVE.as_secs(), false).unwrap();
        assert_eq!((keys(&secrets)[0], keys(&secrets)[2]), (made.as_str(), "next"));
    }

    #[test]
    fn a_key_whose_tokens_may_be_about_is_not_dropped() {
        let mut secrets = secrets("current next previous");
        rotate(&mut secrets, 1_000_000, false).unwrap();
        let before = secrets.clone();
        assert!(rotate(&mut secrets, 1_000_000 + TOKENS_LIVE.as_secs() - 1, false).is_err());
        assert_eq!(secrets, before);
    }

    #[test]
    fn stolen_keys_are_replaced_at_once_and_all_of_them() {
        let mut secrets = secrets("current next previous");
        rotate(&mut secrets, 1_000_000, false).unwrap();
        rotate(&mut secrets, 1_000_001, true).unwrap();
        for old in ["current", "next", "previous"] {
            assert!(!keys(&secrets).contains(&old), "{old}");
        }
    }

    #[test]
    fn keys_of_another_number_are_left_alone() {
        for text in ["", "one", "one two", "one two three four"] {
            assert!(rotate(&mut secrets(text), 1, false).is_err(), "{text}");
        }
        assert!(rotate(&mut Secrets::default(), 1, false).is_err());
    }
}
