//! Counts in a static, which lives as long as the instance: `<instance> <requests so far> <most at a time so far>`.
//! `/wait` holds the request for half a second.
#![cfg(target_family = "wasm")]

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service, time,
};

static INSTANCE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
static TOTAL: AtomicU32 = AtomicU32::new(0);
static NOW: AtomicU32 = AtomicU32::new(0);
static MOST: AtomicU32 = AtomicU32::new(0);

#[http_service]
async fn count(request: Request) -> impl IntoResponse {
    let total = TOTAL.fetch_add(1, Relaxed) + 1;
    MOST.fetch_max(NOW.fetch_add(1, Relaxed) + 1, Relaxed);
    if request.uri().path() == "/wait" {
        time::sleep(Duration::from_millis(500)).await;
    }
    NOW.fetch_sub(1, Relaxed);
    guests::text(StatusCode::OK, format!("{:x} {total} {}", *INSTANCE, MOST.load(Relaxed)))
}
