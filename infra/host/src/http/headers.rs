//! What Spin does to a request before a component sees it: authority into the URI, `spin-*` headers behind those
//! that the client sent (which are kept, so a component must read the last one).

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use http::{
    HeaderName, HeaderValue, Request, Uri,
    header::{CONNECTION, HOST},
    uri::{Authority, Scheme},
};

use super::routes::Match;
use crate::outbound::allowed_hosts::chaining_target;

/// Takes out what only concerns the server: `Connection`, and a `Host` that pretends to be a chained request.
pub fn strip_forbidden<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    if headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| chaining_target(host).is_some()) {
        headers.remove(HOST);
    }
    headers.remove(CONNECTION);
}

/// Puts scheme and authority into the URI.
///
/// # Errors
/// There is no authority, or `Host` and URI name different ones.
pub fn complete_uri<B>(request: &mut Request<B>, scheme: Scheme) -> anyhow::Result<()> {
    let host = match request.headers().get(HOST) {
        Some(host) => {
            let host: Authority = host
                .to_str()
                .context("'Host' header is not valid UTF-8")?
                .parse()
                .context("'Host' header contains an invalid authority")?;
            Some(host)
        }
        None => None,
    };
    let mut parts = request.uri().clone().into_parts();
    let authority = match (host, parts.authority.take()) {
        (None, None) => bail!("no 'Host' header present in request"),
        (Some(authority), None) | (None, Some(authority)) => authority,
        (Some(host), Some(authority)) => {
            ensure!(host == authority, "authority in 'Host' header does not match authority in URI");
            host
        }
    };
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Adds the `spin-*` headers.
///
/// # Errors
/// A header that the client sent is not UTF-8; stock Spin answers 500 to it.
pub fn add_spin_headers<B>(request: &mut Request<B>, found: &Match<'_>, client: SocketAddr) -> anyhow::Result<()> {
    for value in request.headers().values() {
        std::str::from_utf8(value.as_bytes())?;
    }
    let host = match request.headers().get(HOST) {
        Some(host) => std::str::from_utf8(host.as_bytes())?,
        None => "localhost",
    };
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let full_url = format!("{}://{host}{path}", uri.scheme_str().unwrap_or("http"));
    let target = &*found.target;
    let component_route = target.raw_route.strip_suffix("/...").unwrap_or(&target.raw_route);
    let client = client.to_string();
    let fixed = [
        ("spin-path-info", found.trailing.as_str()),
        ("spin-full-url", &full_url),
        ("spin-matched-route", &target.based_route),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", &target.raw_route),
        ("spin-component-route", component_route),
        ("spin-client-addr", &client),
    ];
    let headers = request.headers_mut();
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    for (name, value) in &found.named {
        let name = format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase());
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    Ok(())
}
