//! What a case needs of the implementation under test.

use crate::Failure;
use ambient::{Clock, Random, Sleep};
use async_trait::async_trait;
use core::time::Duration;
use events::{DeadLetters, Envelope, EventId, EventInspection, EventLog, EventStatistics, EventVersion, StreamName};
use std::sync::Arc;

/// An implementation and the faults that can be injected into it. Its own context is `notifications`, its
/// group `notifications-worker`, and it hears the stream `payments/0`: names that the rules of a real system know.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The log under test; each call may give another handle to the same streams.
    fn log(&self) -> Arc<dyn EventLog>;
    /// The dead letters of the same context.
    fn letters(&self) -> Arc<dyn DeadLetters>;
    /// How far the groups are.
    fn statistics(&self) -> Arc<dyn EventStatistics>;
    /// What lies where.
    fn inspection(&self) -> Arc<dyn EventInspection>;
    /// The clock for the loop.
    fn clock(&self) -> Arc<dyn Clock>;
    /// Randomness for the loop.
    fn random(&self) -> Arc<dyn Random>;
    /// Real waiting, for bounds within a visit.
    fn sleep(&self) -> Arc<dyn Sleep>;
    /// Appends as a commit does, ringing the groups whose bell is armed.
    async fn append(&self, stream: &StreamName, payload: &[u8]) -> Result<(), Failure>;
    /// How often the group's bell rang since everything was lost.
    async fn rings(&self, group: &str) -> Result<usize, Failure>;
    /// Lets time pass for the log: by its clock, or by waiting.
    async fn pass(&self, duration: Duration);
    /// Loses all data, as a server without its disk.
    async fn lose_everything(&self) -> Result<(), Failure>;
    /// Drops all entries of a stream, as trimming does.
    async fn trim(&self, stream: &StreamName) -> Result<(), Failure>;
}

/// The `number`th event of the suite, about the record of that number.
pub fn event(number: u32) -> Envelope {
    let body = uuid::Uuid::from_u128(0x0199_f3a0_7c1e_7000_8000_0000_0000_0000 + u128::from(number));
    Envelope {
        specversion: "1.0".to_owned(),
        id: EventId::new(body, 0),
        source: "/tests".to_owned(),
        kind: "tests.thing.happened.v1".to_owned(),
        time: ambient::Timestamp::from_unix_ms(1_767_225_600_000),
        subject: format!("thing_{number}"),
        datacontenttype: "application/json".to_owned(),
        dataschema: "/asyncapi.json#tests.thing.happened.v1".to_owned(),
        version: EventVersion { epoch: 1, number: 1 },
        traceid: format!("{:032x}", u128::from(number) + 1),
        causationid: None,
        actor: None,
        data: serde_json::json!({ "number": number }),
        personal: None,
    }
}

/// The same event as bytes.
pub(crate) fn bytes(number: u32) -> Vec<u8> {
    // An envelope is always JSON.
    serde_json::to_vec(&event(number)).unwrap_or_default()
}

/// The stream that cases append to.
pub(crate) fn stream() -> StreamName {
    StreamName::new("payments", 0)
}

/// The group that cases read with.
pub(crate) const GROUP: &str = "notifications-worker";

/// After how long an entry counts as abandoned in the suite.
pub(crate) const IDLE: Duration = Duration::from_millis(400);

/// Longer than [`IDLE`].
pub(crate) const LONGER: Duration = Duration::from_millis(500);

/// Appends events by their numbers.
pub(crate) async fn append(fixture: &dyn Fixture, numbers: impl IntoIterator<Item = u32>) -> Result<(), Failure> {
    for number in numbers {
        fixture.append(&stream(), &bytes(number)).await?;
    }
    Ok(())
}
