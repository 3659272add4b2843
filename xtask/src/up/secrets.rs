//! Passwords and keys of a local system: random, made once, kept in the state folder.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::state;
use crate::acl::Rules;
use crate::workspace::Workspace;

/// The bytes of every secret: the length of an Ed25519 seed, more than enough for a password.
const SECRET_BYTES: usize = 32;

/// The one secret that is more than a single random value.
pub const SIGNING_KEYS_VARIABLE: &str = "token_signing_keys";

/// How many seeds `token_signing_keys` holds: current, next, previous.
const SIGNING_KEYS: usize = 3;

/// All secrets of one state folder.
///
/// **Shape**: `{"redis":{"payments":"kM3…"},"variables":{"token_signing_keys":"aB1… cD2… eF3…"}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The password of each Redis user.
    pub redis: BTreeMap<String, String>,
    /// The value of each secret variable of the manifest.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// When the signing keys were rotated last. **Units** seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_rotated_at_s: Option<u64>,
}

impl Secrets {
    /// Reads what is there.
    ///
    /// # Errors
    /// When the file is not there or cannot be read.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes the file, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        state::write_private(path, &serde_json::to_string_pretty(self).context("writing the secrets as JSON")?)
    }

    /// Reads what is there and adds what is new since: a Redis user, a secret variable.
    ///
    /// # Errors
    /// When the file is unreadable, or the rules or the manifest are.
    pub fn load_or_make(path: &Path, workspace: &Workspace) -> anyhow::Result<Self> {
        let before: Self = match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(anyhow!(error).context(format!("reading {}", path.display()))),
        };
        let rules = Rules::read(&workspace.root.join(super::redis::RULES))?;
        let mut now = before.clone();
        for user in rules.users() {
            if let Entry::Vacant(place) = now.redis.entry(user.to_owned()) {
                place.insert(random()?);
            }
        }
        for name in super::wiring::secret_variables(workspace)? {
            let make = if name == SIGNING_KEYS_VARIABLE { signing_keys } else { random };
            if let Entry::Vacant(place) = now.variables.entry(name) {
                place.insert(make()?);
            }
        }
        if now != before {
            now.write(path)?;
        }
        Ok(now)
    }
}

/// Seeds separated by spaces, as the variable wants them.
fn signing_keys() -> anyhow::Result<String> {
    let seeds: Vec<String> = (0..SIGNING_KEYS).map(|_| random()).collect::<anyhow::Result<_>>()?;
    Ok(seeds.join(" "))
}

/// **Shape**: 32 random bytes as 43 characters of base64url.
pub fn random() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("asking the system for randomness: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
