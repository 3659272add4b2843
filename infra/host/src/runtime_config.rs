//! The runtime configuration file, in stock Spin's format: key-value backends, variable providers, limits of the
//! outbound side. Tables and types that only stock Spin has are refused in those words.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::{
    key_value::{Backends, redis::Redis, sqlite::Sqlite},
    outbound::blocked_networks::BlockedNetworks,
    variables::providers::Provider,
};

/// The label whose store exists without being configured.
const DEFAULT_LABEL: &str = "default";
/// Its file in the state folder.
const DEFAULT_FILE: &str = "sqlite_key_value.db";

/// Tables and keys that stock Spin reads and the host does not.
const SPIN_ONLY: &[&str] = &[
    "sqlite_database",
    "llm_compute",
    "client_tls",
    "outbound_mqtt",
    "outbound_mysql",
    "outbound_pg",
    "max_instance_memory",
];

/// Everything the file decides, ready for use.
pub struct RuntimeConfig {
    /// Backends by label, the default store among them.
    pub backends: Backends,
    /// Variable providers of the file in their order; the environment comes after them.
    pub providers: Vec<Provider>,
    /// Limits of outbound HTTP.
    pub outbound_http: OutboundHttp,
    /// Most outbound Redis connections of the application; None is no limit.
    pub max_redis_connections: Option<usize>,
    /// Networks that nobody may reach.
    pub blocked: Arc<BlockedNetworks>,
    /// Where state lies: `--state-dir`, the file's `state_dir`, or `.spin` beside the manifest. None: nowhere.
    pub state_dir: Option<PathBuf>,
    /// Where logs lie: `--log-dir`, the file's `log_dir`, or `logs` in the state folder. None: nowhere.
    pub log_dir: Option<PathBuf>,
}

/// `[outbound_http]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundHttp {
    /// Whether connections are kept for the next request. On by default, off as soon as the table exists without it.
    #[serde(default)]
    pub connection_pooling: bool,
    /// Most connections at a time; None is no limit.
    pub max_connections: Option<usize>,
}

impl Default for OutboundHttp {
    fn default() -> Self {
        Self { connection_pooling: true, max_connections: None }
    }
}

/// The file as serde sees it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    state_dir: Option<String>,
    log_dir: Option<String>,
    #[serde(default)]
    key_value_store: BTreeMap<String, toml::Table>,
    #[serde(default, alias = "config_provider")]
    variables_provider: Vec<VariablesProvider>,
    outbound_http: Option<OutboundHttp>,
    #[serde(default)]
    outbound_redis: OutboundRedis,
    #[serde(default)]
    outbound_networking: OutboundNetworking,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundRedis {
    max_connections: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundNetworking {
    #[serde(default)]
    block_networks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
enum VariablesProvider {
    Static { values: std::collections::HashMap<String, String> },
    Env { prefix: Option<String>, dotenv_path: Option<PathBuf> },
}

/// The folders given on the command line; an empty one means none at all.
#[derive(Debug, Default)]
pub struct Folders {
    /// `--state-dir`.
    pub state: Option<PathBuf>,
    /// `--log-dir`.
    pub log: Option<PathBuf>,
}

impl RuntimeConfig {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// It cannot be read; it holds what stock Spin refuses or only stock Spin knows; a backend is malformed.
    pub fn load(path: Option<&Path>, manifest_dir: &Path, folders: Folders) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Self::assemble(Shape::default(), None, manifest_dir, folders);
        };
        let place = || format!("the runtime configuration file {} is refused", path.display());
        let text = std::fs::read_to_string(path).with_context(place)?;
        let table: toml::Table = toml::from_str(&text).with_context(place)?;
        refuse_spin_only(&table).with_context(place)?;
        let shape = toml::Value::Table(table).try_into().with_context(place)?;
        Self::assemble(shape, path.parent(), manifest_dir, folders).with_context(place)
    }

    fn assemble(
        shape: Shape,
        config_dir: Option<&Path>,
        manifest_dir: &Path,
        folders: Folders,
    ) -> anyhow::Result<Self> {
        let chosen = |flag: Option<PathBuf>, file: Option<String>| flag.or(file.map(PathBuf::from));
        let absolute = |path: PathBuf| -> anyhow::Result<Option<PathBuf>> {
            if path.as_os_str().is_empty() {
                return Ok(None);
            }
            Ok(Some(std::path::absolute(path)?))
        };
        let state_dir = absolute(chosen(folders.state, shape.state_dir).unwrap_or_else(|| manifest_dir.join(".spin")))?;
        let log_dir = match chosen(folders.log, shape.log_dir) {
            Some(dir) => absolute(dir)?,
            None => state_dir.as_ref().map(|dir| dir.join("logs")),
        };

        let mut backends = Backends::new();
        for (label, table) in shape.key_value_store {
            add_backend(&mut backends, &label, table, config_dir)
                .with_context(|| format!("could not configure key-value store with label '{label}'"))?;
        }
        if !backends.contains_key(DEFAULT_LABEL) {
            let path = state_dir.as_ref().map(|dir| dir.join(DEFAULT_FILE));
            backends.insert(DEFAULT_LABEL.into(), Arc::new(Sqlite::new(path)?));
        }

        let mut providers = Vec::new();
        for provider in shape.variables_provider {
            providers.push(match provider {
                VariablesProvider::Static { values } => Provider::Static(values),
                VariablesProvider::Env { prefix, dotenv_path } => {
                    Provider::environment(prefix, dotenv_path.as_deref())?
                }
            });
        }
        providers.push(Provider::environment(None, Some(Path::new(".env")))?);

        Ok(Self {
            backends,
            providers,
            outbound_http: shape.outbound_http.unwrap_or_default(),
            max_redis_connections: shape.outbound_redis.max_connections,
            blocked: Arc::new(BlockedNetworks::parse(&shape.outbound_networking.block_networks)?),
            state_dir,
            log_dir,
        })
    }
}

fn add_backend(
    backends: &mut Backends,
    label: &str,
    mut table: toml::Table,
    config_dir: Option<&Path>,
) -> anyhow::Result<()> {
    let kind = match table.remove("type") {
        Some(toml::Value::String(kind)) => kind,
        _ => bail!("`type` is missing"),
    };
    let key = match kind.as_str() {
        "spin" => "path",
        "redis" => "url",
        "azure_cosmos" | "aws_dynamo" => {
            bail!("Spin knows the key-value store type `{kind}`; the embedded host does not")
        }
        _ => bail!("unknown key-value store type `{kind}`; known here: spin, redis"),
    };
    let value = match table.remove(key) {
        Some(toml::Value::String(value)) => Some(value),
        Some(other) => bail!("`{key}` must be a string, not {other}"),
        None => None,
    };
    if let Some(unknown) = table.keys().next() {
        bail!("unknown key `{unknown}`; known here: type, {key}");
    }
    if kind == "redis" {
        backends.insert(label.into(), Arc::new(Redis::new(&value.context("`url` is missing")?)?));
    } else {
        let path = value.map(|path| config_dir.unwrap_or(Path::new("")).join(path));
        backends.insert(label.into(), Arc::new(Sqlite::new(path)?));
    }
    Ok(())
}

fn refuse_spin_only(table: &toml::Table) -> anyhow::Result<()> {
    for key in table.keys() {
        ensure!(
            !SPIN_ONLY.contains(&key.as_str()),
            "Spin knows `{key}`; the embedded host does not: remove it or run stock Spin"
        );
    }
    let spin_only = |section: &str, key: &str| table.get(section).is_some_and(|section| section.get(key).is_some());
    for (section, key) in [
        ("outbound_http", "max_concurrent_requests"),
        ("outbound_networking", "max_socket_connections"),
        ("outbound_networking", "max_total_connections"),
    ] {
        ensure!(
            !spin_only(section, key),
            "Spin knows `{key}` in [{section}]; the embedded host does not: remove it or run stock Spin"
        );
    }
    let providers = table.get("variables_provider").or_else(|| table.get("config_provider"));
    for provider in providers.and_then(toml::Value::as_array).into_iter().flatten() {
        if let Some(kind @ ("vault" | "azure_key_vault")) = provider.get("type").and_then(toml::Value::as_str) {
            bail!(
                "Spin knows the variables provider type `{kind}`; the embedded host does not: remove it or run stock Spin"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<RuntimeConfig, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runtime-config.toml");
        std::fs::write(&path, text).unwrap();
        RuntimeConfig::load(Some(&path), dir.path(), Folders::default()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn without_a_file_there_is_the_default_store_and_pooling() {
        let dir = tempfile::tempdir().unwrap();
        let config = RuntimeConfig::load(None, dir.path(), Folders::default()).unwrap();
        assert_eq!(config.backends.keys().collect::<Vec<_>>(), ["default"]);
        assert!(config.outbound_http.connection_pooling);
        assert_eq!(config.state_dir, Some(dir.path().join(".spin")));
        assert_eq!(config.log_dir, Some(dir.path().join(".spin/logs")));
    }

    #[test]
    fn pooling_is_off_as_soon_as_the_table_exists_without_it() {
        assert!(!load("[outbound_http]\nmax_connections = 3").unwrap().outbound_http.connection_pooling);
        assert!(load("[outbound_http]\nconnection_pooling = true").unwrap().outbound_http.connection_pooling);
    }

    #[test]
    fn an_empty_folder_means_none() {
        let config = load("log_dir = \"\"").unwrap();
        assert!(config.log_dir.is_none() && config.state_dir.is_some());
        let config = load("state_dir = \"\"").unwrap();
        assert!(config.log_dir.is_none() && config.state_dir.is_none());
    }

    #[test]
    fn what_only_spin_knows_is_refused_in_those_words() {
        for (key, text) in [
            ("llm_compute", "[llm_compute]\ntype = \"spin\""),
            ("sqlite_database", "[sqlite_database.default]\ntype = \"spin\""),
            ("client_tls", "[[client_tls]]\nhosts = []"),
            ("aws_dynamo", "[key_value_store.a]\ntype = \"aws_dynamo\""),
            ("azure_cosmos", "[key_value_store.a]\ntype = \"azure_cosmos\""),
            ("vault", "[[variables_provider]]\ntype = \"vault\""),
            ("max_total_connections", "[outbound_networking]\nmax_total_connections = 1"),
        ] {
            let refusal = load(text).err().unwrap();
            assert!(refusal.contains("Spin knows") && refusal.contains(key), "{key}: {refusal}");
        }
    }

    #[test]
    fn unknown_keys_and_malformed_values_are_refused() {
        for (words, text) in [
            ("unknown field `extra`", "extra = 1"),
            ("unknown key `extra`", "[key_value_store.a]\ntype = \"spin\"\nextra = 1"),
            ("unknown key-value store type `else`", "[key_value_store.a]\ntype = \"else\""),
            ("`type` is missing", "[key_value_store.a]\npath = \"a\""),
            ("`url` is missing", "[key_value_store.a]\ntype = \"redis\""),
            ("Invalid Redis URL", "[key_value_store.a]\ntype = \"redis\"\nurl = \"http://a\""),
            ("is not a network", "[outbound_networking]\nblock_networks = [\"everything\"]"),
            ("unknown field `extra`", "[outbound_http]\nextra = 1"),
        ] {
            let refusal = load(text).err().unwrap();
            assert!(refusal.contains(words), "{words}: {refusal}");
        }
    }
}
