//! How far the groups are.

use crate::answer::{Answer, failed};
use crate::keys::{Keys, events};
use crate::{RedisEventLog, script};
use async_trait::async_trait;
use events::{EventStatistics, EventsError, GroupStats, StreamName};
use redis_client::Repeat;

#[async_trait]
impl EventStatistics for RedisEventLog {
    async fn groups(&self, stream: &StreamName) -> Result<Vec<GroupStats>, EventsError> {
        let found = script::STATISTICS.run(&*self.redis, vec![events(stream)], Vec::new()).await;
        let mut answer = Answer::new(found.map_err(failed)?);
        let mut stats = Vec::new();
        while !answer.is_empty() {
            stats.push(GroupStats {
                group: answer.text()?,
                // Empty where the server cannot say.
                lag: answer.text()?.parse().ok(),
                pending: answer.parsed()?,
                oldest_age_ms: answer.parsed()?,
                oldest_pending_age_ms: answer.parsed()?,
                oldest_pending_deliveries: answer.parsed()?,
                stream: stream.clone(),
            });
        }
        Ok(stats)
    }

    async fn dead_letters(&self, context: &str) -> Result<u64, EventsError> {
        let dead = Keys::new(context.to_owned(), 0).dead();
        let counted = self.redis.execute("XLEN", vec![dead.into()], Repeat::Safe).await;
        Answer::new(counted.map_err(failed)?).parsed()
    }
}
