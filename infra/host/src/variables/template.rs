//! Templates: literal text with `{{ variable }}` between it.

use anyhow::{Context as _, Result};

/// A parsed template.
#[derive(Debug)]
pub struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    /// Parses `text`.
    ///
    /// # Errors
    /// A `{{` without its `}}`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (name, after) =
                after.split_once("}}").context("invalid variable template: unmatched '{{' in template")?;
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            parts.push(Part::Variable(name.trim().to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether the template names no variable.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Literal(_)))
    }

    /// Puts the values in.
    ///
    /// # Errors
    /// The name of the first variable for which `value` has none.
    pub fn fill<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<String, String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Variable(name) => filled.push_str(value(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_every_variable_and_names_the_unknown_one() {
        let value = |name: &str| (name == "host").then_some("example.com");
        let fill = |text: &str| Template::parse(text).unwrap().fill(value);
        assert_eq!(fill("https://{{ host }}:8080").unwrap(), "https://example.com:8080");
        assert_eq!(fill("{{host}}{{host}}").unwrap(), "example.comexample.com");
        assert_eq!(fill("plain } text").unwrap(), "plain } text");
        assert_eq!(fill("{{ port }}").unwrap_err(), "port");
        assert!(Template::parse("{{ host").is_err());
    }
}
