//! Questions to a rendered overlay: who runs what, is given what, may speak to whom.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value lacks reads as null")]

use crate::render;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An overlay.
pub struct Cluster {
    pub name: &'static str,
    pub resources: Vec<Value>,
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    Secret { name: String, key: String },
    Configuration(String),
    Literal(String),
}

/// A side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side<'a> {
    /// Our pod of that name.
    Pod(&'a str),
    /// A pod of the ingress controller.
    IngressController,
    /// A public address.
    Outside,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Cluster {
    pub fn overlay(name: &'static str) -> Result<Self> {
        let folder = root().join("infra/k8s/overlays").join(name);
        Ok(Self { name, resources: render::render(&folder)? })
    }

    pub fn both() -> Result<[Self; 2]> {
        Ok([Self::overlay("local")?, Self::overlay("production")?])
    }

    pub fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.resources.iter().filter(move |resource| resource["kind"] == kind)
    }

    pub fn find(&self, kind: &'static str, name: &str) -> Result<&Value> {
        self.of_kind(kind)
            .find(|resource| name_of(resource) == name)
            .with_context(|| format!("there is no {kind} {name}"))
    }

    /// The SpinApps by name.
    pub fn apps(&self) -> BTreeMap<&str, &Value> {
        self.of_kind("SpinApp").map(|app| (name_of(app), app)).collect()
    }

    /// What an app is given for a variable of the manifest.
    pub fn given(&self, app: &Value, variable: &str) -> Result<Option<Given>> {
        let mut entries = list(&app["spec"]["variables"]).filter(|entry| entry["name"] == variable);
        let Some(entry) = entries.next() else { return Ok(None) };
        if entries.next().is_some() {
            bail!("{} is given {variable} twice", name_of(app));
        }
        if let Some(literal) = entry["value"].as_str() {
            return Ok(Some(Given::Literal(literal.to_owned())));
        }
        let reference = |kind: &str| {
            let reference = &entry["valueFrom"][kind];
            Some((reference["name"].as_str()?.to_owned(), reference["key"].as_str()?.to_owned()))
        };
        if let Some((name, key)) = reference("secretKeyRef") {
            return Ok(Some(Given::Secret { name, key }));
        }
        let (name, key) = reference("configMapKeyRef").context("a variable without a value")?;
        let value = self.find("ConfigMap", &name)?["data"][&key].as_str();
        Ok(Some(Given::Configuration(value.with_context(|| format!("{name} has no {key}"))?.to_owned())))
    }

    /// Whether the policies let a connection through, on both of its sides.
    pub fn lets_through(&self, from: Side<'_>, to: Side<'_>, port: u64) -> bool {
        let leaves = match from {
            Side::Pod(name) => self.one_allows(name, "egress", "to", to, port),
            _ => true,
        };
        let enters = match to {
            Side::Pod(name) => self.one_allows(name, "ingress", "from", from, port),
            _ => true,
        };
        leaves && enters
    }

    fn one_allows(&self, pod: &str, direction: &str, peers: &str, other: Side<'_>, port: u64) -> bool {
        self.of_kind("NetworkPolicy").filter(|policy| selects(&policy["spec"]["podSelector"], pod)).any(|policy| {
            list(&policy["spec"][direction]).any(|rule| {
                list(&rule["ports"]).any(|open| open["port"] == port && open["protocol"] == "TCP")
                    && list(&rule[peers]).any(|peer| names(peer, other))
            })
        })
    }
}

/// Whether an entry of a policy names that side. A pod selector without a namespace means our own namespace.
fn names(peer: &Value, side: Side<'_>) -> bool {
    match side {
        Side::Pod(name) => {
            peer["namespaceSelector"].is_null() && !peer["podSelector"].is_null() && selects(&peer["podSelector"], name)
        }
        Side::IngressController => {
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == "ingress-nginx"
        }
        Side::Outside => !peer["ipBlock"].is_null(),
    }
}

/// Whether a selector selects our pod of that name; pods are told apart by one label.
pub fn selects(selector: &Value, name: &str) -> bool {
    const NAME: &str = "app.kubernetes.io/name";
    let by_label = selector["matchLabels"]
        .as_object()
        .is_none_or(|labels| labels.iter().all(|(label, value)| label == NAME && value == name));
    let by_expression = list(&selector["matchExpressions"]).all(|expression| {
        expression["key"] == NAME
            && expression["operator"] == "In"
            && list(&expression["values"]).any(|value| value == name)
    });
    by_label && by_expression
}

pub fn name_of(resource: &Value) -> &str {
    resource["metadata"]["name"].as_str().unwrap_or_default()
}

/// The elements of a list; none where there is no list.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

/// The texts of a list.
pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}
