//! docs/threat-model.md: each test that it names is one.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{assert_none, root};

/// The last cell of each row, where it is a name in backticks.
fn named(page: &str) -> Vec<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|')?.rsplit('|').next())
        .filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'))
        .collect()
}

/// The functions of a source that are tests: those with `test` in an attribute right above them.
fn tests_of(source: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    source.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
            return None;
        }
        let name = line.trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()?;
        core::mem::take(&mut is_test).then_some(name)
    })
}

/// The tests of all sources below a folder.
fn visit(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            visit(&path, tests);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            tests.extend(tests_of(&text).map(str::to_owned));
        }
    }
}

fn complaints(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let missing = named(page).into_iter().filter(|name| !tests.contains(*name));
    missing.map(|name| format!("docs/threat-model.md names {name}, which is no test")).collect()
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let page = fs::read_to_string(root().join("docs/threat-model.md")).unwrap();
    let mut tests = BTreeSet::new();
    for folder in ["components", "infra", "tests", "xtask"] {
        visit(&root().join(folder), &mut tests);
    }
    assert!(named(&page).len() > 40, "{:?}", named(&page));
    assert_none(&complaints(&page, &tests));
}

#[test]
fn finds_a_name_that_is_no_test() {
    let source = "#[test]\nfn holds() {}\n    #[tokio::test]\n    async fn waits() {}\nfn helper() {}\n";
    let tests: BTreeSet<String> = tests_of(source).map(str::to_owned).collect();
    assert_eq!(tests.iter().map(String::as_str).collect::<Vec<_>>(), ["holds", "waits"]);
    let page = "| attack | test |\n|---|---|\n| a | `holds` |\n| b | `helper` |\n| `c` | none |\n";
    assert_eq!(complaints(page, &tests), ["docs/threat-model.md names helper, which is no test"]);
}
