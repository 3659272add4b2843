//! Uses a key-value store: `/<label>/<operation>/<key>/<value>`; answers with the result as Rust prints it.
#![cfg(target_family = "wasm")]

use spin_sdk::{
    http::{IntoResponse, Request, StatusCode},
    http_service,
    key_value::Store,
};

#[http_service]
async fn key_value(request: Request) -> impl IntoResponse {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    let (label, operation) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (key, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let store = match Store::open(label).await {
        Ok(store) => store,
        Err(error) => return guests::text(StatusCode::FORBIDDEN, format!("{error:?}")),
    };
    match operation {
        "open" => guests::text(StatusCode::OK, "open"),
        "set" => guests::outcome(store.set(key, value).await),
        "get" => guests::outcome(
            store.get(key).await.map(|value| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
        ),
        "exists" => guests::outcome(store.exists(key).await),
        "delete" => guests::outcome(store.delete(key).await),
        "keys" => guests::outcome(store.get_keys().await.collect().await.map(|mut keys| {
            keys.sort();
            keys
        })),
        other => guests::text(StatusCode::NOT_FOUND, other),
    }
}
