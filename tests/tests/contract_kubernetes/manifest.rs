//! What `spin.toml` says: components, what they are granted, how they are reached.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The manifest, as far as it matters here.
#[derive(Deserialize)]
pub struct Manifest {
    pub variables: BTreeMap<String, Variable>,
    pub trigger: Triggers,
    pub component: BTreeMap<String, Component>,
}

#[derive(Deserialize)]
pub struct Variable {
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub secret: bool,
    pub default: Option<String>,
}

#[derive(Deserialize)]
pub struct Triggers {
    pub http: Vec<HttpTrigger>,
    pub redis: Vec<RedisTrigger>,
}

#[derive(Deserialize)]
pub struct HttpTrigger {
    pub route: Route,
    pub component: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Route {
    Path(String),
    Private {
        #[expect(dead_code, reason = "only its presence matters")]
        private: bool,
    },
}

#[derive(Deserialize)]
pub struct RedisTrigger {
    pub address: String,
    pub component: String,
}

#[derive(Deserialize)]
pub struct Component {
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

impl Manifest {
    pub fn read(text: &str) -> Result<Self> {
        toml::from_str(text).context("reading spin.toml")
    }

    /// The application variables that a component uses: in its variables, its hosts, its triggers' addresses.
    pub fn variables_of(&self, id: &str) -> BTreeSet<&str> {
        let addresses =
            self.trigger.redis.iter().filter(|trigger| trigger.component == id).map(|trigger| &trigger.address);
        let values = self.component.get(id).into_iter().flat_map(|component| component.variables.values());
        let used = values.chain(addresses).flat_map(|template| expressions(template));
        used.chain(self.hosts_of(id)).collect()
    }

    /// Whether a component may reach any host over https.
    pub fn reaches_any_host(&self, id: &str) -> bool {
        self.component
            .get(id)
            .is_some_and(|component| component.allowed_outbound_hosts.iter().any(|host| host == "https://*:*"))
    }

    /// The application variables that name hosts which a component may reach.
    pub fn hosts_of(&self, id: &str) -> BTreeSet<&str> {
        let hosts = self.component.get(id).into_iter().flat_map(|component| &component.allowed_outbound_hosts);
        hosts.flat_map(|host| expressions(host)).collect()
    }

    /// Whether a component is woken by requests, be it from inside only.
    pub fn is_http(&self, id: &str) -> bool {
        self.trigger.http.iter().any(|trigger| trigger.component == id)
    }
}

/// The names in `{{ … }}`.
fn expressions(template: &str) -> impl Iterator<Item = &str> {
    template.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim())
}
