//! What the use cases need.

use ambient::{Clock, Random};
use events::{DeadLetters, EventHistory, EventInspection, EventStatistics, StreamName};
use records::{Records, Trail};
use std::sync::Arc;

/// One context whose events are looked after.
#[derive(Clone)]
pub struct Service {
    /// Its name, such as `payments`.
    pub name: &'static str,
    /// Its streams, one a partition, in order.
    pub streams: Arc<[StreamName]>,
    /// The dead letters of its groups.
    pub letters: Arc<dyn DeadLetters>,
    /// How far the groups of its stream are.
    pub statistics: Arc<dyn EventStatistics>,
    /// What lies in its stream.
    pub inspection: Arc<dyn EventInspection>,
    /// What it told, as far back as it keeps it; `None` where it tells nothing.
    pub history: Option<Arc<dyn EventHistory>>,
}

impl Service {
    /// The service over one log that is all three, and these streams.
    pub fn new<L: DeadLetters + EventStatistics + EventInspection + 'static>(
        name: &'static str,
        streams: Vec<StreamName>,
        log: Arc<L>,
    ) -> Self {
        let streams = streams.into();
        Self { name, streams, letters: log.clone(), statistics: log.clone(), inspection: log, history: None }
    }

    /// With the history of what it told, where it tells anything.
    #[must_use]
    pub fn telling<H: EventHistory + 'static>(self, history: Option<Arc<H>>) -> Self {
        Self { history: history.map(|history| -> Arc<dyn EventHistory> { history }), ..self }
    }

    /// Its stream in a partition.
    pub(crate) fn stream(&self, partition: u8) -> Option<&StreamName> {
        self.streams.iter().find(|stream| stream.partition() == partition)
    }
}

/// What the routes need.
#[derive(Clone)]
pub struct Operations {
    /// The contexts that have events, in the order in which they are listed.
    pub services: Arc<[Service]>,
    /// The acts.
    pub records: Arc<dyn Records>,
    /// What was done, by whom.
    pub trail: Arc<dyn Trail>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Salt of what is personal in the trail.
    pub random: Arc<dyn Random>,
}

impl Operations {
    /// The context of this name.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The context whose group this is: a group is named as its component, the context and further words.
    pub(crate) fn owner_of(&self, group: &str) -> Option<&Service> {
        let owns = |name: &str| group == name || group.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
        self.services.iter().filter(|service| owns(service.name)).max_by_key(|service| service.name.len())
    }
}
