//! Money is counted in integers: no floating point in any crate that carries amounts.
use std::fs;
use std::path::Path;

use crate::{assert_none, root};

/// The crates that carry amounts.
const MONEY_CARRIERS: [&str; 7] = [
    "components/money",
    "components/payments-context",
    "components/payments-wire",
    "components/records",
    "components/records-memory",
    "components/records-redis",
    "components/sandbox-context",
];

/// The code of a line: without what stands in quotes and after `//`. Quotes over several lines are rare enough to be
/// written otherwise.
fn code_of(line: &str) -> String {
    let (mut code, mut quoted, mut escaped) = (String::new(), false, false);
    let line = without_raw_texts(line);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            '/' if !quoted && characters.peek() == Some(&'/') => break,
            _ if !quoted => code.push(character),
            _ => {}
        }
        escaped = false;
    }
    code
}

/// A line without its raw texts (`r#"…"#`), in which quotes and backslashes mean nothing.
fn without_raw_texts(line: &str) -> String {
    let mut parts = line.split("r#\"");
    let mut code = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        code.push_str(part.split_once("\"#").map_or("", |(_, after)| after));
    }
    code
}

/// Whether a line of code names a floating-point type or has a literal of one.
fn is_floating(line: &str) -> bool {
    let code = code_of(line);
    let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    words.filter(|word| !word.is_empty()).any(|word| {
        let named = word.split('.').any(|part| part == "f32" || part == "f64");
        // `1.5`, `1.`, `2f64`, `1e9`: begins with a digit and is no integer, no range and no index into a pair.
        let number = word.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("0x");
        let fraction = number
            && !word.contains("..")
            && word
                .split_once('.')
                .is_some_and(|(_, after)| after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit()));
        let suffixed = number && (word.ends_with("f32") || word.ends_with("f64"));
        named || fraction || suffixed
    })
}

fn complaints(path: &str, text: &str) -> Vec<String> {
    let floating = text.lines().enumerate().filter(|(_, line)| is_floating(line));
    floating.map(|(number, line)| format!("{path}:{}: money is no float: {}", number + 1, line.trim())).collect()
}

fn visit(folder: &Path, found: &mut Vec<String>, files: &mut usize) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, found, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            *files += 1;
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            found.extend(complaints(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_crate_that_carries_money_counts_in_floats() {
    let (mut found, mut files) = (Vec::new(), 0);
    for carrier in MONEY_CARRIERS {
        visit(&root().join(carrier).join("src"), &mut found, &mut files);
    }
    assert!(files > 50, "only {files} sources were found");
    assert_none(&found);
}

#[test]
fn finds_each_float_and_nothing_else() {
    for line in [
        "let fee = amount as f64 * 0.029;",
        "fn share(of: f32) {}",
        "let rate = 1.5;",
        "let whole = 2.;",
        "let typed = 2f64;",
        "core::f64::consts::PI",
        "let after = \"10.00\"; let rate = 0.1;",
    ] {
        assert_eq!(complaints("a.rs", line).len(), 1, "{line}");
    }
    for line in [
        "let text = \"1.5 and f64\";",
        "// a rate of 1.5 as f64",
        "pair.0.1",
        "(1..=5).contains(&x)",
        "0..10",
        "let hash = 0x1f64;",
        "let quoted = \"a \\\" 1.5\";",
        "v1.minor()",
        "let shift = 1_000.min(2);",
    ] {
        assert_none(&complaints("a.rs", line));
    }
}
