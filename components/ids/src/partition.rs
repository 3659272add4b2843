//! Which part of a context's data a thing lies in.

use crate::{derived_uuid, parse_any};
use core::fmt;
use core::str::FromStr;
use uuid::Uuid;

/// The number of the partition in which a record lives, from 0.
pub type Partition = u8;

/// The most partitions that data may have.
pub const MOST_PARTITIONS: u8 = 64;

/// Why a text or a number is no count of partitions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no count of partitions: a whole number from 1 to {MOST_PARTITIONS} is expected")]
pub struct InvalidPartitions(String);

/// How many partitions the data of the house has: fixed when it is made.
///
/// A person's id carries the number of the partition in which their things lie, chosen when the account is made; whatever
/// is named after it carries the same number. So any name tells where its record lies, without a table and without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions(u8);

impl Partitions {
    /// Data that is not divided.
    pub const ONE: Self = Self(1);

    /// So many.
    ///
    /// # Errors
    /// [`InvalidPartitions`] for none, or more than [`MOST_PARTITIONS`].
    pub fn new(count: u8) -> Result<Self, InvalidPartitions> {
        if (1..=MOST_PARTITIONS).contains(&count) { Ok(Self(count)) } else { Err(InvalidPartitions(count.to_string())) }
    }

    /// How many there are: at least 1.
    pub const fn count(self) -> u8 {
        self.0
    }

    /// Their numbers, in order.
    pub fn all(self) -> impl DoubleEndedIterator<Item = Partition> + ExactSizeIterator {
        0..self.0
    }

    /// The partition of a new person, by the UUID that names them: as many people in each.
    pub fn of_new(self, uuid: Uuid) -> Partition {
        // The low half is random (version 7) or a digest (version 8) in all but two of its bits.
        let (_, low) = uuid.as_u64_pair();
        u8::try_from(low % u64::from(self.0)).unwrap_or(0)
    }

    /// The partition of the record with this name, such as `message:ntf_02…`: the one that its first id carries. A name
    /// without an id lies where its digest says.
    ///
    /// `None` where the id carries a number that is no partition of ours.
    pub fn of_record(self, name: &str) -> Option<Partition> {
        if self.0 == 1 {
            return Some(0);
        }
        match first_id(name) {
            Some(carried) => Some(carried).filter(|partition| *partition < self.0),
            None => Some(self.of_new(derived_uuid(&[name.as_bytes()]))),
        }
    }

    /// The partition of what is named after an id, such as an index `inbox:usr_00…`; `None` where the name has none, or
    /// one whose number is no partition of ours: then its parts may be in any.
    pub fn of_ids(self, name: &str) -> Option<Partition> {
        if self.0 == 1 { Some(0) } else { first_id(name).filter(|partition| *partition < self.0) }
    }
}

/// What the first id in a name carries.
fn first_id(name: &str) -> Option<Partition> {
    name.split([':', '.']).find_map(parse_any).map(|(partition, _)| partition)
}

impl FromStr for Partitions {
    type Err = InvalidPartitions;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let count = text.parse().map_err(|_| InvalidPartitions(text.to_owned()))?;
        Self::new(count)
    }
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NotificationId, UserId};
    use proptest::prelude::*;

    fn four() -> Partitions {
        Partitions::new(4).unwrap()
    }

    proptest! {
        #[test]
        fn a_persons_things_lie_in_one_partition_whatever_they_are_called(value: u128, count in 1u8..=64) {
            let partitions = Partitions::new(count).unwrap();
            let uuid = Uuid::from_u128(value);
            let person = UserId::new(partitions.of_new(uuid), uuid);
            let home = person.partition();
            prop_assert!(home < count);
            for name in [format!("settings:{person}"), format!("inbox:{person}"), format!("digest:{person}.payout")] {
                prop_assert_eq!(partitions.of_record(&name), Some(home), "{}", name);
                prop_assert_eq!(partitions.of_ids(&name), Some(home), "{}", name);
            }
            let message = NotificationId::derived(home, &[person.to_string().as_bytes()]);
            prop_assert_eq!(partitions.of_record(&format!("message:{message}")), Some(home));
        }

        #[test]
        fn any_name_has_one_home_at_most_and_none_panics(name in ".{0,60}", count in 1u8..=64) {
            let partitions = Partitions::new(count).unwrap();
            let home = partitions.of_record(&name);
            prop_assert!(home.is_none_or(|home| home < count));
            prop_assert_eq!(partitions.of_record(&name), home);
        }
    }

    #[test]
    fn the_first_id_of_a_name_decides() {
        let (endpoint, message) = (NotificationId::derived(3, &[b"e"]), NotificationId::derived(1, &[b"m"]));
        assert_eq!(four().of_record(&format!("message:{endpoint}:{message}")), Some(3));
    }

    #[test]
    fn a_name_without_an_id_has_a_home_but_an_index_without_one_is_everywhere() {
        assert!(four().of_record("suppression:email:00ff").is_some());
        assert_eq!(four().of_ids("suppressions"), None);
        assert_eq!(Partitions::ONE.of_ids("suppressions"), Some(0));
    }

    #[test]
    fn a_number_that_is_no_partition_is_nobodys_home() {
        let stray = NotificationId::derived(9, &[b"x"]);
        assert_eq!(four().of_record(&format!("message:{stray}")), None);
        assert_eq!(Partitions::ONE.of_record(&format!("message:{stray}")), Some(0), "undivided data ignores it");
    }

    #[test]
    fn people_spread_evenly() {
        let mut found = [0u32; 4];
        for person in 0..4000u32 {
            found[usize::from(four().of_new(derived_uuid(&[&person.to_be_bytes()])))] += 1;
        }
        assert!(found.iter().all(|count| (850..1150).contains(count)), "{found:?}");
    }

    #[test]
    fn counts_read_back_and_others_are_refused() {
        assert_eq!("16".parse::<Partitions>().map(Partitions::count), Ok(16));
        for bad in ["", "0", "65", "-1", "1.5", "many", "256"] {
            assert!(bad.parse::<Partitions>().is_err(), "{bad}");
        }
    }
}
