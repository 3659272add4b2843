//! The closed list of manifest keys.
//!
//! Every table of `spin.toml` has the keys that the host honours and the keys that only stock Spin honours. The
//! second kind is refused in those words, so that nobody believes a grant or a mount that is not there; anything
//! else is refused as unknown.

use anyhow::{bail, ensure};
use toml::{Table, Value};

/// The keys of one table.
struct Keys {
    /// Honoured here.
    known: &'static [&'static str],
    /// Honoured by stock Spin only.
    spin_only: &'static [&'static str],
}

const ROOT: Keys =
    Keys { known: &["spin_manifest_version", "application", "variables", "trigger", "component"], spin_only: &[] };
const APPLICATION: Keys =
    Keys { known: &["name", "version", "description", "authors", "trigger", "tool"], spin_only: &["targets"] };
const APPLICATION_TRIGGER: Keys = Keys { known: &["http", "redis"], spin_only: &["mqtt", "cron", "command", "sqs"] };
const APPLICATION_HTTP: Keys = Keys { known: &["base"], spin_only: &[] };
const APPLICATION_REDIS: Keys = Keys { known: &["address"], spin_only: &[] };
const VARIABLE: Keys = Keys { known: &["description", "required", "default", "secret"], spin_only: &[] };
const TRIGGER: Keys = Keys { known: &["http", "redis"], spin_only: &["mqtt", "cron", "command", "sqs"] };
const TRIGGER_HTTP: Keys = Keys {
    known: &["id", "route", "component"],
    spin_only: &["executor", "static_response", "components", "dependencies"],
};
const TRIGGER_REDIS: Keys =
    Keys { known: &["id", "address", "channel", "component"], spin_only: &["components", "dependencies"] };
const COMPONENT: Keys = Keys {
    known: &[
        "source",
        "description",
        "variables",
        "environment",
        "allowed_outbound_hosts",
        "key_value_stores",
        "build",
        "tool",
    ],
    spin_only: &[
        "files",
        "exclude_files",
        "allowed_http_hosts",
        "sqlite_databases",
        "ai_models",
        "targets",
        "dependencies",
        "dependencies_inherit_configuration",
        "profile",
    ],
};
const BUILD: Keys = Keys { known: &["command", "workdir", "watch"], spin_only: &[] };

/// Checks every key of a manifest against the closed list.
///
/// # Errors
/// The version is not 2, a key is unknown, or a key is one that only stock Spin knows.
pub fn check(manifest: &Table) -> anyhow::Result<()> {
    match manifest.get("spin_manifest_version") {
        Some(Value::Integer(2)) => {}
        Some(Value::String(version)) if version == "1" => {
            bail!("Spin knows manifest version 1; the embedded host does not: set `spin_manifest_version = 2`")
        }
        Some(other) => bail!("`spin_manifest_version` must be 2, not {other}"),
        None => bail!("`spin_manifest_version = 2` is missing"),
    }
    ROOT.check(manifest, "the manifest")?;
    if let Some(application) = table(manifest, "application") {
        check_application(application)?;
    }
    for (name, variable) in tables(manifest, "variables") {
        VARIABLE.check(variable, &format!("[variables] {name}"))?;
    }
    if let Some(trigger) = table(manifest, "trigger") {
        TRIGGER.check(trigger, "[trigger]")?;
        for http in array(trigger, "http") {
            TRIGGER_HTTP.check(http, "[[trigger.http]]")?;
            no_inline_component(http, "[[trigger.http]]")?;
            if let Some(Value::Table(route)) = http.get("route") {
                Keys { known: &["private"], spin_only: &[] }.check(route, "[[trigger.http]] route")?;
            }
        }
        for redis in array(trigger, "redis") {
            TRIGGER_REDIS.check(redis, "[[trigger.redis]]")?;
            no_inline_component(redis, "[[trigger.redis]]")?;
        }
    }
    for (id, component) in tables(manifest, "component") {
        let place = format!("[component.{id}]");
        COMPONENT.check(component, &place)?;
        if let Some(build) = table(component, "build") {
            BUILD.check(build, &format!("[component.{id}.build]"))?;
        }
        ensure!(
            !matches!(component.get("source"), Some(Value::Table(_))),
            "Spin knows sources by `url` and `registry`; the embedded host does not: {place} source must be a path"
        );
    }
    Ok(())
}

fn check_application(application: &Table) -> anyhow::Result<()> {
    APPLICATION.check(application, "[application]")?;
    let Some(trigger) = table(application, "trigger") else { return Ok(()) };
    APPLICATION_TRIGGER.check(trigger, "[application.trigger]")?;
    if let Some(http) = table(trigger, "http") {
        APPLICATION_HTTP.check(http, "[application.trigger.http]")?;
        ensure!(
            http.get("base").and_then(Value::as_str) == Some("/"),
            "[application.trigger.http] base: this deprecated field must be \"/\" or absent; prepend it to each route"
        );
    }
    if let Some(redis) = table(trigger, "redis") {
        APPLICATION_REDIS.check(redis, "[application.trigger.redis]")?;
    }
    Ok(())
}

fn no_inline_component(trigger: &Table, place: &str) -> anyhow::Result<()> {
    ensure!(
        !matches!(trigger.get("component"), Some(Value::Table(_))),
        "Spin knows inline components; the embedded host does not: {place} component must be an id"
    );
    Ok(())
}

impl Keys {
    fn check(&self, table: &Table, place: &str) -> anyhow::Result<()> {
        for key in table.keys() {
            if self.spin_only.contains(&key.as_str()) {
                bail!("Spin knows `{key}`; the embedded host does not: remove it from {place} or run stock Spin");
            }
            if !self.known.contains(&key.as_str()) {
                bail!("unknown key `{key}` in {place}; known here: {}", self.known.join(", "));
            }
        }
        Ok(())
    }
}

fn table<'a>(parent: &'a Table, key: &str) -> Option<&'a Table> {
    parent.get(key).and_then(Value::as_table)
}

fn tables<'a>(parent: &'a Table, key: &str) -> impl Iterator<Item = (&'a String, &'a Table)> {
    table(parent, key).into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_table()?)))
}

fn array<'a>(parent: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    parent.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}
