//! How names may be spelled: component ids, variable names, store labels. The rules of stock Spin, no others.

use anyhow::{bail, ensure};

/// Checks a component id: words of letters and digits joined by `-`, each word all lower or all upper case.
///
/// # Errors
/// Says which rule is broken.
pub fn component(id: &str) -> anyhow::Result<()> {
    words(id, '-', '_')
}

/// Checks a store label: kebab-case or snake_case.
///
/// # Errors
/// Says which rule is broken.
pub fn label(label: &str) -> anyhow::Result<()> {
    ensure!(words(label, '-', '_').is_ok() || words(label, '_', '-').is_ok(), "expected kebab-case or snake_case");
    Ok(())
}

/// Checks a variable name: lower-case letters, digits and single underscores, beginning with a letter and ending
/// with a letter or digit.
///
/// # Errors
/// The reason, worded as stock Spin's `invalid-name` says it.
pub fn variable(name: &str) -> anyhow::Result<()> {
    if let Some(reason) = variable_fault(name) {
        bail!("{name:?}: {reason}");
    }
    Ok(())
}

fn variable_fault(name: &str) -> Option<String> {
    let invalid = name.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_'));
    if name.is_empty() {
        Some("must not be empty".into())
    } else if let Some(invalid) = invalid {
        Some(format!(
            "invalid character {invalid:?}. Variable names may contain only lower-case letters, numbers, and underscores."
        ))
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("must start with a lowercase ASCII letter".into())
    } else if name.ends_with('_') {
        Some("must end with a lowercase ASCII letter or digit".into())
    } else if name.contains("__") {
        Some("must not contain multiple consecutive underscores".into())
    } else {
        None
    }
}

fn words(id: &str, separator: char, wrong: char) -> anyhow::Result<()> {
    ensure!(!id.is_empty(), "empty");
    ensure!(!id.contains(wrong), "words must be separated with {separator:?}, not {wrong:?}");
    for word in id.split(separator) {
        let Some(first) = word.chars().next() else {
            bail!("{separator:?}-separated words must not be empty");
        };
        ensure!(first.is_ascii_alphabetic(), "words must start with an ASCII letter; got {first:?}");
        let upper = first.is_ascii_uppercase();
        for c in word.chars() {
            ensure!(c.is_ascii_alphanumeric(), "words may only contain alphanumeric ASCII; got {c:?}");
            ensure!(
                c.is_ascii_digit() || c.is_ascii_uppercase() == upper,
                "words must be all lowercase or all UPPERCASE; got {word:?}"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses_the_names_that_stock_spin_does() {
        for good in ["a", "payments-worker", "API-gateway", "a1-b2"] {
            assert!(component(good).is_ok(), "{good}");
        }
        for bad in ["", "a_b", "-a", "a--b", "1a", "aB", "a.b"] {
            assert!(component(bad).is_err(), "{bad}");
        }
        for good in ["a", "redis_url", "a1"] {
            assert!(variable(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "a-b", "_a", "a_", "a__b", "1a"] {
            assert!(variable(bad).is_err(), "{bad}");
        }
        assert!(label("my_store").is_ok() && label("my-store").is_ok() && label("my-other_store").is_err());
    }
}
