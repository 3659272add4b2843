//! What `infra/redis/users.acl` says: who logs in, which keys are whose, which of another's parts a user may use.

use anyhow::{Context as _, Result};
use std::collections::BTreeSet;

/// One user of Redis.
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// The password, where one is needed.
    pub password: Option<String>,
    /// Patterns of keys that are the user's own.
    own_keys: Vec<String>,
    channels: Vec<String>,
    selectors: Vec<Selector>,
}

/// A rule in brackets: some commands on some keys that are another's.
struct Selector {
    /// Pattern, and whether it is for reading only.
    keys: Vec<(String, bool)>,
    commands: BTreeSet<String>,
}

/// What a command does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed.
    Read,
    /// Something may be.
    Write,
}

impl User {
    /// Reads a whole file of rules.
    pub fn read_all(text: &str) -> Result<Vec<Self>> {
        text.lines().filter(|line| !line.trim().is_empty()).map(Self::read).collect()
    }

    /// **Shape**: `user NAME on >PASSWORD ~{NAME/*}* &bell:* +get … (~{other/*}:events -@all +xrange …)`.
    fn read(line: &str) -> Result<Self> {
        let mut pieces = line.split('(');
        let root = pieces.next().unwrap_or_default();
        let mut words = root.split_whitespace();
        words.next().filter(|word| *word == "user").with_context(|| format!("no rule of a user: {line}"))?;
        let name = words.next().with_context(|| format!("a user without a name: {line}"))?.to_owned();
        let with = |sign: char| words.clone().filter_map(move |word| word.strip_prefix(sign).map(str::to_owned));
        let selectors = pieces.map(|piece| {
            let words = piece.trim_end().trim_end_matches(')').split_whitespace();
            Selector {
                keys: words
                    .clone()
                    .filter_map(|word| match word.strip_prefix("%R~") {
                        Some(pattern) => Some((pattern.to_owned(), true)),
                        None => word.strip_prefix('~').map(|pattern| (pattern.to_owned(), false)),
                    })
                    .collect(),
                commands: words.filter_map(|word| word.strip_prefix('+').map(str::to_owned)).collect(),
            }
        });
        Ok(Self {
            password: with('>').next(),
            own_keys: with('~').collect(),
            channels: with('&').collect(),
            selectors: selectors.collect(),
            name,
        })
    }

    /// Whether this is the user of a context: its own keys bear its name as their tag.
    pub fn is_of_a_context(&self) -> bool {
        self.own_keys.contains(&format!("{{{}/*}}*", self.name))
    }

    /// Whether a rule in brackets lets this user do something with a key that is another's.
    pub fn is_lent(&self, command: &str, access: Access, key: &str) -> bool {
        self.selectors.iter().any(|selector| {
            let fits = |(pattern, reads): &(String, bool)| (!reads || access == Access::Read) && matches(pattern, key);
            selector.commands.contains(command) && selector.keys.iter().any(fits)
        })
    }

    /// Whether this user may publish on a channel.
    pub fn may_publish(&self, channel: &str) -> bool {
        self.channels.iter().any(|pattern| matches(pattern, channel))
    }
}

/// Redis' patterns, as far as the rules use them: `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    let mut ends = (0..=rest.len()).filter_map(|start| rest.get(start..));
    ends.any(|rest| matches(after, rest))
}

#[test]
fn a_rule_is_read_as_redis_reads_it() {
    let line = "user queries on >secret ~{queries/*}* &bell:* -@all +@string (~{users/*}:events -@all +xlen) \
                (%R~{*/metrics}* -@all +hgetall +hset)";
    let users = User::read_all(line).unwrap();
    let [user] = users.as_slice() else { panic!("one line, one user") };
    assert_eq!((user.name.as_str(), user.password.as_deref()), ("queries", Some("secret")));
    assert!(user.is_of_a_context());
    assert!(user.may_publish("bell:any") && !user.may_publish("pulse"));
    assert!(user.is_lent("xlen", Access::Read, "{users/0}:events"));
    assert!(
        !user.is_lent("xlen", Access::Read, "{users/0}:dead")
            && !user.is_lent("xadd", Access::Write, "{users/0}:events")
    );
    assert!(user.is_lent("hgetall", Access::Read, "{payments/metrics}:http"));
    assert!(!user.is_lent("hset", Access::Write, "{payments/metrics}:http"));
}
