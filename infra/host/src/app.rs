//! An application ready to run: manifest, runtime configuration and compiled components put together, everything
//! checked that can be checked before the first request.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::Semaphore;
use wasmtime::{Engine, component::InstancePre};

use crate::{
    engine,
    instance::{Grants, Host},
    key_value::{Backends, check_labels},
    manifest::{HttpTrigger, Manifest, RedisTrigger},
    outbound::{allowed_hosts::AllowedHosts, http::HttpClients},
    runtime_config::RuntimeConfig,
    stdio::{Follow, Output},
    variables::Variables,
};

/// An application ready to run.
pub struct App {
    /// The engine its components were compiled for.
    pub engine: Engine,
    /// Its name.
    pub name: String,
    /// Its version; empty if it has none.
    pub version: String,
    /// Components that a trigger names, by id.
    pub components: BTreeMap<String, Loaded>,
    /// HTTP triggers of the components that were selected.
    pub http: Vec<HttpTrigger>,
    /// Redis triggers of the components that were selected, templates filled.
    pub redis: Vec<RedisTrigger>,
}

/// A component, compiled and linked.
pub struct Loaded {
    /// What it is granted.
    pub grants: Arc<Grants>,
    /// Ready to be instantiated.
    pub pre: InstancePre<Host>,
    /// What it says of itself.
    pub description: String,
}

/// What to run and how to show it.
pub struct Options<'a> {
    /// `--component-id`; empty for all.
    pub selected: &'a [String],
    /// Values given on the command line come first.
    pub variables: crate::variables::providers::Provider,
    /// Whose output is shown.
    pub follow: Follow,
    /// Whether log files start empty.
    pub truncate_logs: bool,
    /// Where compiled components are kept; None for nowhere.
    pub cache_dir: Option<&'a Path>,
}

impl App {
    /// Puts the application together.
    ///
    /// # Errors
    /// A required variable has no value, a label has no backend, a host entry is malformed, a component cannot be
    /// loaded or imports what the host does not offer, a selected component does not exist or chains to one that is
    /// not selected.
    pub fn assemble(manifest: Manifest, config: RuntimeConfig, options: Options<'_>) -> anyhow::Result<Self> {
        let selected = |id: &str| options.selected.is_empty() || options.selected.iter().any(|selected| selected == id);
        for id in options.selected {
            ensure!(manifest.components.contains_key(id), "--component-id {id}: no such component in the manifest");
        }
        if let Follow::Only(ids) = &options.follow {
            for id in ids {
                ensure!(manifest.components.contains_key(id), "--follow {id}: no such component in the manifest");
            }
        }
        let http: Vec<_> = manifest.http.into_iter().filter(|trigger| selected(&trigger.component)).collect();
        let redis: Vec<_> = manifest.redis.into_iter().filter(|trigger| selected(&trigger.component)).collect();
        ensure!(!http.is_empty() || !redis.is_empty(), "the application has no trigger to run");

        let mut providers = vec![options.variables];
        providers.extend(config.providers);
        let variables = Variables::resolve(&manifest.variables, &providers)?;
        let redis: Vec<RedisTrigger> =
            redis.into_iter().map(|trigger| fill_trigger(trigger, &variables)).collect::<anyhow::Result<_>>()?;

        if let Some(dir) = &config.log_dir {
            std::fs::create_dir_all(dir).with_context(|| format!("cannot create the log folder {}", dir.display()))?;
            eprintln!("Logging component stdio to {}", dir.join("").display());
        }
        let engine = engine::engine(options.cache_dir)?;
        let linker = engine::linker(&engine)?;
        let shared = Shared {
            variables,
            backends: Arc::new(config.backends),
            clients: Arc::new(HttpClients::new(&config.outbound_http, config.blocked.clone())?),
            redis_permits: config.max_redis_connections.map(|max| Arc::new(Semaphore::new(max))),
            blocked: config.blocked,
            ids: manifest.components.keys().cloned().collect(),
        };

        let mut wanted = BTreeMap::new();
        for (id, component) in &manifest.components {
            check_labels(id, component, &shared.backends)?;
            let allowed = shared.allowed(component).with_context(|| format!("component {id}"))?;
            let triggered = http.iter().any(|trigger| trigger.component == *id)
                || redis.iter().any(|trigger| trigger.component == *id);
            if !triggered {
                continue;
            }
            if !options.selected.is_empty() {
                check_chaining(id, &allowed, options.selected)?;
            }
            let open =
                |stream| Output::open(id, stream, config.log_dir.as_deref(), &options.follow, options.truncate_logs);
            let grants = Grants {
                id: id.clone(),
                variables: shared
                    .variables
                    .fill_all(&component.variables)
                    .with_context(|| format!("component {id}"))?,
                environment: component.environment.clone(),
                stores: component.key_value_stores.iter().cloned().collect(),
                backends: shared.backends.clone(),
                allowed: Arc::new(allowed),
                blocked: shared.blocked.clone(),
                clients: shared.clients.clone(),
                redis_permits: shared.redis_permits.clone(),
                stdout: open("stdout")?,
                stderr: open("stderr")?,
            };
            wanted.insert(id.clone(), (component, Arc::new(grants), manifest.dir.join(&component.source)));
        }

        let compiled =
            engine::load_all(&engine, wanted.iter().map(|(id, (_, _, path))| (id.as_str(), path.as_path())))?;
        let mut components = BTreeMap::new();
        for ((id, (component, grants, _)), compiled) in wanted.into_iter().zip(compiled) {
            let pre = linker
                .instantiate_pre(&compiled)
                .map_err(anyhow::Error::from)
                .with_context(|| format!("component {id}"))?;
            components.insert(id, Loaded { grants, pre, description: component.description.clone() });
        }
        Ok(Self {
            engine,
            name: manifest.application.name,
            version: manifest.application.version,
            components,
            http,
            redis,
        })
    }
}

/// What the components of an application have in common.
struct Shared {
    variables: Variables,
    backends: Arc<Backends>,
    clients: Arc<HttpClients>,
    redis_permits: Option<Arc<Semaphore>>,
    blocked: Arc<crate::outbound::blocked_networks::BlockedNetworks>,
    ids: Vec<String>,
}

impl Shared {
    fn allowed(&self, component: &crate::manifest::Component) -> anyhow::Result<AllowedHosts> {
        AllowedHosts::parse(&component.allowed_outbound_hosts, &self.variables, self.ids.iter().cloned())
    }
}

fn fill_trigger(trigger: RedisTrigger, variables: &Variables) -> anyhow::Result<RedisTrigger> {
    let place = || format!("[[trigger.redis]] of {}", trigger.component);
    Ok(RedisTrigger {
        address: variables.fill(&trigger.address).with_context(place)?,
        channel: variables.fill(&trigger.channel).with_context(place)?,
        component: trigger.component,
    })
}

fn check_chaining(id: &str, allowed: &AllowedHosts, selected: &[String]) -> anyhow::Result<()> {
    for target in allowed.chained_components() {
        if target == "*" {
            bail!(
                "Selected component '{id}' cannot use wildcard service chaining: allowed_outbound_hosts = [\"http://*.spin.internal\"]"
            );
        }
        ensure!(
            selected.iter().any(|selected| selected == target),
            "Selected component '{id}' cannot use service chaining to unselected component: allowed_outbound_hosts = [\"http://{target}.spin.internal\"]"
        );
    }
    Ok(())
}
