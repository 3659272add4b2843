//! From where and with what a request came: for lists of devices, for throttles and for the audit trail.

use crate::ClientAddress;
use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use http::header::USER_AGENT;
use http::request::Parts;

/// The most characters that are kept of a user agent: enough to tell two devices apart.
const MAX_AGENT_CHARS: usize = 160;

/// The other end of a request.
///
/// **Invariant** the address is the one that the edge believed; the agent is what the caller claims, cut and cleaned, and
/// nothing may depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The address; `None` where the platform does not tell.
    pub address: Option<ClientAddress>,
    /// The `User-Agent`, at most 160 printable characters.
    pub agent: Option<String>,
}

impl Client {
    /// A client at an address with the raw value of its `User-Agent` header.
    pub fn new(address: Option<ClientAddress>, agent: Option<&str>) -> Self {
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_AGENT_CHARS).collect::<String>();
        let agent = agent.map(|text| clean(text.trim())).filter(|text| !text.is_empty());
        Self { address, agent }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    /// Takes the address that the edge found and the agent that the caller claims.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self::new(parts.extensions.get::<ClientAddress>().copied(), agent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_cut_and_cleaned() {
        let agent = |text: &str| Client::new(None, Some(text)).agent;
        assert_eq!(agent(" Firefox/1\r\n\u{1b}[31m "), Some("Firefox/1[31m".to_owned()));
        assert_eq!(agent(&"x".repeat(500)).map(|text| text.len()), Some(160));
        assert_eq!(agent(" \t "), None);
    }
}
