//! Woken by a Redis message; writes `start:<payload>:<messages seen by this instance>` and, a moment later,
//! `end:<payload>` to the list `record` of the Redis server in the variable `redis_url`. The payload `fail` makes the
//! handler fail, `panic` panic, `chain` try to reach a neighbour.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the export that the macro generates")]

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use spin_sdk::{
    http,
    redis::{Connection, Error, Payload, RedisParameter},
    redis_subscriber, time, variables,
};

static SEEN: AtomicU32 = AtomicU32::new(0);

#[redis_subscriber]
async fn record(payload: Payload) -> Result<(), String> {
    let payload = String::from_utf8_lossy(&payload).into_owned();
    let seen = SEEN.fetch_add(1, Relaxed) + 1;
    let url = variables::get("redis_url").await.map_err(|error| format!("{error:?}"))?;
    let connection = Connection::open(url).await.map_err(|error| format!("{error:?}"))?;
    append(&connection, &format!("start:{payload}:{seen}")).await?;
    match payload.as_str() {
        "fail" => return Err("asked to fail".into()),
        "panic" => give_up(),
        "chain" => {
            let reached = http::get("http://hello.spin.internal/").await.is_ok();
            append(&connection, &format!("chained:{reached}")).await?;
        }
        _ => time::sleep(Duration::from_millis(50)).await,
    }
    append(&connection, &format!("end:{payload}")).await
}

async fn append(connection: &Connection, entry: &str) -> Result<(), String> {
    let parameters = ["record", entry].map(|text| RedisParameter::Binary(text.as_bytes().to_vec()));
    connection.execute("RPUSH", parameters).await.map_err(|error: Error| format!("{error:?}"))?;
    Ok(())
}

#[expect(clippy::panic, reason = "what the test is about")]
fn give_up() {
    panic!("on purpose");
}
