//! spin.toml: each component gets its own store, its own Redis user, named hosts, declared variables, and nothing else.
use std::collections::BTreeSet;
use std::fs;

use toml::{Table, Value};

use crate::{assert_none, root};

/// The two components that may reach any host, over https alone: they send webhooks, woken by Redis or by a request.
const SENDERS: [&str; 2] = ["webhooks-worker", "webhooks-drain"];

fn complaints(manifest: &Table, functions: &BTreeSet<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    let Some(Value::Table(components)) = manifest.get("component") else {
        return vec!["the manifest has no component".to_owned()];
    };
    let declared: BTreeSet<&str> = manifest
        .get("variables")
        .and_then(Value::as_table)
        .map(|variables| variables.keys().map(String::as_str).collect())
        .unwrap_or_default();
    for missing in functions.iter().filter(|name| !components.contains_key(*name)) {
        complaints.push(format!("function {missing} is not in the manifest"));
    }
    for (id, component) in components {
        if !functions.contains(id) {
            complaints.push(format!("component {id} has no folder in functions/"));
        }
        let context = context_of(id);
        let source = format!("target/wasm32-wasip2/component/{}.wasm", id.replace('-', "_"));
        if component.get("source").and_then(Value::as_str) != Some(&source) {
            complaints.push(format!("component {id} is not built from {source}"));
        }
        let stores = strings(component.get("key_value_stores"));
        if stores.iter().any(|store| store != context) {
            complaints.push(format!("component {id} is granted the stores {stores:?}, not only its own"));
        }
        for host in strings(component.get("allowed_outbound_hosts")) {
            if (host.contains('*') || host.contains("://0.0.0.0"))
                && !(SENDERS.contains(&id.as_str()) && host == "https://*:*")
            {
                complaints.push(format!("component {id} may reach {host}"));
            }
            complaints.extend(undeclared(id, &host, &declared));
        }
        for (name, value) in component.get("variables").and_then(Value::as_table).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            complaints.extend(undeclared(id, value, &declared));
            let own = format!("{{{{ {context}_redis_url }}}}");
            if (name == "redis_url" || value.contains("_redis_url")) && value != own {
                complaints.push(format!("component {id} logs in to Redis with {value}"));
            }
        }
        let build = |key: &str| component.get("build").and_then(|build| build.get(key)).is_some();
        if !build("command") || !build("watch") {
            complaints.push(format!("component {id} does not say how it is built and what to watch"));
        }
    }
    complaints
}

/// The context whose function this is: `users-worker` and `users-sessions` are of `users`.
fn context_of(function: &str) -> &str {
    function.split('-').next().unwrap_or(function)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn undeclared(id: &str, template: &str, declared: &BTreeSet<&str>) -> Option<String> {
    let name = template.split_once("{{")?.1.split_once("}}")?.0.trim();
    (!declared.contains(name)).then(|| format!("component {id} uses the variable {name}, which is not declared"))
}

#[test]
fn every_component_is_granted_its_own_and_nothing_else() {
    let manifest: Table = fs::read_to_string(root().join("spin.toml")).unwrap().parse().unwrap();
    let functions = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_none(&complaints(&manifest, &functions));
}

#[test]
fn finds_each_fault() {
    let sound = "[variables]\nredis_address = {}\nusers_redis_url = {}\npayments_redis_url = {}\n\
        [component.users]\nsource = \"target/wasm32-wasip2/component/users.wasm\"\n\
        key_value_stores = [\"users\"]\nallowed_outbound_hosts = [\"{{ redis_address }}\"]\n\
        [component.users.variables]\nredis_url = \"{{ users_redis_url }}\"\n\
        [component.users.build]\ncommand = \"cargo build\"\nwatch = []\n";
    let check = |manifest: &str| complaints(&manifest.parse().unwrap(), &BTreeSet::from(["users".to_owned()]));
    assert_none(&check(sound));
    for (from, to) in [
        ("[\"users\"]", "[\"users\", \"payments\"]"),
        ("[\"users\"]", "[\"default\"]"),
        ("[\"{{ redis_address }}\"]", "[\"https://*:*\"]"),
        ("[\"{{ redis_address }}\"]", "[\"{{ nowhere_url }}\"]"),
        ("{{ users_redis_url }}", "{{ payments_redis_url }}"),
        ("component/users.wasm", "component/other.wasm"),
        ("watch = []\n", ""),
        (
            "[component.users]\n",
            "[component.payments]\nsource = \"target/wasm32-wasip2/component/payments.wasm\"\nbuild = { command = \"\", watch = [] }\n[component.users]\n",
        ),
    ] {
        let manifest = sound.replacen(from, to, 1);
        assert_eq!(check(&manifest).len(), 1, "{from} → {to}: {:?}", check(&manifest));
    }
}

/// What a drain is granted that its worker is not: the edge of an HTTP function.
const EDGE: [&str; 4] = ["service_token_key", "trusted_hops", "rate_limits", "cors_origins"];

/// Chained in process where the worker calls over the network.
const CHAINED: [(&str, &str); 2] = [("users_worker_url", "users_desk_url"), ("acquirer_worker_url", "acquirer_url")];

/// Where a drain is granted anything else than its worker.
fn differences(manifest: &Table, context: &str) -> Vec<String> {
    let component = |kind: &str| manifest.get("component")?.get(format!("{context}-{kind}"))?.as_table();
    let (Some(worker), Some(drain)) = (component("worker"), component("drain")) else {
        return vec![format!("{context} has no worker and drain")];
    };
    let chained = |text: &str| CHAINED.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let variables = |table: &Table| -> BTreeSet<(String, String)> {
        let pairs = table.get("variables").and_then(Value::as_table).into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let of_edge = |name: &&str| ((*name).to_owned(), format!("{{{{ {name} }}}}"));
    let mut wanted: BTreeSet<_> = variables(worker).into_iter().map(|(name, value)| (name, chained(&value))).collect();
    wanted.extend(EDGE.iter().map(of_edge));
    let mut found = Vec::new();
    if variables(drain) != wanted {
        found.push(format!("{context}-drain is given {:?}, not {wanted:?}", variables(drain)));
    }
    for list in ["key_value_stores", "allowed_outbound_hosts"] {
        let (of_worker, of_drain) = (strings(worker.get(list)), strings(drain.get(list)));
        let wanted: Vec<String> = of_worker.iter().map(|text| chained(text)).collect();
        if of_drain != wanted {
            found.push(format!("{context}-drain has {list} {of_drain:?}, not {wanted:?}"));
        }
    }
    found
}

#[test]
fn a_drain_is_granted_what_its_worker_is_and_the_edge() {
    let manifest: Table = fs::read_to_string(root().join("spin.toml")).unwrap().parse().unwrap();
    let components = manifest.get("component").and_then(Value::as_table).unwrap();
    let contexts: Vec<&str> = components.keys().filter_map(|id| id.strip_suffix("-drain")).collect();
    assert!(contexts.len() > 5, "{contexts:?}");
    assert_none(&contexts.iter().flat_map(|context| differences(&manifest, context)).collect::<Vec<_>>());
}

#[test]
fn finds_where_a_drain_and_its_worker_part() {
    let edge: String = EDGE.iter().map(|name| format!("{name} = \"{{{{ {name} }}}}\"\n")).collect();
    let sound = format!(
        "[component.users-worker]\nkey_value_stores = [\"users\"]\n\
         allowed_outbound_hosts = [\"{{{{ redis_address }}}}\", \"{{{{ users_worker_url }}}}\"]\n\
         [component.users-worker.variables]\nusers_url = \"{{{{ users_worker_url }}}}\"\n\
         [component.users-drain]\nkey_value_stores = [\"users\"]\n\
         allowed_outbound_hosts = [\"{{{{ redis_address }}}}\", \"{{{{ users_desk_url }}}}\"]\n\
         [component.users-drain.variables]\nusers_url = \"{{{{ users_desk_url }}}}\"\n{edge}"
    );
    let check = |manifest: &str| differences(&manifest.parse().unwrap(), "users");
    assert_none(&check(&sound));
    for (from, to) in [
        ("\"{{ users_desk_url }}\"]", "\"{{ users_desk_url }}\", \"{{ mail_url }}\"]"),
        ("users_url = \"{{ users_desk_url }}\"", "users_url = \"{{ users_worker_url }}\""),
        ("cors_origins = \"{{ cors_origins }}\"\n", ""),
        ("[component.users-drain]\nkey_value_stores = [\"users\"]\n", "[component.users-drain]\n"),
    ] {
        assert_eq!(check(&sound.replacen(from, to, 1)).len(), 1, "{from} → {to}");
    }
}
