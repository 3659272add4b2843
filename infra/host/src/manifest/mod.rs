//! Reading `spin.toml` (manifest version 2): typed shapes and the checks that stock Spin makes when it loads one.
//!
//! Which keys exist is decided in [`keys`]; nothing here touches the network or a component's bytes.

pub mod ids;
pub mod keys;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

/// A whole manifest, checked.
#[derive(Debug)]
pub struct Manifest {
    /// Folder of the file; relative component sources are found from here.
    pub dir: PathBuf,
    /// Name and version, shown by `/.well-known/spin/info`.
    pub application: Application,
    /// Variables of the application by name.
    pub variables: BTreeMap<String, Variable>,
    /// HTTP triggers in the order of the file.
    pub http: Vec<HttpTrigger>,
    /// Redis triggers in the order of the file.
    pub redis: Vec<RedisTrigger>,
    /// Components by id.
    pub components: BTreeMap<String, Component>,
}

/// `[application]`.
#[derive(Debug, Deserialize)]
pub struct Application {
    /// The application's name.
    pub name: String,
    /// Its version; empty if none is given.
    #[serde(default)]
    pub version: String,
}

/// One of `[variables]`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Variable {
    /// The value if no provider has one. Exactly one of `default` and `required` is given.
    pub default: Option<String>,
    /// A provider must have a value, or the application does not start.
    #[serde(default)]
    pub required: bool,
    /// A marker only, as in stock Spin.
    #[serde(default)]
    pub secret: bool,
}

/// One `[[trigger.http]]`.
#[derive(Clone, Debug, Deserialize)]
pub struct HttpTrigger {
    /// Where requests reach the component.
    pub route: Route,
    /// Which component is invoked.
    pub component: String,
}

/// A route as written in the manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Route {
    /// A pattern such as `/v1/users`, `/a/:id` or `/a/...`.
    Pattern(String),
    /// `{ private = true }`: reached by chaining only.
    Private {
        /// Must be true.
        private: bool,
    },
}

/// One `[[trigger.redis]]`.
#[derive(Clone, Debug, Deserialize)]
pub struct RedisTrigger {
    /// Server to subscribe at, a template; filled from `[application.trigger.redis]` if the trigger names none.
    #[serde(default)]
    pub address: String,
    /// Channel to subscribe to, a template.
    pub channel: String,
    /// Which component is invoked.
    pub component: String,
}

/// One `[component.<id>]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Component {
    /// Path of the wasm file, relative to the manifest.
    pub source: String,
    /// What the component says of itself.
    #[serde(default)]
    pub description: String,
    /// Variables of the component, each a template over the application's.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Environment of the instance.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Hosts the component may reach, templates allowed.
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    /// Labels of the key-value stores the component may open.
    #[serde(default)]
    pub key_value_stores: Vec<String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    ///
    /// # Errors
    /// The file cannot be read; it is not TOML; a key is unknown or known to Spin only; something is missing or
    /// contradicts itself. Each message names the place.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the manifest {}", path.display()))?;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&text, dir).with_context(|| format!("the manifest {} is refused", path.display()))
    }

    /// Checks the manifest `text` as if it lay in `dir`.
    ///
    /// # Errors
    /// As [`Manifest::load`], apart from the file itself.
    pub fn parse(text: &str, dir: &Path) -> anyhow::Result<Self> {
        let table: toml::Table = toml::from_str(text)?;
        keys::check(&table)?;
        let shape: Shape = toml::Value::Table(table).try_into()?;
        shape.checked(dir)
    }
}

/// The file as serde sees it, before the checks.
#[derive(Deserialize)]
struct Shape {
    application: toml::Table,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<String, Component>,
}

#[derive(Default, Deserialize)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
    #[serde(default)]
    redis: Vec<RedisTrigger>,
}

impl Shape {
    fn checked(self, dir: &Path) -> anyhow::Result<Manifest> {
        let default_address = self
            .application
            .get("trigger")
            .and_then(|trigger| trigger.get("redis"))
            .and_then(|redis| redis.get("address"))
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let application: Application = toml::Value::Table(self.application).try_into().context("[application]")?;
        for (name, variable) in &self.variables {
            ids::variable(name).with_context(|| format!("[variables] {name}"))?;
            ensure!(
                variable.required != variable.default.is_some(),
                "[variables] {name}: must be `required` OR have a `default`"
            );
        }
        for (id, component) in &self.component {
            ids::component(id).with_context(|| format!("[component.{id}]"))?;
            for name in component.variables.keys() {
                ids::variable(name).with_context(|| format!("[component.{id}.variables] {name}"))?;
            }
            for label in &component.key_value_stores {
                ids::label(label).with_context(|| format!("[component.{id}] key_value_stores {label:?}"))?;
            }
        }
        for trigger in &self.trigger.http {
            let component = &trigger.component;
            ensure!(
                self.component.contains_key(component),
                "[[trigger.http]] names the component {component:?}, which does not exist"
            );
            if matches!(trigger.route, Route::Private { private: false }) {
                bail!("[[trigger.http]] of {component:?}: route must be a string pattern or `{{ private = true }}`");
            }
        }
        let mut redis = self.trigger.redis;
        for trigger in &mut redis {
            let component = &trigger.component;
            ensure!(
                self.component.contains_key(component),
                "[[trigger.redis]] names the component {component:?}, which does not exist"
            );
            if trigger.address.is_empty() {
                trigger.address.clone_from(&default_address);
            }
            ensure!(
                !trigger.address.is_empty(),
                "[[trigger.redis]] of {component:?} has no address and [application.trigger.redis] gives none"
            );
        }
        Ok(Manifest {
            dir: dir.to_owned(),
            application,
            variables: self.variables,
            http: self.trigger.http,
            redis,
            components: self.component,
        })
    }
}
