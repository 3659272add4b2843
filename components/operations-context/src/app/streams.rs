//! How much lies in the streams, and how far their groups are.

use super::{OperationsError, service};
use crate::wire::stream::{GroupAnswer, GroupsAnswer, StreamAnswer, StreamsAnswer};
use crate::{Operations, Service};
use events::{GroupStats, RetryStats};
use futures::future::try_join_all;

/// Every stream. One round trip each, side by side.
///
/// # Errors
/// [`OperationsError`].
pub async fn streams(house: &Operations) -> Result<StreamsAnswer, OperationsError> {
    Ok(StreamsAnswer { items: try_join_all(house.services.iter().map(look)).await? })
}

/// One stream.
///
/// # Errors
/// [`OperationsError`].
pub async fn stream(house: &Operations, context: &str) -> Result<StreamAnswer, OperationsError> {
    look(service(house, context)?).await
}

async fn look(service: &Service) -> Result<StreamAnswer, OperationsError> {
    let stream = service.stream();
    Ok(StreamAnswer::of(&stream, service.inspection.stream(&stream).await?))
}

/// The groups that hear a stream.
///
/// # Errors
/// [`OperationsError`].
pub async fn groups(house: &Operations, context: &str) -> Result<GroupsAnswer, OperationsError> {
    let service = service(house, context)?;
    let groups = service.statistics.groups(&service.stream()).await?;
    Ok(GroupsAnswer { items: try_join_all(groups.into_iter().map(|group| place(house, group))).await? })
}

async fn place(house: &Operations, stats: GroupStats) -> Result<GroupAnswer, OperationsError> {
    let Some(owner) = house.owner_of(&stats.group) else {
        return Ok(GroupAnswer::of(stats, None, RetryStats::default()));
    };
    let retries = owner.inspection.retries(owner.name, &stats.group).await?;
    Ok(GroupAnswer::of(stats, Some(owner.name), retries))
}
