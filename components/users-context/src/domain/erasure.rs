//! The erasure of an account: what each service did, and whether all of it is done.

use ambient::Timestamp;
use ids::{ErasureId, UserId};
use privacy::{ErasurePart, Service};
use std::collections::BTreeMap;

/// How far an erasure is; never further than what was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureStanding {
    /// Not every service has answered.
    Pending,
    /// Every service has answered, and something has to end first.
    Waiting,
    /// Every service has done its part; the second look is still to come.
    Done,
    /// Every service has looked twice: nothing more will be taken away.
    Final,
}

/// An erasure that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its name.
    pub id: ErasureId,
    /// Whose.
    pub user: UserId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// The names of the claims to be given up; empty when that is done.
    pub login_names: Vec<String>,
    /// What was handed in, by the service's word: also by one that only a newer version knows, whose part stays as it is.
    pub parts: BTreeMap<String, ErasurePart>,
}

impl Erasure {
    /// An erasure of which nothing is done.
    pub const fn request(id: ErasureId, user: UserId, at: Timestamp, login_names: Vec<String>) -> Self {
        Self { id, user, requested_at: at, login_names, parts: BTreeMap::new() }
    }

    /// With a part that was handed in; `None` where it tells nothing new: the same again, or an older one that comes late.
    #[must_use]
    pub fn with_part(mut self, service: Service, part: ErasurePart) -> Option<Self> {
        let known = self.part(service);
        if known.is_some_and(|known| (part.look, part.at) < (known.look, known.at) || *known == part) {
            return None;
        }
        self.parts.insert(service.word().to_owned(), part);
        Some(self)
    }

    /// What a service handed in.
    pub fn part(&self, service: Service) -> Option<&ErasurePart> {
        self.parts.get(service.word())
    }

    /// How far it is.
    pub fn standing(&self) -> ErasureStanding {
        let parts: Vec<_> = Service::ALL.into_iter().filter_map(|service| self.part(service)).collect();
        if parts.len() < Service::ALL.len() {
            return ErasureStanding::Pending;
        }
        if parts.iter().any(|part| !part.waiting.is_empty()) {
            return ErasureStanding::Waiting;
        }
        if parts.iter().any(|part| part.look < 2) { ErasureStanding::Done } else { ErasureStanding::Final }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use privacy::InFlight;
    use proptest::prelude::*;

    fn part(look: u8, at: i64, waiting: bool) -> ErasurePart {
        let waiting = waiting.then(|| InFlight { what: "payments_in_flight".into(), count: 1, why: "held".into() });
        let waiting = waiting.into_iter().collect();
        ErasurePart { look, at: Timestamp::from_unix_ms(at), erased: vec![], kept: vec![], waiting }
    }

    fn asked() -> Erasure {
        let user = UserId::derived(0, &[b"ada"]);
        Erasure::request(ErasureId::derived(0, &[b"e"]), user, Timestamp::from_unix_ms(0), vec![])
    }

    #[test]
    fn it_is_never_further_than_the_slowest_service() {
        let mut erasure = asked();
        for service in Service::ALL {
            assert_eq!(erasure.standing(), ErasureStanding::Pending);
            erasure = erasure.with_part(service, part(1, 1, service == Service::Payments)).unwrap();
        }
        assert_eq!(erasure.standing(), ErasureStanding::Waiting);
        erasure = erasure.with_part(Service::Payments, part(1, 2, false)).unwrap();
        assert_eq!(erasure.standing(), ErasureStanding::Done);
        for service in Service::ALL {
            assert_eq!(erasure.standing(), ErasureStanding::Done);
            erasure = erasure.with_part(service, part(2, 3, false)).unwrap();
        }
        assert_eq!(erasure.standing(), ErasureStanding::Final);
    }

    #[test]
    fn a_late_part_of_the_first_look_does_not_undo_the_second() {
        let second = asked().with_part(Service::Queries, part(2, 5, false)).unwrap();
        assert_eq!(second.clone().with_part(Service::Queries, part(1, 9, true)), None);
        assert_eq!(second.clone().with_part(Service::Queries, part(2, 4, true)), None);
        assert_eq!(second.clone().with_part(Service::Queries, part(2, 5, false)), None, "the same again");
    }

    /// Two looks of each service.
    const PARTS: usize = 2 * Service::ALL.len();

    proptest! {
        #[test]
        fn any_order_of_any_repetitions_ends_alike(
            order in Just((0..PARTS).collect::<Vec<_>>()).prop_shuffle(),
            again in prop::collection::vec(0..PARTS, 0..12),
        ) {
            let parts: Vec<_> = Service::ALL.into_iter().flat_map(|service| {
                [(service, part(1, 1, service == Service::Payments)), (service, part(2, 2, false))]
            }).collect();
            let mut erasure = asked();
            for place in order.into_iter().chain(again) {
                let (service, part) = parts[place].clone();
                if let Some(next) = erasure.clone().with_part(service, part) {
                    erasure = next;
                }
            }
            prop_assert_eq!(erasure.standing(), ErasureStanding::Final);
        }
    }
}
