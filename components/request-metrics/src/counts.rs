//! Reading the counts back.

use crate::{BUCKETS_MS, key};
use redis_client::{Redis, RedisError, Repeat, Reply};

/// How many requests of one kind there were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCount {
    /// The method.
    pub method: String,
    /// The route's template.
    pub route: String,
    /// The status of the answers.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// All counts of one context, over all its instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By method, route and status, in no order.
    pub requests: Vec<RequestCount>,
    /// How many took at most as long as the bound of [`BUCKETS_MS`] at the same place, and longer than the one before.
    pub buckets: [u64; BUCKETS_MS.len()],
    /// How many took longer than every bound.
    pub beyond: u64,
    /// The sum of all durations.
    pub sum_ms: u64,
}

/// Reads the counts of a context; all zero where nothing was counted yet. One round trip, its size bounded by the route
/// table.
///
/// # Errors
/// The Redis error.
pub async fn read(redis: &dyn Redis, context: &str) -> Result<Counts, RedisError> {
    let fields = redis.execute("HGETALL", vec![key(context).into()], Repeat::Safe).await?;
    let mut counts = Counts::default();
    let mut texts = fields.iter().filter_map(text);
    while let (Some(field), Some(value)) = (texts.next(), texts.next()) {
        counts.add(&field, value.parse().unwrap_or(0));
    }
    Ok(counts)
}

fn text(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
        Reply::Status(text) => Some(text.clone()),
        Reply::Integer(number) => Some(number.to_string()),
        Reply::Nil => None,
    }
}

impl Counts {
    /// Takes one field; what a newer version may have added is passed over.
    fn add(&mut self, field: &str, count: u64) {
        if field == "sum_ms" {
            self.sum_ms = count;
        } else if field == "h|inf" {
            self.beyond = count;
        } else if let Some(upper_ms) = field.strip_prefix("h|").and_then(|text| text.parse::<u64>().ok()) {
            let place = BUCKETS_MS.iter().position(|&bound| bound == upper_ms);
            if let Some(bucket) = place.and_then(|place| self.buckets.get_mut(place)) {
                *bucket = count;
            }
        } else if let Some(rest) = field.strip_prefix("r|") {
            self.requests.extend(request(rest, count));
        }
    }
}

/// `<method>|<route>|<status>`
fn request(text: &str, count: u64) -> Option<RequestCount> {
    let (method, rest) = text.split_once('|')?;
    let (route, status) = rest.rsplit_once('|')?;
    Some(RequestCount { method: method.to_owned(), route: route.to_owned(), status: status.parse().ok()?, count })
}
