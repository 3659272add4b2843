//! The access rules of Redis: read from `infra/redis/users.acl`, given passwords of their own.
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};

/// The rules as committed, with development passwords.
#[derive(Debug, Clone)]
pub struct Rules {
    lines: Vec<String>,
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// **Shape** of a line: `user payments on >payments-development ~{payments/*}* …`.
    ///
    /// # Errors
    /// When the file is not there or a line is no rule.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        for line in &lines {
            if user_of(line).is_none() {
                bail!("a line of the access rules does not begin with `user NAME`: {line}");
            }
        }
        Ok(Self { lines })
    }

    /// The users that log in with a password, in the order of the file.
    pub fn users(&self) -> Vec<&str> {
        self.lines.iter().filter(|line| password_of(line).is_some()).filter_map(|line| user_of(line)).collect()
    }

    /// The development password of each user.
    pub fn passwords(&self) -> BTreeMap<String, String> {
        self.lines.iter().filter_map(|line| Some((user_of(line)?.to_owned(), password_of(line)?.to_owned()))).collect()
    }

    /// The same rules with other passwords.
    ///
    /// # Errors
    /// When a user of the rules has no password in the table.
    pub fn with_passwords(&self, passwords: &BTreeMap<String, String>) -> anyhow::Result<String> {
        let mut text = String::new();
        for line in &self.lines {
            match (user_of(line), password_of(line)) {
                (Some(user), Some(old)) => {
                    let new = passwords.get(user).with_context(|| format!("no password for the Redis user {user}"))?;
                    text.push_str(&line.replacen(&format!(">{old}"), &format!(">{new}"), 1));
                }
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        Ok(text)
    }
}

fn user_of(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    (words.next() == Some("user")).then(|| words.next()).flatten()
}

fn password_of(line: &str) -> Option<&str> {
    line.split_whitespace().find_map(|word| word.strip_prefix('>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "user default off\nuser pulse on >pulse-development &pulse -@all +publish\n";

    #[test]
    fn exchanges_passwords_and_nothing_else() {
        let rules = Rules::parse(RULES).unwrap();
        assert_eq!(rules.users(), ["pulse"]);
        let passwords = BTreeMap::from([("pulse".to_owned(), "s3cret".to_owned())]);
        assert_eq!(
            rules.with_passwords(&passwords).unwrap(),
            "user default off\nuser pulse on >s3cret &pulse -@all +publish\n"
        );
    }

    #[test]
    fn refuses_a_table_without_the_password_of_a_user() {
        let rules = Rules::parse(RULES).unwrap();
        assert!(rules.with_passwords(&BTreeMap::new()).is_err());
    }

    #[test]
    fn refuses_a_line_that_is_no_rule() {
        assert!(Rules::parse("# a comment\n").is_err());
    }
}
