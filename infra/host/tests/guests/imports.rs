//! What a component may import, and how the host tells it.

use std::process::Command;

use crate::harness::{App, guest};

fn imports(name: &str) -> anyhow::Result<Vec<String>> {
    let output = Command::new(env!("CARGO_BIN_EXE_host")).arg("imports").arg(guest(name)?).output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

#[test]
fn the_program_lists_what_a_component_imports() {
    let imports = imports("key_value").unwrap();
    assert!(imports.iter().any(|import| import == "spin:key-value/key-value@3.0.0"), "{imports:?}");
    assert!(imports.iter().all(|import| import.starts_with("wasi:") || import.starts_with("spin:")), "{imports:?}");
}

#[test]
fn an_import_that_is_not_offered_is_refused_by_name() {
    assert!(imports("foreign_import").unwrap().contains(&"elsewhere:unknown/power@1.0.0".to_owned()));
    let refusal = App::new().http("/...", "foreign", "foreign_import", "").unwrap().refused().unwrap();
    assert!(refusal.contains("it imports elsewhere:unknown/power@1.0.0"), "{refusal}");
}

#[test]
fn what_is_compiled_before_lies_in_the_cache_and_what_cannot_run_is_refused_by_name() {
    let cache = tempfile::tempdir().unwrap();
    let compile = |name: &str| {
        let mut host = Command::new(env!("CARGO_BIN_EXE_host"));
        host.arg("compile").arg(guest(name).unwrap()).arg("--cache-dir").arg(cache.path());
        host.output().unwrap()
    };
    let refused = compile("foreign_import");
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && words.contains("elsewhere:unknown/power@1.0.0"), "{words}");
    let compiled = compile("key_value");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    assert!(cache.path().read_dir().unwrap().next().is_some(), "nothing lies in the cache");
}
