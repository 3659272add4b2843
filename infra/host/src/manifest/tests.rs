//! What a manifest may say and what is refused, as tables.

use std::path::Path;

use super::{Manifest, Route};

const APPLICATION: &str = "spin_manifest_version = 2\n[application]\nname = \"a\"\n";
const COMPONENT: &str = "[component.c]\nsource = \"c.wasm\"\n";
const HTTP: &str = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"c\"\n";

fn parse(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text, Path::new(".")).map_err(|error| format!("{error:#}"))
}

#[test]
fn everything_on_the_closed_list_is_accepted() {
    let manifest = parse(
        r#"
        spin_manifest_version = 2
        [application]
        name = "a"
        version = "1.0.0"
        description = "all keys"
        authors = ["somebody"]
        [application.tool.anything]
        goes = true
        [application.trigger.redis]
        address = "redis://127.0.0.1:6379"
        [variables]
        one = { required = true, secret = true, description = "a secret" }
        two = { default = "2" }
        [[trigger.http]]
        id = "front"
        route = "/a/..."
        component = "c"
        [[trigger.http]]
        route = { private = true }
        component = "c"
        [[trigger.redis]]
        channel = "bell"
        component = "c"
        [[trigger.redis]]
        address = "redis://127.0.0.1:6379/1"
        channel = "bell"
        component = "c"
        [component.c]
        source = "c.wasm"
        description = "the component"
        variables = { v = "{{ two }}" }
        environment = { E = "1" }
        allowed_outbound_hosts = ["http://self"]
        key_value_stores = ["default"]
        [component.c.build]
        command = "cargo build"
        workdir = "c"
        watch = ["src/**/*.rs"]
        [component.c.tool.anything]
        goes = true
        "#,
    )
    .unwrap();
    assert!(matches!(manifest.http[1].route, Route::Private { private: true }));
    assert_eq!(manifest.redis[0].address, "redis://127.0.0.1:6379");
    assert_eq!(manifest.redis[1].address, "redis://127.0.0.1:6379/1");
}

#[test]
fn a_key_that_only_spin_knows_is_refused_in_those_words() {
    for (key, lines) in [
        ("files", format!("{APPLICATION}{HTTP}{COMPONENT}files = [\"a\"]")),
        ("exclude_files", format!("{APPLICATION}{HTTP}{COMPONENT}exclude_files = [\"a\"]")),
        ("allowed_http_hosts", format!("{APPLICATION}{HTTP}{COMPONENT}allowed_http_hosts = [\"a\"]")),
        ("sqlite_databases", format!("{APPLICATION}{HTTP}{COMPONENT}sqlite_databases = [\"default\"]")),
        ("ai_models", format!("{APPLICATION}{HTTP}{COMPONENT}ai_models = [\"llama\"]")),
        ("dependencies", format!("{APPLICATION}{HTTP}{COMPONENT}[component.c.dependencies]\na = \"1\"")),
        ("profile", format!("{APPLICATION}{HTTP}{COMPONENT}[component.c.profile.debug]\nsource = \"d.wasm\"")),
        ("targets", format!("{APPLICATION}targets = [\"spin\"]\n{HTTP}{COMPONENT}")),
        ("executor", format!("{APPLICATION}{HTTP}executor = {{ type = \"wagi\" }}\n{COMPONENT}")),
        ("static_response", format!("{APPLICATION}{HTTP}static_response = {{ status_code = 200 }}\n{COMPONENT}")),
        ("mqtt", format!("{APPLICATION}[[trigger.mqtt]]\ntopic = \"t\"\ncomponent = \"c\"\n{COMPONENT}")),
    ] {
        let refusal = parse(&lines).unwrap_err();
        assert!(refusal.contains(&format!("Spin knows `{key}`; the embedded host does not")), "{key}: {refusal}");
    }
    for (words, lines) in [
        (
            "Spin knows inline components",
            format!("{APPLICATION}[[trigger.http]]\nroute = \"/\"\ncomponent = {{ source = \"c.wasm\" }}"),
        ),
        (
            "Spin knows sources by `url`",
            format!("{APPLICATION}{HTTP}[component.c]\nsource = {{ url = \"https://a\", digest = \"b\" }}"),
        ),
        ("Spin knows manifest version 1", "spin_manifest_version = \"1\"".into()),
    ] {
        let refusal = parse(&lines).unwrap_err();
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_name_and_place() {
    for (key, place, lines) in [
        ("extra", "the manifest", format!("extra = 1\n{APPLICATION}")),
        ("extra", "[application]", format!("{APPLICATION}extra = 1")),
        ("extra", "[application.trigger]", format!("{APPLICATION}[application.trigger.extra]\na = 1")),
        ("extra", "[application.trigger.redis]", format!("{APPLICATION}[application.trigger.redis]\nextra = 1")),
        ("extra", "[variables] v", format!("{APPLICATION}[variables]\nv = {{ extra = 1 }}")),
        ("extra", "[trigger]", format!("{APPLICATION}[[trigger.extra]]\na = 1")),
        ("extra", "[[trigger.http]]", format!("{APPLICATION}{HTTP}extra = 1\n{COMPONENT}")),
        (
            "extra",
            "[[trigger.http]] route",
            format!("{APPLICATION}[[trigger.http]]\nroute = {{ extra = 1 }}\ncomponent = \"c\""),
        ),
        ("extra", "[[trigger.redis]]", format!("{APPLICATION}[[trigger.redis]]\nextra = 1")),
        ("extra", "[component.c]", format!("{APPLICATION}{HTTP}{COMPONENT}extra = 1")),
        ("extra", "[component.c.build]", format!("{APPLICATION}{HTTP}{COMPONENT}[component.c.build]\nextra = 1")),
    ] {
        let refusal = parse(&lines).unwrap_err();
        assert!(refusal.contains(&format!("unknown key `{key}` in {place}; known here:")), "{place}: {refusal}");
    }
}

#[test]
fn what_is_missing_or_contradicts_itself_is_refused() {
    for (words, lines) in [
        ("`spin_manifest_version = 2` is missing", "[application]\nname = \"a\"".to_owned()),
        ("must be 2, not 3", "spin_manifest_version = 3".into()),
        ("missing field `application`", "spin_manifest_version = 2".into()),
        ("missing field `name`", "spin_manifest_version = 2\n[application]\nversion = \"1\"".into()),
        ("must be `required` OR have a `default`", format!("{APPLICATION}[variables]\nv = {{}}")),
        (
            "must be `required` OR have a `default`",
            format!("{APPLICATION}[variables]\nv = {{ required = true, default = \"1\" }}"),
        ),
        ("invalid character 'V'", format!("{APPLICATION}[variables]\nV = {{ default = \"1\" }}")),
        ("words must be separated with '-'", format!("{APPLICATION}[component.a_b]\nsource = \"c.wasm\"")),
        (
            "names the component \"d\", which does not exist",
            format!("{APPLICATION}[[trigger.http]]\nroute = \"/\"\ncomponent = \"d\""),
        ),
        (
            "names the component \"d\", which does not exist",
            format!("{APPLICATION}[[trigger.redis]]\naddress = \"a\"\nchannel = \"b\"\ncomponent = \"d\""),
        ),
        ("has no address", format!("{APPLICATION}[[trigger.redis]]\nchannel = \"b\"\ncomponent = \"c\"\n{COMPONENT}")),
        (
            "private = true",
            format!("{APPLICATION}[[trigger.http]]\nroute = {{ private = false }}\ncomponent = \"c\"\n{COMPONENT}"),
        ),
        ("missing field `source`", format!("{APPLICATION}{HTTP}[component.c]\ndescription = \"d\"")),
        (
            "expected kebab-case or snake_case",
            format!("{APPLICATION}{HTTP}{COMPONENT}key_value_stores = [\"my store\"]"),
        ),
        ("this deprecated field must be \"/\"", format!("{APPLICATION}[application.trigger.http]\nbase = \"/v1\"")),
    ] {
        let refusal = parse(&lines).unwrap_err();
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}
