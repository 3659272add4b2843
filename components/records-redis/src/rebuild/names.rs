//! What the names of a store say: which are bodies and whose, which are marks beside them, which are pages.

use crate::keys::{Keys, LOST};
use ids::Partition;
use records::{AccountKey, RecordKey, Version};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// A body, or what is said beside it.
    Body(BodyName, Beside),
    /// A page of a chain: the journal's where `true`, the trail's otherwise.
    ChainPage(bool, u64),
    /// A page of an account of a chain, and how often the account's rows were shredded when it was written.
    AccountPage(bool, AccountKey, u64, u64),
    /// How often an account's rows were shredded.
    Generation(bool, AccountKey, u64),
    /// A page of the archive.
    ArchivePage(u64),
    /// A rebuild that was.
    Rebuilt(u32),
    /// The mark of commits.
    Mark,
    /// What belongs to another partition of the context.
    Elsewhere,
    /// None of ours.
    Other,
}

/// Whose body it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BodyName {
    pub(crate) record: RecordKey,
    pub(crate) version: Version,
    pub(crate) uuid: Uuid,
}

/// What a name is to its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beside {
    /// The body itself.
    Body,
    /// The mark that it was refused.
    Lost,
    /// The page that it was replaced and what its record stood in.
    Standing,
}

impl Name {
    pub(crate) fn read(name: &str, keys: &Keys) -> Self {
        let Some(rest) = name.strip_prefix(keys.context()).and_then(|rest| rest.strip_prefix(':')) else {
            return Self::Other;
        };
        if is_of_another(rest, keys.partition()) {
            return Self::Elsewhere;
        }
        let of = |kind: &str| rest.strip_prefix(&format!("{kind}.{}", keys.partition()));
        if of("mark") == Some("") {
            return Self::Mark;
        }
        for (kind, is_journal) in [("journal", true), ("trail", false)] {
            if let Some(page) = of(kind).and_then(|rest| chain_page(is_journal, rest)) {
                return page;
            }
        }
        if let Some(page) = of("archive").and_then(|rest| rest.strip_prefix(".page.")?.parse().ok()) {
            return Self::ArchivePage(page);
        }
        if let Some(epoch) = of("rebuilt").and_then(|rest| rest.strip_prefix('.')?.parse().ok()) {
            return Self::Rebuilt(epoch);
        }
        let (body, beside) = match (of("standing").and_then(|rest| rest.strip_prefix(':')), rest.strip_suffix(LOST)) {
            (Some(body), _) => (body, Beside::Standing),
            (None, Some(body)) => (body, Beside::Lost),
            (None, None) => (rest, Beside::Body),
        };
        match BodyName::read(body) {
            None => Self::Other,
            Some(body) if !keys.holds(&body.record) => Self::Elsewhere,
            Some(body) => Self::Body(body, beside),
        }
    }
}

/// What stands before the number of a partition.
const KINDS: [&str; 6] = ["mark", "journal", "trail", "archive", "rebuilt", "standing"];

/// Whether a name behind the context's, such as `archive.2.page.17`, names another partition than this.
fn is_of_another(rest: &str, partition: Partition) -> bool {
    let Some((_, behind)) = rest.split_once('.').filter(|(kind, _)| KINDS.contains(kind)) else { return false };
    let number = behind.split(['.', ':']).next().unwrap_or(behind);
    number.parse::<Partition>().is_ok_and(|number| number != partition)
}

fn chain_page(is_journal: bool, rest: &str) -> Option<Name> {
    if let Some(page) = rest.strip_prefix(".page.") {
        return Some(Name::ChainPage(is_journal, page.parse().ok()?));
    }
    if let Some(rest) = rest.strip_prefix(".generation.") {
        let (generation, account) = rest.split_once('.')?;
        return Some(Name::Generation(is_journal, AccountKey::new(account).ok()?, generation.parse().ok()?));
    }
    let (generation, rest) = match rest.strip_prefix(".shredded.") {
        Some(rest) => rest.split_once('.')?,
        None => ("0", rest.strip_prefix(".account.")?),
    };
    let (account, page) = rest.rsplit_once('.')?;
    let (account, page) = (AccountKey::new(account).ok()?, page.parse().ok()?);
    Some(Name::AccountPage(is_journal, account, page, generation.parse().ok()?))
}

impl BodyName {
    /// Reads `<record>:<epoch>.<n>.<uuid>`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (record, rest) = text.rsplit_once(':')?;
        let (version, uuid) = rest.rsplit_once('.')?;
        Some(Self { record: RecordKey::new(record).ok()?, version: version.parse().ok()?, uuid: uuid.parse().ok()? })
    }

    /// The place on the list of names: all of a record together, its versions in their order.
    ///
    /// **Shape** `<record>\0<epoch, ten digits>.<n, twenty digits>\0<uuid>\0<what it is to the body>`.
    pub(crate) fn member(&self, beside: Beside) -> String {
        let Self { record, version, uuid } = self;
        let beside = match beside {
            Beside::Body => "body",
            Beside::Lost => "lost",
            Beside::Standing => "standing",
        };
        format!("{record}\0{:010}.{:020}\0{uuid}\0{beside}", version.epoch, version.number)
    }

    /// Reads a place on the list.
    pub(crate) fn of_member(member: &str) -> Option<(Self, Beside)> {
        let mut parts = member.split('\0');
        let (record, version, uuid, beside) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let beside = match beside {
            "body" => Beside::Body,
            "lost" => Beside::Lost,
            "standing" => Beside::Standing,
            _ => return None,
        };
        let name =
            Self { record: RecordKey::new(record).ok()?, version: version.parse().ok()?, uuid: uuid.parse().ok()? };
        Some((name, beside))
    }
}

/// What the walk found, but for bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pages {
    /// Pages of the journal's chain and of the trail's.
    pub(crate) chains: [BTreeSet<u64>; 2],
    /// Pages of accounts, likewise.
    pub(crate) accounts: [BTreeMap<AccountKey, AccountPages>; 2],
    /// Pages of the archive.
    pub(crate) archive: BTreeSet<u64>,
    /// Rebuilds that were.
    pub(crate) rebuilt: BTreeSet<u32>,
}

/// The pages of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AccountPages {
    /// How often its rows were shredded.
    pub(crate) generation: u64,
    /// Numbers and generations.
    pub(crate) found: BTreeSet<(u64, u64)>,
}

impl AccountPages {
    /// Takes note of a page.
    pub(crate) fn insert(&mut self, page: u64, generation: u64) {
        self.generation = self.generation.max(generation);
        self.found.insert((page, generation));
    }

    /// The numbers, of whichever generation.
    pub(crate) fn numbers(&self) -> BTreeSet<u64> {
        self.found.iter().map(|(page, _)| *page).collect()
    }
}

/// How many numbers there are from 0 without a gap.
pub(crate) fn run_length(numbers: &BTreeSet<u64>) -> u64 {
    numbers.iter().zip(0u64..).take_while(|(number, place)| **number == *place).count() as u64
}

/// The first number of the last run without a gap, and the number after it.
pub(crate) fn last_run(numbers: &BTreeSet<u64>) -> (u64, u64) {
    let Some(&last) = numbers.last() else { return (0, 0) };
    let behind =
        numbers.iter().rev().zip((0..=last).rev()).take_while(|(number, place)| *number == place).count() as u64;
    (last.saturating_add(1).saturating_sub(behind), last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01990000-0000-7000-8000-000000000001";

    #[test]
    fn every_name_that_is_written_is_read() {
        let keys = Keys::new("payments", 0, None);
        let record = RecordKey::new("payment:pay_1").unwrap();
        let version: Version = "1.7".parse().unwrap();
        let body = keys.body(&record, version, UUID.parse().unwrap());
        let name = BodyName { record, version, uuid: UUID.parse().unwrap() };
        let read = |name: &str| Name::read(name, &keys);
        assert_eq!(read(&body), Name::Body(name.clone(), Beside::Body));
        assert_eq!(read(&crate::keys::lost(&body)), Name::Body(name.clone(), Beside::Lost));
        assert_eq!(read(&keys.standing(&body)), Name::Body(name.clone(), Beside::Standing));
        let account = AccountKey::new("merchant:EUR").unwrap();
        assert_eq!(read(&keys.page(17)), Name::ChainPage(true, 17));
        assert_eq!(read(&keys.of_trail().page(17)), Name::ChainPage(false, 17));
        assert_eq!(read(&keys.account_page(&account, 0, 2)), Name::AccountPage(true, account.clone(), 2, 0));
        // A name of an account may end with numbers.
        let (trail, dotted) = (keys.of_trail(), AccountKey::new("usr.3.4").unwrap());
        for account in [account, dotted] {
            let page = Name::AccountPage(false, account.clone(), 2, 1);
            assert_eq!(read(&trail.account_page(&account, 1, 2)), page);
            assert_eq!(read(&trail.generation(&account, 7)), Name::Generation(false, account, 7));
        }
        assert_eq!(read(&keys.archive_page(3)), Name::ArchivePage(3));
        assert_eq!(read(&keys.rebuilt(2)), Name::Rebuilt(2));
        assert_eq!(read(&keys.mark()), Name::Mark);
        for beside in [Beside::Body, Beside::Lost, Beside::Standing] {
            assert_eq!(BodyName::of_member(&name.member(beside)), Some((name.clone(), beside)));
        }
        for other in ["", "payments", "payments:", "users:mark.0", "payments:x", "payments:a:1.2.x"] {
            assert_eq!(read(other), Name::Other, "{other}");
        }
    }

    #[test]
    fn what_belongs_to_another_partition_is_left_to_it() {
        let partitions = ids::Partitions::new(3).unwrap();
        let keys = |partition| Keys::new("payments", partition, Some(partitions));
        let record = RecordKey::new("payment:pay_020000000000000000000000000k").unwrap();
        let body = keys(2).body(&record, "1.7".parse().unwrap(), UUID.parse().unwrap());
        let account = AccountKey::new("merchant:EUR").unwrap();
        for (there, name) in [
            ("body", body.clone()),
            ("lost", crate::keys::lost(&body)),
            ("standing", keys(2).standing(&body)),
            ("page", keys(2).page(1)),
            ("trail", keys(2).of_trail().page(1)),
            ("account", keys(2).account_page(&account, 0, 1)),
            ("shredded", keys(2).of_trail().account_page(&account, 1, 1)),
            ("generation", keys(2).of_trail().generation(&account, 1)),
            ("archive", keys(2).archive_page(1)),
            ("rebuilt", keys(2).rebuilt(2)),
            ("mark", keys(2).mark()),
        ] {
            assert_eq!(Name::read(&name, &keys(1)), Name::Elsewhere, "{there}");
            assert!(!matches!(Name::read(&name, &keys(2)), Name::Elsewhere | Name::Other), "{there}");
        }
        // A dozen is not one and something.
        assert_eq!(Name::read("payments:archive.12.page.3", &keys(1)), Name::Elsewhere);
    }

    #[test]
    fn versions_are_listed_in_their_order_and_records_apart() {
        let member = |record: &str, version: &str| {
            let record = RecordKey::new(record).unwrap();
            BodyName { record, version: version.parse().unwrap(), uuid: UUID.parse().unwrap() }.member(Beside::Body)
        };
        let sorted =
            [member("a", "1.2"), member("a", "1.10"), member("a", "2.1"), member("a:1", "1.1"), member("b", "1.1")];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn gaps_end_what_counts() {
        let set = |numbers: &[u64]| numbers.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!([run_length(&set(&[])), run_length(&set(&[0, 1, 3])), run_length(&set(&[1]))], [0, 2, 0]);
        assert_eq!([last_run(&set(&[])), last_run(&set(&[0, 3, 4])), last_run(&set(&[0]))], [(0, 0), (3, 5), (0, 1)]);
    }
}
