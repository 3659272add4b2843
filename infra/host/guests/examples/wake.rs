//! `/sleep` waits for another request of the same instance, a minute at most; `/wake` is that request. Without the
//! SDK's feature for it waking a neighbour's task panics, and so does waiting for nothing else (`/sleep-for-ever`),
//! which ends the instance: code of ours must do neither.
#![cfg(target_family = "wasm")]

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{
    channel::oneshot,
    future::{Either, select},
};
use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service, time,
};

static SLEEPERS: Mutex<Vec<oneshot::Sender<()>>> = Mutex::new(Vec::new());

fn sleepers() -> std::sync::MutexGuard<'static, Vec<oneshot::Sender<()>>> {
    SLEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn asleep() -> oneshot::Receiver<()> {
    let (wake, woken) = oneshot::channel();
    sleepers().push(wake);
    woken
}

#[http_service]
async fn wake(request: Request) -> impl IntoResponse {
    match request.uri().path() {
        "/sleep-for-ever" => {
            let woken = asleep().await.is_ok();
            guests::text(StatusCode::OK, format!("woken: {woken}"))
        }
        "/sleep" => {
            let minute = std::pin::pin!(time::sleep(Duration::from_secs(60)));
            let woken = matches!(select(asleep(), minute).await, Either::Left(_));
            guests::text(StatusCode::OK, format!("woken: {woken}"))
        }
        _ => {
            let woken = sleepers().drain(..).filter_map(|sleeper| sleeper.send(()).ok()).count();
            guests::text(StatusCode::OK, woken.to_string())
        }
    }
}
