//! The export of a person's data: which services have handed in, and until when it is kept.

use ambient::Timestamp;
use core::time::Duration;
use ids::{ExportId, UserId};
use privacy::Service;
use std::collections::BTreeMap;

/// How long an export is kept for its owner.
pub const EXPORT_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// An export of the last hour is given again instead of a new one, so that nobody makes the services collect all day.
const FRESH: Duration = Duration::from_secs(3600);

/// What a service has handed in, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedIn {
    /// How many pages.
    pub pages: u32,
    /// Whether there was more than may be handed in.
    pub truncated: bool,
}

/// An export that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub id: ExportId,
    /// Whose.
    pub user: UserId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// What was handed in, by the service's word: also by one that only a newer version knows.
    pub parts: BTreeMap<String, HandedIn>,
}

impl Export {
    /// Who hands in; the account itself is read when the document is.
    pub const FROM: [Service; 4] = [Service::Payments, Service::Notifications, Service::Queries, Service::Webhooks];

    /// An export of which nothing is there.
    pub const fn request(id: ExportId, user: UserId, at: Timestamp) -> Self {
        Self { id, user, requested_at: at, parts: BTreeMap::new() }
    }

    /// When it is deleted.
    pub fn expires_at(&self) -> Timestamp {
        self.requested_at.plus(EXPORT_KEPT)
    }

    /// Whether somebody who asks now gets this one.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.requested_at) < FRESH
    }

    /// Whether its owner may still have it.
    pub fn is_kept(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }

    /// Whether every service has handed in.
    pub fn is_ready(&self) -> bool {
        Self::FROM.iter().all(|service| self.parts.contains_key(service.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_with_the_last_service_and_gone_after_a_week() {
        let at = Timestamp::from_unix_ms(0);
        let mut export = Export::request(ExportId::derived(0, &[b"x"]), UserId::derived(0, &[b"ada"]), at);
        for service in Export::FROM {
            assert!(!export.is_ready());
            export.parts.insert(service.word().to_owned(), HandedIn { pages: 1, truncated: false });
        }
        assert!(export.is_ready() && export.is_kept(at));
        assert!(!export.is_kept(at.plus(EXPORT_KEPT)) && !export.is_fresh(at.plus(FRESH)));
    }
}
