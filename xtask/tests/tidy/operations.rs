//! functions/operations against the users of Redis: whoever has events is looked after.
//!
//! A context that is missing there has dead letters that no administrator can find.
use std::collections::BTreeSet;
use std::fs;

use crate::root;

/// Contexts that neither tell events nor hear them.
const WITHOUT_EVENTS: [&str; 3] = ["gateway", "operations", "sandbox"];

/// The users of Redis that are contexts: their own keys bear their name as their tag.
fn contexts(rules: &str) -> BTreeSet<String> {
    let names = rules.lines().filter_map(|line| {
        let name = line.strip_prefix("user ")?.split(' ').next()?;
        line.contains(&format!(" ~{{{name}/*}}* ")).then(|| name.to_owned())
    });
    names.filter(|name| !WITHOUT_EVENTS.contains(&name.as_str())).collect()
}

/// The names in the function's list.
fn looked_after(source: &str) -> BTreeSet<String> {
    let list = source.split("const CONTEXTS").nth(1).and_then(|rest| rest.split(';').nth(1)).unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_context_with_events_is_looked_after() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap();
    let contexts = contexts(&read("infra/redis/users.acl"));
    assert!(contexts.len() > 3, "{contexts:?}");
    assert_eq!(looked_after(&read("functions/operations/src/lib.rs")), contexts, "left: functions/operations");
}

#[test]
fn finds_a_context_that_is_missing() {
    let rules = "user default off ~* +@all\nuser users on >x ~{users/*}* &bell:* +get\nuser users-bodies on >x ~users:* +get\n\
                 user sandbox on >x ~{sandbox/*}* &bell:* +get\nuser orders on >x ~{orders/*}* &bell:* +get\n";
    assert_eq!(contexts(rules).into_iter().collect::<Vec<_>>(), ["orders", "users"]);
    let source = "const CONTEXTS: [&str; 1] = [\"users\"];\nconst OTHER: &str = \"orders\";";
    assert_eq!(looked_after(source).into_iter().collect::<Vec<_>>(), ["users"]);
}
