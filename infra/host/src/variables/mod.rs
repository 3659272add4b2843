//! Application variables: who gives a value, templates over them, and the import `spin:variables`.
//!
//! All providers are fixed once the host runs, so every value is resolved once, at start; stock Spin asks on each
//! call and gets the same answer.

pub mod providers;
pub mod template;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, bail};
use wasmtime::component::Accessor;

use crate::{
    bindings::{SpinImports, variables as wit},
    instance::Host,
    manifest::{Variable, ids},
};
use providers::Provider;
use template::Template;

/// The value of every application variable.
#[derive(Debug, Default)]
pub struct Variables(HashMap<String, String>);

impl Variables {
    /// Asks the providers in order, the first answer wins, then the defaults.
    ///
    /// # Errors
    /// A provider fails, or a required variable has no value; all such are named at once.
    pub fn resolve(declared: &BTreeMap<String, Variable>, providers: &[Provider]) -> anyhow::Result<Self> {
        let mut values = HashMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let mut value = None;
            for provider in providers {
                value = provider.get(name)?;
                if value.is_some() {
                    break;
                }
            }
            match value.or_else(|| variable.default.clone()) {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(name.as_str()),
            }
        }
        if !missing.is_empty() {
            bail!("no provider resolved required variable(s): {}", missing.join(", "));
        }
        Ok(Self(values))
    }

    /// Fills a template.
    ///
    /// # Errors
    /// The template is malformed or names a variable that the application does not declare.
    pub fn fill(&self, template: &str) -> anyhow::Result<String> {
        Template::parse(template)?
            .fill(|name| self.0.get(name).map(String::as_str))
            .map_err(|name| anyhow::anyhow!("invalid variable template: unknown variable {name:?}"))
    }

    /// Fills the templates of one component.
    ///
    /// # Errors
    /// As [`Variables::fill`], naming the component's variable.
    pub fn fill_all(&self, templates: &BTreeMap<String, String>) -> anyhow::Result<HashMap<String, String>> {
        templates
            .iter()
            .map(|(name, template)| {
                Ok((name.clone(), self.fill(template).with_context(|| format!("variable {name}"))?))
            })
            .collect()
    }
}

impl wit::Host for Host {}

impl<T: Send> wit::HostWithStore<T> for SpinImports {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, wit::Error>> {
        if let Err(fault) = ids::variable(&name) {
            return Ok(Err(wit::Error::InvalidName(fault.to_string())));
        }
        Ok(accessor.with(|mut access| {
            let component = &access.get().component;
            component
                .variables
                .get(&name)
                .cloned()
                .ok_or_else(|| wit::Error::Undefined(format!("no variable for {:?}.{name:?}", component.id)))
        }))
    }
}
