//! What there is: an index for programs, and a page for whoever opens the address in a browser.

use crate::wire::{Index, Link};
use axum::response::{IntoResponse, Response};
use core::fmt::Write;
use http::{HeaderMap, HeaderValue, header};
use problem::Json;

/// Where to go, services first.
const LINKS: [Link; 13] = [
    Link { rel: "documentation", href: "/docs", title: "Every route, to read and to try" },
    Link { rel: "service-desc", href: "/openapi.json", title: "The same for programs: OpenAPI 3.1" },
    Link { rel: "events", href: "/asyncapi.json", title: "What services tell each other: AsyncAPI 3.0" },
    Link { rel: "users", href: "/v1/users", title: "Accounts: register with POST; who am I at /v1/users/me" },
    Link { rel: "sessions", href: "/v1/sessions", title: "Logins: log in with POST; renew at /v1/sessions/refresh" },
    Link { rel: "payments", href: "/v1/payments", title: "Payments: create, confirm, capture, cancel, list" },
    Link { rel: "ledger", href: "/v1/ledger/trial-balance", title: "The ledger's trial balance, for operators" },
    Link { rel: "notifications", href: "/v1/notifications", title: "The inbox" },
    Link { rel: "overview", href: "/v1/overview", title: "A person's overview, from events" },
    Link { rel: "operations", href: "/v1/operations/streams", title: "Streams and dead letters, for administrators" },
    Link { rel: "jwks", href: "/.well-known/jwks.json", title: "The keys that access tokens are verified with" },
    Link { rel: "readiness", href: "/readyz", title: "Whether every service is ready" },
    Link { rel: "problems", href: "/problems", title: "What each problem means and what to do" },
];

/// Styles are in the page itself; nothing else is loaded.
const PAGE_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");

/// What there is
///
/// JSON for programs; a page for whoever prefers HTML.
#[utoipa::path(
    get, path = "/", operation_id = "get_index", tag = "front desk",
    responses((status = 200, description = "Where to go", content((Index = "application/json"), (String = "text/html")))),
)]
pub(crate) async fn index(headers: HeaderMap) -> Response {
    let index = Index { name: "spindrift", version: env!("CARGO_PKG_VERSION"), links: LINKS.into() };
    let mut response = if prefers_html(&headers) {
        let mut response = page(&index).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        response
    } else {
        Json(index).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether `Accept` ranks HTML above JSON (RFC 9110, 12.5.1); without a preference the answer is JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    weight(accept, "text/html") > weight(accept, "application/json")
}

/// The weight of a media type in thousandths: that of the most specific range that covers it.
fn weight(accept: &str, media: &str) -> u16 {
    let kind = media.split('/').next().unwrap_or_default();
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let specific = match name.as_str() {
            "*/*" => 0,
            name if name == media => 2,
            name if name.strip_suffix("/*") == Some(kind) => 1,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
        Some((specific, (quality.clamp(0.0, 1.0) * 1000.0) as u16))
    });
    ranges.max().map_or(0, |(_, quality)| quality)
}

fn page(index: &Index) -> String {
    let mut items = String::new();
    for link in &index.links {
        // Writing into a String cannot fail.
        let _ = write!(items, "<li><a href=\"{0}\"><code>{0}</code></a> {1}</li>", link.href, link.title);
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Spindrift</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>\
         :root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}\
         li{{margin:.4rem 0}}</style></head><body><h1>Spindrift</h1>\
         <p>A backend of serverless microservices, version {version}. Programs get this list as JSON.</p>\
         <ul>{items}</ul></body></html>",
        version = index.version,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_goes_to_those_who_prefer_it() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, text/html;q=0.9", false),
            ("text/html;q=0.5, application/json;q=0.4", true),
            ("text/*", true),
            ("text/html;q=0, */*", false),
            ("text/html;q=nonsense", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(prefers_html(&headers), html, "{accept}");
        }
    }
}
