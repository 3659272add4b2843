//! The events suite: `/cases` lists the names, `/run/<case>` answers 200, or 500 with what was found instead.
#![cfg(target_family = "wasm")]

use contract_guest::text;
use events_contract::{OnRedis, cases};
use platform_spin::{SpinRedis, SpinSleep, variable};
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::http_service;
use std::sync::Arc;

/// The connection of one of the users whose part the suite plays.
async fn connection(user: &str) -> Result<Arc<SpinRedis>, String> {
    let url = variable(&format!("{user}_redis_url")).await.map_err(|error| error.to_string())?;
    Ok(Arc::new(SpinRedis::new(url)))
}

async fn fixture() -> Result<OnRedis, String> {
    Ok(OnRedis {
        operator: connection("operator").await?,
        worker: connection("worker").await?,
        gateway: connection("gateway").await?,
        operations: connection("operations").await?,
        sleep: Arc::new(SpinSleep),
        keep: Box::new(()),
    })
}

#[http_service]
async fn events_contract(request: Request) -> impl IntoResponse {
    let path = request.uri().path();
    if path == "/cases" {
        let names: Vec<_> = cases().iter().map(|case| case.name).collect();
        return text(StatusCode::OK, names.join("\n"));
    }
    let wanted = path.strip_prefix("/run/").unwrap_or_default();
    let Some(case) = cases().into_iter().find(|case| case.name == wanted) else {
        return text(StatusCode::NOT_FOUND, "no such case");
    };
    let fixture = match fixture().await {
        Ok(fixture) => fixture,
        Err(error) => return text(StatusCode::INTERNAL_SERVER_ERROR, error),
    };
    match case.run(&fixture).await {
        Ok(()) => text(StatusCode::OK, "holds"),
        Err(failure) => text(StatusCode::INTERNAL_SERVER_ERROR, failure.to_string()),
    }
}
