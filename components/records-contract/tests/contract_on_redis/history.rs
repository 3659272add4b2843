//! A journal with a history, as the tests of pages and sealers need it.

use crate::native::{NativeRedis, TokioSleep};
use ambient::{SystemClock, SystemRandom, Timestamp};
use key_value::{KeyValue, MemoryKeyValue};
use records::{AccountKey, Change, Content, Finding, Journal, Meta, Outcome, Posting, RecordKey, Records};
use records_redis::{RecordsConfig, RedisRecords};
use redis_client::{Redis, Repeat, Reply};
use std::sync::Arc;
use support::RedisServer;

/// A Redis, a store, and the adapter over both.
pub struct House {
    pub redis: Arc<NativeRedis>,
    pub bodies: Arc<MemoryKeyValue>,
    pub records: RedisRecords,
    _server: RedisServer,
}

pub fn instance(redis: Arc<dyn Redis>, bodies: Arc<dyn KeyValue>) -> RedisRecords {
    RedisRecords::new(RecordsConfig::of("contract"), redis, bodies, Arc::new(SystemClock), Arc::new(SystemRandom))
        .with_sleep(Arc::new(TokioSleep))
}

impl House {
    pub fn new() -> Self {
        let server = RedisServer::start().unwrap();
        let (redis, bodies) = (Arc::new(NativeRedis::new(server.url())), Arc::new(MemoryKeyValue::default()));
        let records = instance(redis.clone(), bodies.clone());
        Self { redis, bodies, records, _server: server }
    }

    /// An entry of this many legs, half of them the merchant's.
    pub async fn post(&self, number: usize, legs: usize) {
        let leg = |place: usize| Posting {
            account: AccountKey::new(if place.is_multiple_of(2) { "acquirer" } else { "merchant" }).unwrap(),
            currency: "EUR".into(),
            posted_minor: if place.is_multiple_of(2) { -3 } else { 3 },
            held_minor: 0,
            floor_minor: None,
        };
        let meta = Meta { at: Timestamp::from_unix_ms(0), trace: "0".repeat(32), cause: None, actor: None };
        let key = RecordKey::new(format!("entry:{number}")).unwrap();
        let change = Change::new(key, None, Content::Body("{}".into()), meta).with_postings((0..legs).map(leg));
        assert!(matches!(self.records.commit(change).await, Ok(Outcome::Committed(_))));
    }

    /// Five entries of 64 legs: two pages of the chain, one of each account, and 64 open rows (32 an account).
    pub async fn with_history() -> Self {
        let house = Self::new();
        for number in 0..5 {
            house.post(number, 64).await;
        }
        house.seal_all().await;
        house
    }

    pub async fn seal_all(&self) -> u32 {
        let mut rows = 0;
        loop {
            let sealed = self.records.seal().await.unwrap();
            rows += sealed.rows;
            if !sealed.more {
                return rows;
            }
        }
    }

    pub async fn finding(&self) -> Finding {
        self.records.verify(None, 100).await.unwrap().finding
    }

    pub async fn call(&self, command: &str, arguments: &[&str]) -> Vec<Reply> {
        let arguments = arguments.iter().map(|&argument| argument.into()).collect();
        self.redis.execute(command, arguments, Repeat::Never).await.unwrap()
    }

    /// Alters a page's text.
    pub async fn alter(&self, key: &str, alter: impl FnOnce(String) -> String) {
        let text = String::from_utf8(self.bodies.get(key).await.unwrap().unwrap()).unwrap();
        let altered = alter(text.clone());
        assert_ne!(altered, text, "nothing was altered in {key}");
        self.bodies.set(key, altered.into_bytes()).await.unwrap();
    }

    /// Writes a line over the open row with this place.
    pub async fn write_open_row(&self, stream: &str, id: u64, line: Option<&str>) {
        // Redis takes no row back into the middle: everything after it is written again.
        let script = "local rows = redis.call('XRANGE', KEYS[1], '-', '+') redis.call('DEL', KEYS[1]) \
            for _, row in ipairs(rows) do local line = row[2][2] \
            if row[1] == ARGV[1] then line = ARGV[2] end \
            if line ~= '' then redis.call('XADD', KEYS[1], row[1], 'r', line) end end return 'OK'";
        self.call("EVAL", &[script, "1", stream, &format!("{id}-0"), line.unwrap_or_default()]).await;
    }
}
