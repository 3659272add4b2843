//! Every source file: an opening that says what lives there, no silenced lint, no test that does not run.
use std::fs;
use std::path::Path;

use crate::{assert_none, root};

/// Folders that hold sources of ours.
const FOLDERS: [&str; 6] = ["bench", "components", "functions", "infra", "tests", "xtask"];

/// What must not stand in a source, in two halves so that this file does not hold it, and why.
const FORBIDDEN: [(&str, &str, &str); 4] = [
    ("#[", "allow(", "use expect with a reason"),
    ("#![", "allow(", "use expect with a reason"),
    ("#[", "ignore", "a test that does not run is none"),
    ("#[", "should_panic", "assert on the error"),
];

fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//! ") {
        complaints.push(format!("{path} does not open with `//!` and what lives there"));
    }
    for (number, line) in text.lines().enumerate() {
        for (first, second, why) in FORBIDDEN {
            if line.trim_start().starts_with(&format!("{first}{second}")) {
                complaints.push(format!("{path}:{}: {first}{second}: {why}", number + 1));
            }
        }
    }
    complaints
}

fn visit(folder: &Path, root: &Path, complaints_so_far: &mut Vec<String>, files: &mut usize) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                visit(&path, root, complaints_so_far, files);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            *files += 1;
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            complaints_so_far.extend(complaints(&name, &text));
        }
    }
}

#[test]
fn every_source_says_what_lives_there_and_silences_nothing() {
    let (mut found, mut files) = (Vec::new(), 0);
    for folder in FOLDERS {
        visit(&root().join(folder), &root(), &mut found, &mut files);
    }
    assert!(files > 20, "only {files} sources were found");
    assert_none(&found);
}

#[test]
fn finds_each_fault() {
    for (text, expected) in [
        ("use std::fs;\n".to_owned(), "a.rs does not open"),
        (format!("//! A file.\n{}allow(dead_code)]\n", "#["), "a.rs:2"),
        (format!("//! A file.\nmod tests {{\n    {}ignore]\n", "#["), "a.rs:3"),
        (format!("//! A file.\n{}should_panic]\n", "#["), "a.rs:2"),
    ] {
        let complaints = complaints("a.rs", &text);
        assert!(complaints.len() == 1 && complaints[0].starts_with(expected), "{complaints:?}");
    }
    assert_none(&complaints("a.rs", "//! A file.\n#[expect(dead_code, reason = \"why\")]\n"));
}
