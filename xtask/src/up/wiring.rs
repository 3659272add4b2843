//! How the committed files fit a local system: the manifest's defaults and the runtime configuration name the
//! development addresses and passwords; here those are exchanged for what really runs.
//!
//! That way nothing is written twice: which user, which database number and which path stands in `spin.toml` and
//! `infra/local/runtime-config.toml` only.
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::KeyValueBackend;
use super::redis::{RULES, Redis};
use super::secrets::Secrets;
use super::state::StateFolder;
use crate::acl::Rules;
use crate::workspace::Workspace;

/// The Redis of the development defaults.
const DEVELOPMENT_REDIS: &str = "127.0.0.1:6379";

/// The public entry of the development defaults.
const DEVELOPMENT_ENTRY: &str = "127.0.0.1:3000";

/// The committed runtime configuration.
const RUNTIME_CONFIG: &str = "infra/local/runtime-config.toml";

/// The manifest that Spin runs.
pub const MANIFEST: &str = "spin.toml";

/// What is exchanged for what, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    exchanges: Vec<(String, String)>,
}

impl Wiring {
    /// The exchanges for a Redis and an address of the public entry.
    ///
    /// # Errors
    /// When the access rules are unreadable.
    pub fn new(workspace: &Workspace, redis: &Redis, secrets: &Secrets, listen: SocketAddr) -> anyhow::Result<Self> {
        let development = Rules::read(&workspace.root.join(RULES))?.passwords();
        let mut exchanges = Vec::new();
        for (user, password) in &development {
            let now = match redis.everybody() {
                Some((user, password)) if user.is_empty() && password.is_empty() => "redis://".to_owned(),
                Some((user, password)) => format!("redis://{user}:{password}@"),
                None => {
                    let own = secrets.redis.get(user).with_context(|| format!("no password for Redis user {user}"))?;
                    format!("redis://{user}:{own}@")
                }
            };
            exchanges.push((format!("redis://{user}:{password}@"), now));
        }
        exchanges.push((DEVELOPMENT_REDIS.to_owned(), redis.address().to_string()));
        exchanges.push((DEVELOPMENT_ENTRY.to_owned(), listen.to_string()));
        Ok(Self { exchanges })
    }

    fn fit(&self, text: &str) -> String {
        self.exchanges.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// The runtime configuration for this system: backends only. Values travel in the environment.
    ///
    /// # Errors
    /// When the committed one is unreadable.
    pub fn runtime_config(
        &self,
        workspace: &Workspace,
        backend: KeyValueBackend,
        state: &StateFolder,
    ) -> anyhow::Result<String> {
        let mut configuration = read(workspace, RUNTIME_CONFIG)?;
        configuration.remove("variables_provider");
        if backend == KeyValueBackend::Sqlite {
            on_sqlite(&mut configuration, &state.folder("bodies")?.display().to_string())?;
        }
        Ok(self.fit(&configuration.to_string()))
    }

    /// The environment of the host: one variable for each variable of the manifest that differs here. What the caller
    /// has set stays as it is.
    ///
    /// **Shape**: `SPIN_VARIABLE_PAYMENTS_REDIS_URL=redis://payments:…@127.0.0.1:40123`.
    ///
    /// # Errors
    /// When the manifest is unreadable, or requires a variable that nobody here knows.
    pub fn variables(&self, workspace: &Workspace, secrets: &Secrets) -> anyhow::Result<BTreeMap<String, String>> {
        let mut environment = BTreeMap::new();
        for variable in declared(workspace)? {
            let key = format!("SPIN_VARIABLE_{}", variable.name.to_uppercase());
            if std::env::var_os(&key).is_some() {
                continue;
            }
            let value = match (&variable.development, secrets.variables.get(&variable.name)) {
                (_, Some(secret)) => secret.clone(),
                (Some(development), None) => self.fit(development),
                (None, None) => bail!("spin.toml requires `{}`; set {key}", variable.name),
            };
            if !variable.is_default || Some(&value) != variable.development.as_ref() {
                environment.insert(key, value);
            }
        }
        Ok(environment)
    }
}

/// The secret variables that are no Redis addresses: those get random values.
///
/// # Errors
/// When the manifest is unreadable.
pub fn secret_variables(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let is_address = |value: &Option<String>| value.as_ref().is_some_and(|value| value.contains("://"));
    let variables = declared(workspace)?;
    Ok(variables
        .into_iter()
        .filter(|variable| variable.secret && !is_address(&variable.development))
        .map(|variable| variable.name)
        .collect())
}

/// How the names of components end that do a worker's work at the call of a request.
const DRAIN: &str = "-drain";

/// The components to start: workers that Redis wakes, or else the drains in their place. What nobody calls would lie in
/// memory all the same.
///
/// # Errors
/// When the manifest is unreadable.
pub fn started(workspace: &Workspace, no_workers: bool) -> anyhow::Result<Vec<String>> {
    Ok(started_in(&read(workspace, MANIFEST)?, no_workers))
}

fn started_in(manifest: &Table, no_workers: bool) -> Vec<String> {
    let woken_by = |kind: &str| {
        let triggers = manifest.get("trigger").and_then(|triggers| triggers.get(kind)?.as_array());
        let components = triggers.into_iter().flatten().filter_map(|trigger| trigger.get("component")?.as_str());
        components.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let by_requests = woken_by("http");
    if no_workers {
        return by_requests.into_iter().collect();
    }
    let all = by_requests.into_iter().filter(|name| !name.ends_with(DRAIN)).chain(woken_by("redis"));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A variable as the manifest declares it.
struct Variable {
    name: String,
    /// The value on a developer's machine: what the runtime configuration gives, or the manifest's default.
    development: Option<String>,
    /// Whether that value is the manifest's own.
    is_default: bool,
    secret: bool,
}

fn declared(workspace: &Workspace) -> anyhow::Result<Vec<Variable>> {
    Ok(declared_in(&read(workspace, MANIFEST)?, &read(workspace, RUNTIME_CONFIG)?))
}

fn declared_in(manifest: &Table, runtime_config: &Table) -> Vec<Variable> {
    let Some(Value::Table(variables)) = manifest.get("variables") else {
        return Vec::new();
    };
    let given = |name: &str| {
        let providers = runtime_config.get("variables_provider")?.as_array()?;
        providers.iter().find_map(|provider| provider.get("values")?.get(name)?.as_str().map(str::to_owned))
    };
    variables
        .iter()
        .map(|(name, declaration)| {
            let default = declaration.get("default").and_then(Value::as_str).map(str::to_owned);
            Variable {
                name: name.clone(),
                is_default: default.is_some() && given(name).is_none(),
                development: given(name).or(default),
                secret: declaration.get("secret").and_then(Value::as_bool).unwrap_or_default(),
            }
        })
        .collect()
}

fn read(workspace: &Workspace, file: &str) -> anyhow::Result<Table> {
    let path = workspace.root.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    text.parse().with_context(|| format!("reading {}", path.display()))
}

/// The same labels, each with a file instead of a database number.
fn on_sqlite(configuration: &mut Table, folder: &str) -> anyhow::Result<()> {
    let Some(Value::Table(stores)) = configuration.get_mut("key_value_store") else {
        bail!("the runtime configuration has no key-value store");
    };
    for (label, store) in stores.iter_mut() {
        let mut file = Table::new();
        file.insert("type".to_owned(), Value::String("spin".to_owned()));
        file.insert("path".to_owned(), Value::String(format!("{folder}/{label}.db")));
        *store = Value::Table(file);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_addresses_and_passwords_and_leaves_the_rest() {
        let wiring = Wiring {
            exchanges: vec![
                ("redis://users:users-development@".to_owned(), "redis://users:s3cret@".to_owned()),
                (DEVELOPMENT_REDIS.to_owned(), "127.0.0.1:40123".to_owned()),
            ],
        };
        assert_eq!(
            wiring.fit("redis://users:users-development@127.0.0.1:6379/7"),
            "redis://users:s3cret@127.0.0.1:40123/7"
        );
        assert_eq!(wiring.fit("http://users.spin.internal"), "http://users.spin.internal");
    }

    #[test]
    fn a_value_is_the_runtime_configurations_or_the_manifests_default() {
        let manifest: Table = "[variables]\nredis_address = { default = \"redis://127.0.0.1:6379\" }\n\
                               metrics_token = { required = true, secret = true }\nlost = { required = true }\n\
                               opened = { default = \"\" }\n"
            .parse()
            .unwrap();
        let runtime_config: Table =
            "[[variables_provider]]\ntype = \"static\"\n[variables_provider.values]\nmetrics_token = \"open\"\nopened = \"wide\"\n"
                .parse()
                .unwrap();
        let variables = declared_in(&manifest, &runtime_config);
        let found: Vec<(&str, Option<&str>, bool)> =
            variables.iter().map(|v| (v.name.as_str(), v.development.as_deref(), v.secret)).collect();
        assert_eq!(
            found,
            [
                ("lost", None, false),
                ("metrics_token", Some("open"), true),
                ("opened", Some("wide"), false),
                ("redis_address", Some("redis://127.0.0.1:6379"), false)
            ]
        );
    }

    #[test]
    fn workers_are_started_or_the_drains_in_their_place() {
        let manifest: Table = "[[trigger.http]]\nroute = \"/c\"\ncomponent = \"users-drain\"\n\
                               [[trigger.http]]\nroute = \"/a\"\ncomponent = \"users\"\n\
                               [[trigger.http]]\nroute = \"/b\"\ncomponent = \"users\"\n\
                               [[trigger.http]]\nroute = { private = true }\ncomponent = \"hasher\"\n\
                               [[trigger.redis]]\nchannel = \"pulse\"\ncomponent = \"users-worker\"\n"
            .parse()
            .unwrap();
        assert_eq!(started_in(&manifest, true), ["hasher", "users", "users-drain"]);
        assert_eq!(started_in(&manifest, false), ["hasher", "users", "users-worker"]);
    }

    #[test]
    fn sqlite_keeps_the_labels_and_drops_the_addresses() {
        let mut configuration: Table =
            "[key_value_store.users]\ntype = \"redis\"\nurl = \"redis://127.0.0.1:6379/1\"\n".parse().unwrap();
        on_sqlite(&mut configuration, "/state/bodies").unwrap();
        let expected: Table =
            "[key_value_store.users]\ntype = \"spin\"\npath = \"/state/bodies/users.db\"\n".parse().unwrap();
        assert_eq!(configuration, expected);
    }

    #[test]
    fn the_committed_files_leave_no_required_variable_without_a_value() {
        let workspace = Workspace::here().unwrap();
        let lost: Vec<String> = declared(&workspace)
            .unwrap()
            .into_iter()
            .filter(|variable| variable.development.is_none())
            .map(|variable| variable.name)
            .collect();
        assert!(lost.is_empty(), "infra/local/runtime-config.toml lacks {lost:?}");
    }
}
