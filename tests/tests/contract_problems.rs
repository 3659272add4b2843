//! The catalogue of problems holds every kind that a service can answer, and no other.

use anyhow::ensure;
use gateway_context::catalogue;
use problem::Kind;
use std::collections::BTreeMap;

/// The kinds that all share, then those of each context.
const KINDS: [&[Kind]; 10] = [
    problem::SHARED,
    gateway_context::PROBLEMS,
    hasher_context::http::PROBLEMS,
    notifications_context::PROBLEMS,
    operations_context::PROBLEMS,
    payments_context::PROBLEMS,
    queries_context::PROBLEMS,
    sandbox_context::PROBLEMS,
    users_context::PROBLEMS,
    webhooks_context::PROBLEMS,
];

#[test]
fn every_problem_has_one_name_one_meaning_and_one_row_in_the_catalogue() -> anyhow::Result<()> {
    let mut declared: BTreeMap<&str, u16> = BTreeMap::new();
    for kind in KINDS.iter().copied().flatten() {
        ensure!(declared.insert(kind.slug, kind.status).is_none(), "`{}` is declared twice", kind.slug);
        let is_name = kind.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        ensure!(is_name, "`{}` is not a name for a URI", kind.slug);
        ensure!(kind.title.ends_with('.'), "the title of `{}` is a sentence", kind.slug);
    }
    let described: BTreeMap<&str, u16> = catalogue().into_iter().map(|row| (row.slug, row.status)).collect();
    ensure!(described == declared, "docs/problems.md has {described:#?}\nthe contexts have {declared:#?}");
    Ok(())
}
