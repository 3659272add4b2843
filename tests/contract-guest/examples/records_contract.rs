//! The records suite: `/cases` lists the names, `/run/<case>` answers 200, or 500 with what was found instead.
#![cfg(target_family = "wasm")]

use contract_guest::text;
use platform_spin::{SpinKeyValue, SpinRedis, SpinSleep, variable};
use records_contract::{OnRedis, cases};
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::http_service;
use std::sync::Arc;

#[http_service]
async fn records_contract(request: Request) -> impl IntoResponse {
    let path = request.uri().path();
    if path == "/cases" {
        let names: Vec<_> = cases().iter().map(|case| case.name).collect();
        return text(StatusCode::OK, names.join("\n"));
    }
    let wanted = path.strip_prefix("/run/").unwrap_or_default();
    let Some(case) = cases().into_iter().find(|case| case.name == wanted) else {
        return text(StatusCode::NOT_FOUND, "no such case");
    };
    let url = match variable("redis_url").await {
        Ok(url) => url,
        Err(error) => return text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let (redis, bodies) = (Arc::new(SpinRedis::new(url)), Arc::new(SpinKeyValue::new("contract")));
    match case.run(&OnRedis::new(redis, bodies, Arc::new(SpinSleep))).await {
        Ok(()) => text(StatusCode::OK, "holds"),
        Err(failure) => text(StatusCode::INTERNAL_SERVER_ERROR, failure.to_string()),
    }
}
