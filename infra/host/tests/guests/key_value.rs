//! Key-value stores: both backends, the grant and its absence, labels without a backend.

use support::RedisServer;

use crate::harness::{App, Running};

const DEFAULT: &str = "key_value_stores = [\"default\"]";

fn body(app: &Running, path: &str) -> String {
    app.get(path).map_or_else(|error| error.to_string(), |answer| answer.body)
}

/// Every operation of the import against the store `label`.
fn works(app: &Running, label: &str) {
    for (operation, answer) in [
        ("get/a", "None"),
        ("exists/a", "false"),
        ("delete/a", "()"),
        ("set/a/one", "()"),
        ("set/b/two", "()"),
        ("set/a/three", "()"),
        ("get/a", "Some(\"three\")"),
        ("exists/a", "true"),
        ("keys", "[\"a\", \"b\"]"),
        ("delete/a", "()"),
        ("get/a", "None"),
        ("keys", "[\"b\"]"),
    ] {
        assert_eq!(body(app, &format!("/{label}/{operation}")), answer, "{operation}");
    }
}

#[test]
fn the_default_store_is_a_file_that_outlives_the_host() {
    let state = tempfile::tempdir().unwrap();
    let start =
        || App::new().http("/...", "kv", "key_value", DEFAULT).unwrap().state_dir(state.path()).start().unwrap();
    works(&start(), "default");
    assert!(state.path().join("sqlite_key_value.db").exists());
    assert_eq!(body(&start(), "/default/get/b"), "Some(\"two\")");
}

#[test]
fn a_redis_backend_keeps_plain_keys_without_the_label() {
    let redis = RedisServer::start().unwrap();
    let app = App::new()
        .http("/...", "kv", "key_value", "key_value_stores = [\"users\"]")
        .unwrap()
        .runtime_config(&format!("[key_value_store.users]\ntype = \"redis\"\nurl = \"{}/3\"", redis.url()))
        .start()
        .unwrap();
    works(&app, "users");
    let found = crate::redis::command(&redis, "redis-cli-db-3", &["-n", "3", "GET", "b"]).unwrap();
    assert_eq!(found, "two");
}

#[test]
fn a_redis_backend_comes_back_after_its_server_did() {
    let mut redis = RedisServer::start().unwrap();
    let app = App::new()
        .http("/...", "kv", "key_value", "key_value_stores = [\"users\"]")
        .unwrap()
        .runtime_config(&format!("[key_value_store.users]\ntype = \"redis\"\nurl = \"{}\"", redis.url()))
        .start()
        .unwrap();
    assert_eq!(body(&app, "/users/set/a/one"), "()");
    // While it is away operations wait, in stock Spin too: the client reconnects with growing pauses.
    redis.restart().unwrap();
    crate::harness::eventually(|| Ok((body(&app, "/users/get/a") == "Some(\"one\")").then_some(()))).unwrap();
}

#[test]
fn stores_of_one_file_are_apart_and_its_path_starts_at_the_configuration_file() {
    let table = "type = \"spin\"\npath = \"data/stores.db\"";
    let app = App::new()
        .http("/...", "kv", "key_value", "key_value_stores = [\"one\", \"other\"]")
        .unwrap()
        .runtime_config(&format!("[key_value_store.one]\n{table}\n[key_value_store.other]\n{table}"))
        .start()
        .unwrap();
    assert_eq!(body(&app, "/one/set/a/b"), "()");
    assert_eq!(body(&app, "/other/get/a"), "None");
    assert!(app.dir().join("data/stores.db").exists());
}

#[test]
fn a_store_that_is_not_granted_cannot_be_opened_whether_it_exists_or_not() {
    let app = App::new()
        .http("/granted/...", "granted", "hello", DEFAULT)
        .unwrap()
        .http("/...", "denied", "key_value", "")
        .unwrap()
        .start()
        .unwrap();
    for label in ["default", "nowhere"] {
        let answer = app.get(&format!("/{label}/open")).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (403, "Error::AccessDenied"));
    }
}

#[test]
fn a_label_without_a_backend_is_refused_at_start() {
    let refusal =
        App::new().http("/...", "kv", "key_value", "key_value_stores = [\"nowhere\"]").unwrap().refused().unwrap();
    assert!(refusal.contains("unknown key_value_stores label \"nowhere\" for component \"kv\""), "{refusal}");
}
