//! `infra/k8s` against `spin.toml`: what one machine grants, the cluster grants, and no more. Needs no cluster.

mod cluster;
mod manifest;
mod render;
mod secrets;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Given, Side, list, name_of, root, selects, texts};
use manifest::{Manifest, Route};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use support::RedisServer;

/// Left out on purpose: a cluster has Redis triggers, so each of these has a worker that does the same (decision 15).
const DRAINS: [&str; 6] =
    ["notifications-drain", "operations-drain", "payments-drain", "queries-drain", "users-drain", "webhooks-drain"];
/// What stands for a secret that an app has no use for.
const NOT_GRANTED: &str = "not-granted";
/// Answered by Spin itself, without a component.
const HOST_HEALTH: &str = "/.well-known/spin/health";

fn manifest() -> Result<Manifest> {
    Manifest::read(&fs::read_to_string(root().join("spin.toml"))?)
}

/// The name of the SpinApp that a URL of a peer leads to, if it is one of this cluster.
fn service_of(url: &str) -> Option<&str> {
    url.strip_prefix("http://")?.strip_suffix(".spindrift.svc.cluster.local")
}

#[test]
fn every_resource_fits_the_schema() -> Result<()> {
    let schema: Value = serde_yaml_ng::from_str(&fs::read_to_string(root().join("infra/k8s/schema.yaml"))?)?;
    let validator = jsonschema::validator_for(&schema)?;
    let mut wrong = Vec::new();
    for cluster in Cluster::both()? {
        for resource in &cluster.resources {
            let place = format!("{}: {} {}", cluster.name, resource["kind"], name_of(resource));
            wrong.extend(
                validator.iter_errors(resource).map(|error| format!("{place}: {error} at {}", error.instance_path())),
            );
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The schema must be able to refuse: a slip in a field's name, a value of the wrong form, a field left out.
    let cluster = Cluster::overlay("production")?;
    for (kind, pointer, value) in [
        ("SpinApp", "/spec/variables/0", serde_json::json!({ "name": "redis_address", "vlaue": "x" })),
        ("SpinApp", "/spec/resources/limits/memory", "lots".into()),
        ("SpinApp", "/spec/replicas", 0.into()),
        ("NetworkPolicy", "/spec/policyTypes", serde_json::json!(["ingress"])),
        ("StatefulSet", "/spec/template/spec/securityContext/runAsNonRoot", false.into()),
    ] {
        let mut spoiled = cluster.of_kind(kind).next().context("no such kind")?.clone();
        *spoiled.pointer_mut(pointer).with_context(|| format!("{kind} has no {pointer}"))? = value;
        ensure!(!validator.is_valid(&spoiled), "the schema takes {pointer} of {kind} spoiled");
    }
    Ok(())
}

#[test]
fn our_rendering_is_that_of_kubectl_where_it_is_installed() -> Result<()> {
    for cluster in Cluster::both()? {
        let folder = root().join("infra/k8s/overlays").join(cluster.name);
        let output = match Command::new("kubectl").arg("kustomize").arg(&folder).output() {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                println!("kubectl is not installed: rendered by our own renderer alone");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let by_name = |resources: Vec<Value>| -> BTreeMap<String, Value> {
            resources
                .into_iter()
                .map(|resource| (format!("{} {}", resource["kind"], name_of(&resource)), resource))
                .collect()
        };
        let theirs = by_name(render::documents(&String::from_utf8(output.stdout)?)?);
        let count = cluster.resources.len();
        let ours = by_name(cluster.resources);
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), count, "two resources of one kind and name");
    }
    Ok(())
}

#[test]
fn every_component_runs_in_exactly_one_app_and_the_sandbox_never_in_production() -> Result<()> {
    let manifest = manifest()?;
    let drains: Vec<&str> = manifest.component.keys().map(String::as_str).filter(|id| id.ends_with("-drain")).collect();
    assert_eq!(drains, DRAINS, "the manifest has others than are left out");
    for cluster in Cluster::both()? {
        let mut running: Vec<&str> =
            cluster.apps().values().flat_map(|app| texts(&app["spec"]["components"])).collect();
        running.sort_unstable();
        let wanted: Vec<&str> = manifest
            .component
            .keys()
            .map(String::as_str)
            .filter(|id| cluster.name == "local" || !id.starts_with("sandbox"))
            .filter(|id| !DRAINS.contains(id))
            .collect();
        assert_eq!(running, wanted, "{}", cluster.name);
        for drain in DRAINS {
            let worker = drain.replace("-drain", "-worker");
            ensure!(running.contains(&worker.as_str()), "{}: nobody does the work of {drain}", cluster.name);
        }
    }
    let production = Cluster::overlay("production")?;
    ensure!(
        !serde_json::to_string(&production.find("ConfigMap", "spindrift")?)?.contains("sandbox"),
        "a URL of the sandbox"
    );
    Ok(())
}

#[test]
fn an_app_is_given_what_its_components_use_and_no_secret_beside() -> Result<()> {
    let manifest = manifest()?;
    for cluster in Cluster::both()? {
        for (name, app) in cluster.apps() {
            let components: Vec<&str> = texts(&app["spec"]["components"]).collect();
            let used: BTreeSet<&str> = components.iter().flat_map(|id| manifest.variables_of(id)).collect();
            for (variable, declared) in &manifest.variables {
                let given = cluster.given(app, variable)?;
                let place = format!("{}: {name} is given {variable} as {given:?}", cluster.name);
                match (used.contains(variable.as_str()), declared.required) {
                    (true, true) => {
                        // One secret a service; a worker shares that of its service.
                        let service = name.trim_end_matches("-worker").to_owned();
                        let wanted = Given::Secret { name: service, key: variable.clone() };
                        ensure!(declared.secret && given == Some(wanted), "{place}");
                    }
                    (true, false) => {
                        let default = declared.default.as_deref().context("neither required nor a default")?;
                        let peer = default.strip_prefix("http://").and_then(|host| host.strip_suffix(".spin.internal"));
                        let local =
                            default.contains("127.0.0.1") || peer.is_some_and(|peer| !components.contains(&peer));
                        ensure!(!declared.secret, "{place}: a secret with a default");
                        ensure!(
                            matches!(given, Some(Given::Configuration(_))) || (given.is_none() && !local),
                            "{place}"
                        );
                    }
                    // Spin wants a value for it all the same.
                    (false, true) => ensure!(given == Some(Given::Literal(NOT_GRANTED.to_owned())), "{place}"),
                    (false, false) => ensure!(given.is_none(), "{place}, which it does not use"),
                }
            }
            for entry in list(&app["spec"]["variables"]) {
                let known = entry["name"].as_str().is_some_and(|variable| manifest.variables.contains_key(variable));
                ensure!(known, "{name} is given {}, which spin.toml does not know", entry["name"]);
            }
        }
    }
    Ok(())
}

#[test]
fn who_may_call_whom_is_what_the_manifest_grants() -> Result<()> {
    let manifest = manifest()?;
    for cluster in Cluster::both()? {
        let apps = cluster.apps();
        for (name, app) in &apps {
            let mut hosts = BTreeSet::new();
            for variable in texts(&app["spec"]["components"]).flat_map(|id| manifest.hosts_of(id)) {
                if let Some(Given::Configuration(url)) = cluster.given(app, variable)? {
                    // A variable that names no host grants none.
                    if !url.is_empty() {
                        hosts.insert(url);
                    }
                }
            }
            for peer in apps.keys() {
                let granted = hosts.iter().any(|url| service_of(url) == Some(peer));
                let open = cluster.lets_through(Side::Pod(name), Side::Pod(peer), 80);
                ensure!(granted == open, "{}: {name} to {peer}: granted {granted}, open {open}", cluster.name);
            }
            let redis = hosts.contains("redis://redis.spindrift.svc.cluster.local:6379");
            let open = cluster.lets_through(Side::Pod(name), Side::Pod("redis"), 6379);
            ensure!(redis == open, "{}: {name} to Redis: granted {redis}, open {open}", cluster.name);
            let any = texts(&app["spec"]["components"]).any(|id| manifest.reaches_any_host(id));
            let outside = any || hosts.iter().any(|url| url.starts_with("https://"));
            let open = cluster.lets_through(Side::Pod(name), Side::Outside, 443);
            ensure!(outside == open, "{}: {name} to the world: granted {outside}, open {open}", cluster.name);
            for url in &hosts {
                let known = url.starts_with("https://")
                    || url.starts_with("redis://")
                    || service_of(url).is_some_and(|peer| apps.contains_key(peer));
                ensure!(known, "{}: {name} is sent to {url}, which nobody serves", cluster.name);
            }
            ensure!(!cluster.lets_through(Side::Pod("redis"), Side::Pod(name), 80), "Redis may call {name}");
        }
        ensure!(cluster.lets_through(Side::Pod("pulse"), Side::Pod("redis"), 6379), "the pulse is shut out");
        ensure!(!cluster.lets_through(Side::IngressController, Side::Pod("redis"), 6379), "Redis is open to the world");
        let shut = cluster.of_kind("NetworkPolicy").any(|policy| {
            policy["spec"] == serde_json::json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] })
        });
        ensure!(shut, "{}: what no policy selects is open", cluster.name);
    }
    Ok(())
}

#[test]
fn the_ingress_leads_to_the_public_routes_of_the_manifest_and_no_others() -> Result<()> {
    let manifest = manifest()?;
    for cluster in Cluster::both()? {
        let mut wanted = BTreeSet::new();
        for trigger in &manifest.trigger.http {
            let Route::Path(route) = &trigger.route else { continue };
            if route.starts_with("/internal/") || (cluster.name == "production" && trigger.component == "sandbox") {
                continue;
            }
            let (path, kind) = match route.strip_suffix("/...") {
                Some("") => ("/", "Prefix"),
                Some(path) => (path, "Prefix"),
                None => (route.as_str(), "Exact"),
            };
            let app = cluster
                .apps()
                .into_iter()
                .find(|(_, app)| texts(&app["spec"]["components"]).any(|id| id == trigger.component));
            wanted.insert((path.to_owned(), kind.to_owned(), app.context("nobody runs it")?.0.to_owned()));
        }
        let ingress = cluster.find("Ingress", "spindrift")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let found: BTreeSet<_> = list(&ingress["spec"]["rules"][0]["http"]["paths"])
            .map(|path| (text(&path["path"]), text(&path["pathType"]), text(&path["backend"]["service"]["name"])))
            .collect();
        assert_eq!(found, wanted, "{}", cluster.name);
        for name in cluster.apps().keys() {
            let behind = found.iter().any(|(_, _, service)| service == name);
            let open = cluster.lets_through(Side::IngressController, Side::Pod(name), 80);
            ensure!(behind == open, "{}: {name} is behind the ingress: {behind}, open to it: {open}", cluster.name);
        }
    }
    Ok(())
}

#[test]
fn what_listens_is_probed_and_what_listens_on_nothing_is_not() -> Result<()> {
    let manifest = manifest()?;
    for (name, app) in Cluster::overlay("local")?.apps() {
        let listens = texts(&app["spec"]["components"]).any(|id| manifest.is_http(id));
        let path = |probe: &str| app["spec"]["checks"][probe]["httpGet"]["path"].as_str().map(str::to_owned);
        ensure!(path("readiness").is_some() == listens, "the readiness probe of {name}");
        // A probe carries no token: of the internal routes it may ask for readiness alone. Whoever has a store asks it.
        let asks_its_store =
            ["users", "payments", "notifications", "queries", "webhooks", "operations"].contains(&name);
        let wanted = format!("/internal/{name}/readyz");
        ensure!((path("readiness") == Some(wanted)) == asks_its_store, "the readiness probe of {name}");
        // A restart does not mend what is missing elsewhere: liveness asks the process alone.
        ensure!(path("liveness") == listens.then(|| HOST_HEALTH.to_owned()), "the liveness probe of {name}");
        ensure!(app["spec"]["podLabels"]["app.kubernetes.io/name"] == name, "the label of {name}");
    }
    Ok(())
}

#[test]
fn in_production_a_node_can_be_emptied_without_an_outage() -> Result<()> {
    let cluster = Cluster::overlay("production")?;
    for (name, app) in cluster.apps() {
        ensure!(app["spec"]["replicas"].as_u64() >= Some(2), "{name} runs once");
        let budgets: Vec<_> = cluster
            .of_kind("PodDisruptionBudget")
            .filter(|budget| selects(&budget["spec"]["selector"], name))
            .collect();
        ensure!(budgets.len() == 1 && budgets[0]["spec"]["minAvailable"] == 1, "the budget of {name}");
    }
    // With one of each, a budget would hold a node for ever.
    ensure!(
        Cluster::overlay("local")?.of_kind("PodDisruptionBudget").next().is_none(),
        "a budget in the local overlay"
    );
    Ok(())
}

#[test]
fn redis_is_as_durable_as_on_a_developers_machine() -> Result<()> {
    let settings = |text: &str| -> BTreeMap<String, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(' ')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let here = settings(&fs::read_to_string(root().join("infra/redis/redis.conf"))?);
    for cluster in Cluster::both()? {
        let there =
            settings(cluster.find("ConfigMap", "redis")?["data"]["redis.conf"].as_str().context("no redis.conf")?);
        for name in ["appendonly", "appendfsync", "save", "maxmemory-policy", "databases"] {
            ensure!(here.contains_key(name) && here.get(name) == there.get(name), "{}: {name}", cluster.name);
        }
    }
    Ok(())
}

#[test]
fn the_script_makes_every_secret_that_is_asked_for() -> Result<()> {
    for cluster in Cluster::both()? {
        let made = secrets::make(if cluster.name == "local" { &["--sandbox"] } else { &[] })?;
        let has = |name: &str, key: &str| made.get(name).is_some_and(|secret| secret.contains_key(key));
        for (app_name, app) in cluster.apps() {
            for entry in list(&app["spec"]["variables"]) {
                let reference = &entry["valueFrom"]["secretKeyRef"];
                if let (Some(name), Some(key)) = (reference["name"].as_str(), reference["key"].as_str()) {
                    ensure!(has(name, key), "{}: nobody makes {key} of {name}", cluster.name);
                }
            }
            let file = app["spec"]["runtimeConfig"]["loadFromSecret"].as_str().unwrap_or_default();
            ensure!(has(file, "runtime-config.toml"), "{}: nobody makes {file}", cluster.name);
            let stores: toml::Table = toml::from_str(&made[file]["runtime-config.toml"])?;
            let labels: BTreeSet<String> = stores
                .get("key_value_store")
                .and_then(|stores| stores.as_table())
                .map(|stores| stores.keys().cloned().collect())
                .unwrap_or_default();
            let manifest = manifest()?;
            let granted: BTreeSet<String> = texts(&app["spec"]["components"])
                .flat_map(|id| manifest.component[id].key_value_stores.clone())
                .collect();
            ensure!(
                labels == granted,
                "{}: {app_name} is granted {granted:?}, configured are {labels:?}",
                cluster.name
            );
        }
        for set in cluster.of_kind("StatefulSet").chain(cluster.of_kind("Deployment")) {
            let spec = &set["spec"]["template"]["spec"];
            for volume in list(&spec["volumes"]).filter_map(|volume| volume["secret"]["secretName"].as_str()) {
                ensure!(made.contains_key(volume), "{}: nobody makes {volume}", cluster.name);
            }
            for variable in list(&spec["containers"]).flat_map(|container| list(&container["env"])) {
                let reference = &variable["valueFrom"]["secretKeyRef"];
                let (name, key) = (reference["name"].as_str(), reference["key"].as_str());
                ensure!(name.zip(key).is_some_and(|(name, key)| has(name, key)), "{}: {reference}", cluster.name);
            }
        }
    }
    Ok(())
}

#[test]
fn the_sender_of_webhooks_is_shut_out_of_every_network_that_is_not_public() -> Result<()> {
    let made = secrets::make(&[])?;
    let file: toml::Table = toml::from_str(&made["webhooks-worker-runtime-config"]["runtime-config.toml"])?;
    let blocked = file["outbound_networking"]["block_networks"].as_array().context("nothing is blocked")?;
    let blocked: BTreeSet<&str> = blocked.iter().filter_map(toml::Value::as_str).collect();
    for network in [
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::/8",
    ] {
        ensure!(blocked.contains(network), "{network} is open");
    }
    for cluster in Cluster::both()? {
        let name = "webhooks-worker";
        ensure!(cluster.lets_through(Side::Pod(name), Side::Outside, 443), "{}: no webhook leaves", cluster.name);
        ensure!(!cluster.lets_through(Side::Pod(name), Side::Outside, 6379), "{}: other ports are open", cluster.name);
        let policy = cluster.find("NetworkPolicy", "webhooks-leave-for-the-world")?;
        let except: BTreeSet<&str> = texts(&policy["spec"]["egress"][0]["to"][0]["ipBlock"]["except"]).collect();
        // What the runtime configuration leaves open for the cluster's own networks is closed here.
        ensure!(except.contains("10.0.0.0/8"), "{}: the cluster is open", cluster.name);
        ensure!(
            blocked.iter().filter(|network| !network.contains(':')).all(|network| except.contains(network)),
            "{}: {except:?}",
            cluster.name
        );
    }
    Ok(())
}

#[test]
fn secrets_are_random_and_redis_takes_them() -> Result<()> {
    let (made, again) = (secrets::make(&["--sandbox"])?, secrets::make(&["--sandbox"])?);
    for (name, secret) in &made {
        for (key, value) in secret {
            ensure!(!value.contains("-development"), "{key} of {name} is a password that everybody knows");
            ensure!(
                *value != again[name][key] || name == "gateway-runtime-config" || value.is_empty(),
                "{key} of {name} is the same each time"
            );
        }
    }
    let seeds: Vec<&str> = made["users"]["token_signing_keys"].split(' ').collect();
    ensure!(seeds.len() == 2 && seeds.iter().all(|seed| seed.len() == 43) && seeds[0] != seeds[1], "the signing keys");

    // The rules that the server gets hold digests; the passwords that the services get fit them.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("users.acl");
    fs::write(&file, &made["redis-users"]["users.acl"])?;
    let server = RedisServer::start_with(&["--aclfile", file.to_str().context("a path that is no text")?])?;
    let mut connection = TcpStream::connect(("127.0.0.1", server.port()))?;
    let mut log_in = |user: &str, password: &str| -> Result<bool> {
        connection.write_all(format!("AUTH {user} {password}\r\n").as_bytes())?;
        let mut answer = [0u8; 256];
        let length = connection.read(&mut answer)?;
        Ok(answer[..length].starts_with(b"+OK"))
    };
    let mut urls: Vec<String> = made
        .values()
        .flat_map(|secret| secret.values())
        .filter(|value| value.starts_with("redis://"))
        .cloned()
        .collect();
    for file in made.values().filter_map(|secret| secret.get("runtime-config.toml")) {
        urls.extend(
            file.lines().filter_map(|line| Some(line.strip_prefix("url = \"")?.trim_end_matches('"').to_owned())),
        );
    }
    assert_eq!(urls.len(), 23, "fifteen of services and workers, eight of bodies");
    for url in &urls {
        let (user, rest) = url.trim_start_matches("redis://").split_once(':').context("no user")?;
        let (password, _) = rest.split_once('@').context("no password")?;
        ensure!(log_in(user, password)?, "redis refuses {user}");
        ensure!(!log_in(user, &format!("{user}-development"))?, "redis takes a password that everybody knows");
    }
    ensure!(log_in("pulse", &made["pulse"]["password"])?, "redis refuses the pulse");
    ensure!(log_in("operator", &made["operator"]["password"])?, "redis refuses the operator");
    Ok(())
}
