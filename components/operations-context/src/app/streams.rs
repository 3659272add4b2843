//! How much lies in the streams, and how far their groups are.

use super::{OperationsError, service, stream_of};
use crate::wire::stream::{GroupAnswer, GroupsAnswer, StreamAnswer, StreamsAnswer};
use crate::{Operations, Service};
use events::{GroupStats, RetryStats, StreamName};
use futures::future::try_join_all;

/// Every stream. One round trip each, side by side.
///
/// # Errors
/// [`OperationsError`].
pub async fn streams(house: &Operations) -> Result<StreamsAnswer, OperationsError> {
    let each = house.services.iter().flat_map(|service| service.streams.iter().map(move |stream| (service, stream)));
    Ok(StreamsAnswer { items: try_join_all(each.map(|(service, stream)| look(service, stream))).await? })
}

/// One stream.
///
/// # Errors
/// [`OperationsError`].
pub async fn stream(house: &Operations, context: &str, partition: Option<u8>) -> Result<StreamAnswer, OperationsError> {
    let service = service(house, context)?;
    look(service, stream_of(service, partition)?).await
}

async fn look(service: &Service, stream: &StreamName) -> Result<StreamAnswer, OperationsError> {
    Ok(StreamAnswer::of(stream, service.inspection.stream(stream).await?))
}

/// The groups that hear a stream.
///
/// # Errors
/// [`OperationsError`].
pub async fn groups(house: &Operations, context: &str, partition: Option<u8>) -> Result<GroupsAnswer, OperationsError> {
    let service = service(house, context)?;
    let groups = service.statistics.groups(stream_of(service, partition)?).await?;
    Ok(GroupsAnswer { items: try_join_all(groups.into_iter().map(|group| place(house, group))).await? })
}

async fn place(house: &Operations, stats: GroupStats) -> Result<GroupAnswer, OperationsError> {
    let Some(owner) = house.owner_of(&stats.group) else {
        return Ok(GroupAnswer::of(stats, None, RetryStats::default()));
    };
    let retries = owner.inspection.retries(owner.name, &stats.group).await?;
    Ok(GroupAnswer::of(stats, Some(owner.name), retries))
}
