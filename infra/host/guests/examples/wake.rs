//! `/sleep` waits for another request of the same instance; `/wake` is that request. Without the SDK's feature for it
//! waking a neighbour's task panics, which ends the instance: code of ours must not do this.
#![cfg(target_family = "wasm")]

use std::sync::{Mutex, PoisonError};

use futures::channel::oneshot;
use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
};

static SLEEPERS: Mutex<Vec<oneshot::Sender<()>>> = Mutex::new(Vec::new());

fn sleepers() -> std::sync::MutexGuard<'static, Vec<oneshot::Sender<()>>> {
    SLEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[http_service]
async fn wake(request: Request) -> impl IntoResponse {
    match request.uri().path() {
        "/sleep" => {
            let (wake, woken) = oneshot::channel();
            sleepers().push(wake);
            let woken = woken.await.is_ok();
            guests::text(StatusCode::OK, format!("woken: {woken}"))
        }
        _ => {
            let woken = sleepers().drain(..).filter_map(|sleeper| sleeper.send(()).ok()).count();
            guests::text(StatusCode::OK, woken.to_string())
        }
    }
}
