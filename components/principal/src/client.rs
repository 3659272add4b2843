//! From where and with what a request came: for lists of devices, for limits and for the audit trail.

use axum_core::extract::FromRequestParts;
use core::convert::Infallible;
use core::fmt;
use core::net::IpAddr;
use http::request::Parts;

/// The most characters that are kept of a user agent: enough to tell two devices apart.
const MAX_AGENT_CHARS: usize = 160;

/// The other end of a request, as the edge found it.
///
/// **Invariant** the address is the peer's or one that a trusted proxy named, never what a caller claims; the agent is
/// what the caller claims, cut and cleaned, and nothing may depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The address; `None` where the platform does not tell.
    pub address: Option<IpAddr>,
    /// The `User-Agent`, at most 160 printable characters.
    pub agent: Option<String>,
}

impl Client {
    /// A client at an address with the raw value of its `User-Agent` header.
    pub fn new(address: Option<IpAddr>, agent: Option<&str>) -> Self {
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_AGENT_CHARS).collect::<String>();
        let agent = agent.map(|text| clean(text.trim())).filter(|text| !text.is_empty());
        Self { address, agent }
    }

    /// What counts as one place: an IPv4 address, or the /64 of an IPv6 address, because whoever has one address of it
    /// has them all.
    ///
    /// **Shape** `203.0.113.7` or `2001:db8:0:1::/64`; `unknown` without an address.
    pub fn place(&self) -> Place {
        Place(self.address.map(|address| address.to_canonical()))
    }
}

/// See [`Client::place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place(Option<IpAddr>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(IpAddr::V4(address)) => write!(f, "{address}"),
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) & (u128::MAX << 64);
                write!(f, "{}/64", core::net::Ipv6Addr::from(network))
            }
            None => f.write_str("unknown"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    /// Takes the client that the edge found; in a test without an edge, nobody in particular.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> String {
        Client::new(address.parse().ok(), None).place().to_string()
    }

    #[test]
    fn a_place_is_an_address_or_a_network_of_64_bits() {
        assert_eq!(place("203.0.113.7"), "203.0.113.7");
        assert_eq!(place("::ffff:203.0.113.7"), "203.0.113.7", "one machine, whichever way it is written");
        assert_eq!(place("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::/64");
        assert_eq!(place("2001:db8:0:1::9"), place("2001:db8:0:1:ffff::"));
        assert_ne!(place("2001:db8:0:2::9"), place("2001:db8:0:1::9"));
        assert_eq!(place("nowhere"), "unknown");
    }

    #[test]
    fn an_agent_is_cut_and_cleaned() {
        let agent = |text: &str| Client::new(None, Some(text)).agent;
        assert_eq!(agent(" Firefox/1\r\n\u{1b}[31m "), Some("Firefox/1[31m".to_owned()));
        assert_eq!(agent(&"x".repeat(500)).map(|text| text.len()), Some(160));
        assert_eq!(agent(" \t "), None);
    }
}
