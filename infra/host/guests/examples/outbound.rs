//! Sends a GET to the URL in the header `x-url`, with the time-outs in `x-connect-ms` and `x-first-byte-ms` if they
//! are there; answers with status and body, or 502 and the error.
#![cfg(target_family = "wasm")]

use http_body_util::BodyExt as _;
use spin_sdk::{
    http::{EmptyBody, IntoResponse, Request, StatusCode},
    http_service,
    wasip3::{http::types::RequestOptions, http_compat::RequestOptionsExtension},
};

#[http_service]
async fn outbound(request: Request) -> impl IntoResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let options = RequestOptions::new();
    let milliseconds = |name: &str| header(name).parse::<u64>().ok().map(|ms| ms * 1_000_000);
    let set = options
        .set_connect_timeout(milliseconds("x-connect-ms"))
        .and(options.set_first_byte_timeout(milliseconds("x-first-byte-ms")));
    if let Err(error) = set {
        return guests::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"));
    }
    match fetch(&header("x-url"), options).await {
        Ok(text) => guests::text(StatusCode::OK, text),
        Err(error) => guests::text(StatusCode::BAD_GATEWAY, error),
    }
}

async fn fetch(url: &str, options: RequestOptions) -> Result<String, String> {
    let mut request = http::Request::get(url).body(EmptyBody::new()).map_err(|error| error.to_string())?;
    request.extensions_mut().insert(RequestOptionsExtension(options));
    let response = spin_sdk::http::send(request).await.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| format!("{error:?}"))?.to_bytes();
    Ok(format!("{} {}", status.as_u16(), String::from_utf8_lossy(&body)))
}
