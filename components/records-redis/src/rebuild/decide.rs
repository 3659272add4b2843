//! Which of a record's bodies were its states. A decision over what bodies say of each other; no store, no clock.
//!
//! A body is written before the script that commits it, so some were never committed: their writer died, was overtaken or
//! refused. These rules tell them apart:
//!
//! 1. A writer learns a body's name from the head alone. So **whom a body names as its predecessor was committed**, whoever
//!    names it, and so was what the journal, the stream, its archive, or what is left of Redis names.
//! 2. The newest of those is the last state that is certain. It was followed by at most one state more: a body that names
//!    it and that nobody names.
//! 3. Not that, if it is marked as refused, was written after an earlier rebuild had closed the data, or if it posted or told
//!    and neither is there although both are known up to a later moment.
//! 4. Where several are left, it is a tie: of the newest epoch the one that was written first. Ties are reported.
//!
//! So what was acknowledged is never lost to a body that was marked; and what was not acknowledged may appear, once.

use core::cmp::Reverse;
use records::Version;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What is known of one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) uuid: Uuid,
    pub(crate) previous: Option<String>,
    /// Something outside of the record's bodies says that it was committed.
    pub(crate) is_known: bool,
    /// Something says that it was not: a mark, its time, or that what it did is not there.
    pub(crate) is_refuted: bool,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decided {
    /// The states, oldest first, as places among the facts; the last one is current. Empty where there never was one.
    pub(crate) chain: Vec<usize>,
    /// States of the past to which the way is lost.
    pub(crate) past: Vec<usize>,
    /// Bodies that were never committed.
    pub(crate) orphans: Vec<usize>,
    /// Those of them that could as well have been what was chosen.
    pub(crate) ties: Vec<usize>,
    /// The newest state is known by name only: its body is gone.
    pub(crate) missing: Option<String>,
}

/// The version in a body's name.
fn version_of(name: &str) -> Option<Version> {
    let (_, rest) = name.rsplit_once(':')?;
    rest.rsplit_once('.')?.0.parse().ok()
}

/// Tells the states of a record from what was never committed.
pub(crate) fn decide(facts: &[Fact]) -> Decided {
    let places: BTreeMap<&str, usize> =
        facts.iter().enumerate().map(|(place, fact)| (fact.name.as_str(), place)).collect();
    let named: BTreeSet<&str> = facts.iter().filter_map(|fact| fact.previous.as_deref()).collect();
    let is_certain = |fact: &Fact| fact.is_known || named.contains(fact.name.as_str());
    // The newest state that is certain, whether its body is there or not.
    let certain = facts.iter().filter(|fact| is_certain(fact)).map(|fact| (fact.version, fact.name.as_str()));
    let certain = certain.chain(named.iter().filter_map(|name| Some((version_of(name)?, *name))));
    // Of two of one version (a rebuild lies between their writers) the one that was written first.
    let top = certain.max_by_key(|(version, name)| (*version, Reverse(*name))).map(|(_, name)| name);

    let mut following: Vec<usize> = facts
        .iter()
        .enumerate()
        .filter(|(_, fact)| !is_certain(fact) && !fact.is_refuted && fact.previous.as_deref() == top)
        .filter(|(_, fact)| top.is_some() || fact.version.number == 1)
        .map(|(place, _)| place)
        .collect();
    following.sort_by_key(|&place| facts.get(place).map(|fact| (Reverse(fact.version.epoch), fact.uuid)));
    let mut missing = None;
    let current = following.first().copied().or_else(|| {
        let top = top?;
        places.get(top).copied().or_else(|| {
            missing = Some(top.to_owned());
            // Better the state before than none.
            let certain = facts.iter().enumerate().filter(|(_, fact)| is_certain(fact));
            certain.max_by_key(|(_, fact)| fact.version).map(|(place, _)| place)
        })
    });

    let mut chain = Vec::new();
    let mut next = current;
    while let Some(place) = next {
        if chain.contains(&place) {
            break;
        }
        chain.push(place);
        next = facts.get(place).and_then(|fact| fact.previous.as_deref()).and_then(|name| places.get(name).copied());
    }
    chain.reverse();
    let in_chain: BTreeSet<usize> = chain.iter().copied().collect();
    let rest = facts.iter().enumerate().filter(|(place, _)| !in_chain.contains(place));
    let (past, orphans): (Vec<_>, Vec<_>) = rest.partition(|(_, fact)| is_certain(fact));
    let only_places = |found: Vec<(usize, &Fact)>| found.into_iter().map(|(place, _)| place).collect();
    let ties = following.into_iter().skip(1).collect();
    Decided { chain, past: only_places(past), orphans: only_places(orphans), ties, missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fact(version: &str, uuid: u128, previous: Option<&str>) -> Fact {
        let uuid = Uuid::from_u128(uuid);
        Fact {
            name: format!("c:r:{version}.{uuid}"),
            version: version.parse().unwrap(),
            uuid,
            previous: previous.map(str::to_owned),
            is_known: false,
            is_refuted: false,
        }
    }

    #[test]
    fn of_two_creations_the_one_that_somebody_built_upon_was_the_state() {
        let (lost, first) = (fact("1.1", 1, None), fact("1.1", 2, None));
        let second = fact("1.2", 3, Some(&first.name));
        let decided = decide(&[lost, first, second]);
        assert_eq!((decided.chain, decided.orphans, decided.ties), (vec![1, 2], vec![0], vec![]));
    }

    #[test]
    fn a_tie_goes_to_the_first_and_evidence_is_no_tie() {
        let (one, two) = (fact("1.1", 1, None), fact("1.1", 2, None));
        let decided = decide(&[two.clone(), one.clone()]);
        assert_eq!((decided.chain, decided.ties), (vec![1], vec![0]));
        let known = Fact { is_known: true, ..two.clone() };
        let decided = decide(&[known, one.clone()]);
        assert_eq!((decided.chain, decided.ties), (vec![0], vec![]));
        let refuted = Fact { is_refuted: true, ..one };
        let decided = decide(&[refuted, two]);
        assert_eq!((decided.chain, decided.ties, decided.orphans), (vec![1], vec![], vec![0]));
    }

    #[test]
    fn a_body_upon_what_is_gone_is_current_and_an_older_orphan_is_not() {
        let orphan = fact("1.3", 1, Some("c:r:1.2.00000000-0000-0000-0000-0000000000aa"));
        let current = fact("1.9", 2, Some("c:r:1.8.00000000-0000-0000-0000-0000000000bb"));
        let decided = decide(&[orphan, current]);
        assert_eq!((decided.chain, decided.orphans, decided.missing), (vec![1], vec![0], None));
    }

    #[test]
    fn a_state_whose_body_is_gone_is_said_to_be_missing() {
        let first = fact("1.1", 1, None);
        let refused = Fact { is_refuted: true, ..fact("1.3", 2, Some("c:r:1.2.00000000-0000-0000-0000-0000000000aa")) };
        let decided = decide(&[first.clone(), refused]);
        assert!(decided.chain.is_empty(), "nobody names the first");
        assert_eq!(decided.missing.as_deref(), Some("c:r:1.2.00000000-0000-0000-0000-0000000000aa"));
        let known = Fact { is_known: true, ..first };
        let refused = Fact { is_refuted: true, ..fact("1.3", 2, Some("c:r:1.2.00000000-0000-0000-0000-0000000000aa")) };
        assert_eq!(decide(&[known, refused]).chain, vec![0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        /// Writers commit, lose and die at random; a cleaner takes replaced bodies; losers are marked unless they died.
        #[test]
        fn what_was_committed_last_is_found_unless_a_dead_writer_wrote_beside_it(
            steps in prop::collection::vec((0..4u8, any::<u8>()), 1..24), cleaned in 0..24usize,
        ) {
            let (mut facts, mut head): (Vec<Fact>, Option<Fact>) = (Vec::new(), None);
            let mut states = Vec::new();
            for (serial, (kind, back)) in (1u128..).zip(steps) {
                // A writer may have read its head a while ago.
                let read = if back < 64 && !states.is_empty() { states.get(usize::from(back) % states.len()) } else { head.as_ref() };
                let read: Option<Fact> = read.cloned();
                let number = read.as_ref().map_or(1, |read| read.version.number + 1);
                let body = fact(&format!("1.{number}"), serial, read.as_ref().map(|read| read.name.as_str()));
                let fits = read.as_ref().map(|read| &read.name) == head.as_ref().map(|head| &head.name);
                match kind {
                    // Dies before the script; marked in this test, or the tie would be one.
                    0 => facts.push(Fact { is_refuted: true, ..body }),
                    _ if fits => {
                        facts.push(body.clone());
                        states.push(body.clone());
                        head = Some(body);
                    }
                    _ => facts.push(Fact { is_refuted: true, ..body }),
                }
            }
            // Replaced bodies go, oldest first; the present one never does.
            let gone: Vec<String> = states.iter().take(states.len().saturating_sub(1).min(cleaned)).map(|s| s.name.clone()).collect();
            facts.retain(|fact| !gone.contains(&fact.name));
            let decided = decide(&facts);
            let found: Vec<&String> = decided.chain.iter().map(|&place| &facts[place].name).collect();
            let wanted: Vec<&String> = states.iter().map(|state| &state.name).filter(|name| !gone.contains(name)).collect();
            prop_assert_eq!(found, wanted);
            prop_assert!(decided.ties.is_empty());
        }
    }
}
