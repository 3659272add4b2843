//! Variables: whose value wins, what a component sees of them, what is refused at start.

use crate::harness::App;

const DECLARED: &str = "[variables]\nname = { default = \"default\" }\nother = { default = \"x\" }";
const GIVEN: &str = "variables = { name = \"{{ name }}\", both = \"{{ name }}-{{ other }}!\" }";

fn app() -> anyhow::Result<App> {
    App::new().lines(DECLARED).http("/...", "variables", "variables", GIVEN)
}

fn value(app: App, name: &str) -> String {
    let answer = app.start().and_then(|app| app.get(&format!("/{name}")));
    answer.map_or_else(|error| format!("{error:#}"), |answer| answer.body)
}

#[test]
fn the_command_line_wins_over_providers_over_the_environment_over_the_default() {
    let provider = "[[variables_provider]]\ntype = \"static\"\nvalues = { name = \"provider\" }";
    let environment = || app().unwrap().environment("SPIN_VARIABLE_NAME", "environment");
    assert_eq!(value(app().unwrap(), "name"), "\"default\"");
    assert_eq!(value(environment(), "name"), "\"environment\"");
    assert_eq!(value(environment().runtime_config(provider), "name"), "\"provider\"");
    let flag = environment().runtime_config(provider).flag("--variable", "name=first").flag("--variable", "name=last");
    assert_eq!(value(flag, "name"), "\"last\"");
}

#[test]
fn a_file_can_hold_a_value_or_many() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let text = file("name.txt", "from a file");
    assert_eq!(value(app().unwrap().flag("--variable", &format!("name=@{text}")), "name"), "\"from a file\"");
    let json = file("all.json", "{\"name\": \"json\", \"other\": \"o\"}");
    assert_eq!(value(app().unwrap().flag("--variable", &format!("@{json}")), "both"), "\"json-o!\"");
    let toml = file("all.toml", "name = \"toml\"");
    assert_eq!(value(app().unwrap().flag("--variable", &format!("@{toml}")), "both"), "\"toml-x!\"");
}

#[test]
fn a_component_sees_only_what_it_is_given() {
    let app = app().unwrap().start().unwrap();
    assert_eq!(app.get("/both").unwrap().body, "\"default-x!\"");
    let undeclared = app.get("/other").unwrap();
    assert_eq!(undeclared.status, 500);
    assert!(undeclared.body.contains("Undefined") && undeclared.body.contains("other"), "{}", undeclared.body);
    let invalid = app.get("/Not-A-Name").unwrap();
    assert!(invalid.body.contains("InvalidName"), "{}", invalid.body);
}

#[test]
fn required_variables_without_a_value_are_all_named_at_start() {
    let refusal = App::new()
        .lines("[variables]\none = { required = true }\ntwo = { required = true, secret = true }")
        .http("/...", "hello", "hello", "")
        .unwrap()
        .refused()
        .unwrap();
    assert!(refusal.contains("no provider resolved required variable(s): one, two"), "{refusal}");
}

#[test]
fn a_template_over_an_undeclared_variable_is_refused_at_start() {
    let refusal = App::new()
        .http("/...", "variables", "variables", "variables = { a = \"{{ nobody }}\" }")
        .unwrap()
        .refused()
        .unwrap();
    assert!(refusal.contains("unknown variable \"nobody\""), "{refusal}");
}
