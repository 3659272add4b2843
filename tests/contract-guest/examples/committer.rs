//! Commits records as a context does: through the records' port, over Spin's own Redis connection and key-value store.
//!
//! `POST /commit` takes a JSON list of records, each with its steps; a step is one commit with one event. It answers 200
//! once all of them are committed, by this call or an earlier one, and 503 with the reason otherwise: then the same call may
//! be sent again.
//!
//! **Shape**: `[{"record":"payment:pay_00…","subject":"pay_00…","steps":[{"kind":"payments.payment.created.v1",
//! "data":{…}}]}]`.
#![cfg(target_family = "wasm")]

use ambient::{Clock, SystemClock, SystemRandom};
use contract_guest::text;
use events::NewEvent;
use futures::stream::{StreamExt, TryStreamExt, iter};
use http_body_util::BodyExt;
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records::{Change, Content, Meta, Outcome, RecordKey, Records, Version};
use records_redis::{RecordsConfig, RedisRecords};
use serde::Deserialize;
use serde_json::Value;
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::http_service;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Records that are committed side by side.
const AT_ONCE: usize = 16;
/// The context whose records these are.
const CONTEXT: &str = "payments";

#[derive(Deserialize)]
struct Wanted {
    record: String,
    subject: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    kind: String,
    data: Value,
}

#[http_service]
async fn committer(request: Request) -> impl IntoResponse {
    if request.uri().path() != "/commit" {
        return text(StatusCode::OK, "here");
    }
    let bytes = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let wanted: Vec<Wanted> = match serde_json::from_slice(&bytes) {
        Ok(wanted) => wanted,
        Err(error) => return text(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let records = match store().await {
        Ok(records) => records,
        Err(why) => return text(StatusCode::INTERNAL_SERVER_ERROR, why),
    };
    let all = iter(wanted).map(|wanted| commit(&*records, wanted)).buffer_unordered(AT_ONCE);
    match all.try_collect::<Vec<()>>().await {
        Ok(done) => text(StatusCode::OK, done.len().to_string()),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
    }
}

/// One set of records an instance.
async fn store() -> Result<Arc<RedisRecords>, String> {
    static STORE: OnceLock<Arc<RedisRecords>> = OnceLock::new();
    if let Some(store) = STORE.get() {
        return Ok(store.clone());
    }
    let url = variable("redis_url").await.map_err(|error| error.to_string())?;
    let (redis, bodies) = (Arc::new(SpinRedis::new(url)), Arc::new(SpinKeyValue::new(CONTEXT)));
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let records = RedisRecords::new(RecordsConfig::of(CONTEXT), redis, bodies, clock, random);
    Ok(STORE.get_or_init(|| Arc::new(records.with_sleep(Arc::new(SpinSleep)))).clone())
}

/// All steps of one record; what an earlier call has done is not done again.
async fn commit(records: &dyn Records, wanted: Wanted) -> Result<(), String> {
    let key = RecordKey::new(wanted.record).map_err(|error| error.to_string())?;
    let mut at: Option<Version> = None;
    for (place, step) in wanted.steps.into_iter().enumerate() {
        let number = place as u64 + 1;
        if at.is_some_and(|at| at.number >= number) {
            continue;
        }
        let event =
            NewEvent { kind: kept(&step.kind), subject: wanted.subject.clone(), data: step.data, personal: None };
        let body = Content::Body(event.data.to_string().into());
        let meta = Meta { at: SystemClock.now(), trace: "0".repeat(32), cause: None, actor: None };
        let change = Change::new(key.clone(), at, body, meta).with_event(event);
        at = match records.commit(change).await.map_err(|error| error.to_string())? {
            Outcome::Committed(committed) => Some(committed.version),
            Outcome::Conflict { found: Some(found) } => Some(found),
            other => return Err(format!("{other:?}")),
        };
    }
    Ok(())
}

/// The kinds of events are texts of a program's life; an instance sees a handful.
fn kept(kind: &str) -> &'static str {
    static KINDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kinds = KINDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kinds.get(kind) {
        return known;
    }
    let kept: &'static str = Box::leak(kind.to_owned().into_boxed_str());
    kinds.insert(kept);
    kept
}
