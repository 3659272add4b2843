//! The manifest with a prober in the place of every component: sources and triggers are exchanged, what is granted
//! stays as it stands.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// The addresses that the committed files name, for a developer's machine.
const DEVELOPMENT: [&str; 2] = ["127.0.0.1:6379", "127.0.0.1:3000"];

/// Providers on the internet, which no test speaks to: the host itself stands for them here.
const PROVIDERS: [&str; 3] = ["https://api.postmarkapp.com", "https://api.stripe.com", "https://api.twilio.com"];

/// What a developer's machine alone opens to the sender of webhooks.
const OPENED: &str = "webhook_receivers = \"http://127.0.0.1:*\"";

/// What the committed files end passwords with; public, and therefore no secrets.
pub const PUBLIC: &str = "-development";
/// What they end with here, as `cargo xtask up` too exchanges them.
const SECRET: &str = "-of-this-test";

/// The three files that decide what a component can do.
pub struct Files {
    /// `spin.toml`.
    pub manifest: String,
    /// `infra/local/runtime-config.toml`.
    pub runtime_config: String,
    /// `infra/redis/users.acl`.
    pub rules: String,
}

impl Files {
    /// As committed, but with passwords that nobody can look up.
    pub fn committed() -> Result<Self> {
        let read = |file: &str| -> Result<String> {
            let path = tests::Workplace::root().join(file);
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let text = text.replace(PUBLIC, SECRET).replace(OPENED, "webhook_receivers = \"\"");
            Ok(PROVIDERS.iter().fold(text, |text, provider| text.replace(provider, "http://127.0.0.1:3000")))
        };
        Ok(Self {
            manifest: read("spin.toml")?,
            runtime_config: read("infra/local/runtime-config.toml")?,
            rules: read("infra/redis/users.acl")?,
        })
    }

    /// Fits the addresses to a Redis and to where the host listens.
    pub fn fit(&mut self, redis_port: u16, port: u16) {
        for text in [&mut self.manifest, &mut self.runtime_config] {
            for (from, to) in DEVELOPMENT.iter().zip([redis_port, port]) {
                *text = text.replace(from, &format!("127.0.0.1:{to}"));
            }
        }
    }
}

/// What the manifest grants to whom.
pub struct House {
    /// By component id.
    pub components: BTreeMap<String, Granted>,
    /// Every variable that has a name anywhere.
    pub variables: BTreeSet<String>,
    /// Every address that a variable of the application holds.
    pub addresses: BTreeSet<String>,
    /// Key-value labels that have a backend, each with its database number.
    pub labels: BTreeMap<String, u16>,
}

/// What one component is granted, templates filled.
#[derive(Deserialize)]
pub struct Granted {
    #[serde(default, rename = "key_value_stores")]
    pub stores: BTreeSet<String>,
    #[serde(default, rename = "allowed_outbound_hosts")]
    pub hosts: BTreeSet<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

impl House {
    /// Reads what the files grant.
    pub fn read(files: &Files) -> Result<Self> {
        let manifest: Table = files.manifest.parse()?;
        let runtime_config: Table = files.runtime_config.parse()?;
        let values = values(&manifest, &runtime_config);
        let mut components: BTreeMap<String, Granted> =
            manifest.get("component").context("no components")?.clone().try_into()?;
        for granted in components.values_mut() {
            granted.hosts = granted.hosts.iter().map(|host| filled(host, &values)).collect();
            granted.variables.values_mut().for_each(|value| *value = filled(value, &values));
        }
        let names = components.values().flat_map(|granted| granted.variables.keys()).chain(values.keys());
        let mut labels = BTreeMap::new();
        for (label, store) in runtime_config.get("key_value_store").and_then(Value::as_table).into_iter().flatten() {
            let url = store.get("url").and_then(Value::as_str).with_context(|| format!("{label} is not in Redis"))?;
            let number = url.rsplit('/').next().unwrap_or_default();
            labels.insert(label.clone(), number.parse().with_context(|| format!("no database number in {url}"))?);
        }
        Ok(Self {
            variables: names.cloned().collect(),
            addresses: values.values().filter(|value| value.contains("://")).cloned().collect(),
            components,
            labels,
        })
    }

    /// Where components say that Redis is.
    pub fn redis(&self) -> Result<&str> {
        let mut addresses = self.addresses.iter().map(String::as_str);
        addresses.find(|address| address.starts_with("redis://") && !address.contains('@')).context("no Redis")
    }
}

/// The values of the application's variables: the manifest's defaults, or what the runtime configuration gives.
fn values(manifest: &Table, runtime_config: &Table) -> BTreeMap<String, String> {
    let declared = manifest.get("variables").and_then(Value::as_table).into_iter().flatten();
    let defaults = declared.map(|(name, variable)| (name, variable.get("default")));
    let providers = runtime_config.get("variables_provider").and_then(Value::as_array).into_iter().flatten();
    let given = providers.filter_map(|provider| provider.get("values")?.as_table()).flatten();
    let all = defaults.chain(given.map(|(name, value)| (name, Some(value))));
    all.map(|(name, value)| (name.clone(), value.and_then(Value::as_str).unwrap_or_default().to_owned())).collect()
}

fn filled(template: &str, values: &BTreeMap<String, String>) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        text.push_str(values.get(name.trim()).map_or("", String::as_str));
        text.push_str(rest);
    }
    text
}

/// The manifest with `prober` as every component's source and a route of its own for each, whatever triggers it had.
pub fn with_probers(manifest: &str, prober: &std::path::Path) -> Result<String> {
    let mut manifest: Table = manifest.parse()?;
    let components = manifest.get_mut("component").and_then(Value::as_table_mut).context("no components")?;
    let mut routes = Vec::new();
    for (id, component) in components.iter_mut() {
        let component = component.as_table_mut().with_context(|| format!("{id} is no component"))?;
        component.insert("source".to_owned(), prober.display().to_string().into());
        component.remove("build");
        let route = [("route", format!("/{id}/...")), ("component", id.clone())];
        routes.push(Value::Table(route.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()));
    }
    let triggers = Table::from_iter([("http".to_owned(), Value::Array(routes))]);
    manifest.insert("trigger".to_owned(), Value::Table(triggers));
    Ok(manifest.to_string())
}
