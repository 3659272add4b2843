//! A small kustomize: the keys that `infra/k8s` uses, and a refusal for every other. `kubectl kustomize` is compared with
//! it where it is installed.
#![expect(clippy::indexing_slicing, reason = "a member that a JSON value lacks reads as null")]

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Kustomization {
    api_version: String,
    kind: String,
    resources: Vec<PathBuf>,
    #[serde(default)]
    labels: Vec<Labels>,
    namespace: Option<String>,
    #[serde(default)]
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    pairs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    path: PathBuf,
    target: Option<Target>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    kind: String,
    name: Option<String>,
}

/// One step of a JSON patch (RFC 6902).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    op: String,
    path: String,
    value: Value,
}

/// Every document of a YAML text.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let all: Result<Vec<Value>, _> = serde_yaml_ng::Deserializer::from_str(text).map(Value::deserialize).collect();
    Ok(all?.into_iter().filter(|document| !document.is_null()).collect())
}

/// The resources of a folder with a kustomization.
pub fn render(folder: &Path) -> Result<Vec<Value>> {
    let text =
        fs::read_to_string(folder.join("kustomization.yaml")).with_context(|| format!("in {}", folder.display()))?;
    let plan: Kustomization = serde_yaml_ng::from_str(&text)?;
    ensure!(plan.api_version == "kustomize.config.k8s.io/v1beta1" && plan.kind == "Kustomization", "{}", plan.kind);
    let mut resources = Vec::new();
    for path in &plan.resources {
        let path = folder.join(path);
        if path.is_dir() {
            resources.extend(render(&path)?);
        } else {
            resources.extend(documents(&fs::read_to_string(&path).with_context(|| path.display().to_string())?)?);
        }
    }
    for patch in &plan.patches {
        let text = fs::read_to_string(folder.join(&patch.path))?;
        apply(patch, &text, &mut resources).with_context(|| patch.path.display().to_string())?;
    }
    for resource in &mut resources {
        let namespaced = resource["kind"] != "Namespace";
        let metadata = resource["metadata"].as_object_mut().context("a resource without metadata")?;
        if let Some(namespace) = plan.namespace.as_ref().filter(|_| namespaced) {
            metadata.insert("namespace".to_owned(), namespace.clone().into());
        }
        let labels = metadata.entry("labels").or_insert_with(|| Map::new().into());
        for (name, value) in plan.labels.iter().flat_map(|labels| &labels.pairs) {
            labels[name] = value.clone().into();
        }
    }
    Ok(resources)
}

fn apply(patch: &Patch, text: &str, resources: &mut [Value]) -> Result<()> {
    let body: Value = serde_yaml_ng::from_str(text)?;
    let (kind, name) = match &patch.target {
        Some(target) => (Value::from(target.kind.clone()), target.name.clone().map(Value::from)),
        None => (body["kind"].clone(), Some(body["metadata"]["name"].clone())),
    };
    let fits = |resource: &&mut Value| {
        resource["kind"] == kind && name.as_ref().is_none_or(|name| resource["metadata"]["name"] == *name)
    };
    let mut count = 0;
    for resource in resources.iter_mut().filter(fits) {
        count += 1;
        if body.is_array() {
            let steps: Vec<Step> = serde_json::from_value(body.clone())?;
            steps.iter().try_for_each(|step| take(step, resource))?;
        } else {
            merge(resource, &body)?;
        }
    }
    ensure!(count > 0, "nothing fits the patch");
    Ok(())
}

fn take(step: &Step, resource: &mut Value) -> Result<()> {
    let (parent, last) = step.path.rsplit_once('/').context("a path starts with a slash")?;
    let parent = resource.pointer_mut(parent).with_context(|| format!("there is no {parent}"))?;
    match (step.op.as_str(), parent) {
        ("add", Value::Array(list)) if last == "-" => list.push(step.value.clone()),
        ("add", Value::Object(map)) => {
            map.insert(last.to_owned(), step.value.clone());
        }
        ("replace", parent) => {
            let place =
                parent.pointer_mut(&format!("/{last}")).with_context(|| format!("there is no {}", step.path))?;
            *place = step.value.clone();
        }
        (op, _) => bail!("`{op}` at {} is more than this renderer knows", step.path),
    }
    Ok(())
}

/// A strategic merge of maps; lists would need schemas, and are refused.
fn merge(into: &mut Value, from: &Value) -> Result<()> {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value)?;
            }
        }
        (_, Value::Array(_)) => bail!("a list in a merge patch: write it as a JSON patch"),
        (into, from) => *into = from.clone(),
    }
    Ok(())
}
