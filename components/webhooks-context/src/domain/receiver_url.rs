//! Where a webhook may go: the first line of the guard against requests into our own network.
//!
//! A guest cannot resolve names, and what it resolved the host would resolve again. So this guard reads the URL as it is
//! written and is strict where parsers differ: one spelling of everything, no address that is not public, no name that is
//! known to lead inside. The second line judges the resolved address: the host's `block_networks` and the network policy
//! (docs/webhooks.md).

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// The most bytes of a URL.
const MAX_BYTES: usize = 2048;
/// The ports that a receiver may listen on.
pub const PORTS: [u16; 2] = [443, 8443];

/// Ends of names that lead nowhere public (RFC 2606, 6761, 6762, 7686, 8375, 9476, ICANN's `internal`), and services that
/// resolve to whatever address a name spells.
const CLOSED: [&str; 28] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "test",
    "invalid",
    "example",
    "onion",
    "alt",
    "svc",
    "pod",
    "cluster",
    "consul",
    "docker",
    "host",
    "metadata",
    "nip.io",
    "sslip.io",
    "xip.io",
    "localtest.me",
    "lvh.me",
    "vcap.me",
];

/// Why nothing is sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedUrl {
    /// Longer than any receiver needs.
    #[error("a URL has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Characters that parsers read differently.
    #[error("a URL is written in visible ASCII, without spaces, backslashes and fragments; encode what is not")]
    Characters,
    /// Not encrypted.
    #[error("a URL begins with https://")]
    Scheme,
    /// A name or a password in it.
    #[error("a URL holds no user and no password")]
    Userinfo,
    /// Another port.
    #[error("a receiver listens on port 443 or 8443")]
    Port,
    /// No name of a host.
    #[error("the host is a full name such as hooks.example.com, in ASCII (punycode), without a dot at its end")]
    Host,
    /// A name that leads inside.
    #[error("the host is not a public one")]
    ClosedName,
    /// An address in a spelling that is not the plain one.
    #[error("an address is written in its plain form, such as 203.0.113.7")]
    AddressForm,
    /// An address that is not public.
    #[error("the address is not a public one")]
    ClosedAddress,
}

/// What development opens beside the public world: one pattern, the same as in `allowed_outbound_hosts`.
///
/// **Shape** empty, or `http://127.0.0.1:*`, or `http://127.0.0.1:8080`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenedReceivers(Option<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// Scheme and host with `://` between.
    origin: String,
    /// `None`: any.
    port: Option<u16>,
}

/// A variable that is no such pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook_receivers is empty or one pattern such as http://127.0.0.1:*")]
pub struct InvalidPattern;

impl OpenedReceivers {
    /// Reads the variable.
    ///
    /// # Errors
    /// [`InvalidPattern`].
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (origin, port) = text.rsplit_once(':').ok_or(InvalidPattern)?;
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")).ok_or(InvalidPattern)?;
        if host.is_empty() || host.bytes().any(|byte| matches!(byte, b'*' | b'/' | b'@' | b' ')) {
            return Err(InvalidPattern);
        }
        let port = if port == "*" { None } else { Some(port.parse().map_err(|_| InvalidPattern)?) };
        Ok(Self(Some(Pattern { origin: origin.to_owned(), port })))
    }

    fn opens(&self, parts: &Parts<'_>) -> bool {
        self.0.as_ref().is_some_and(|pattern| {
            let origin = format!("{}://{}", parts.scheme, parts.host);
            origin == pattern.origin && pattern.port.is_none_or(|port| parts.port == Some(port))
        })
    }
}

/// A URL that something may be sent to. **Shape** scheme and host in lower case, the rest as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiverUrl(String);

/// A URL in its parts, each as it is written.
struct Parts<'a> {
    scheme: String,
    host: String,
    port: Option<u16>,
    rest: &'a str,
}

impl ReceiverUrl {
    /// Judges a URL.
    ///
    /// # Errors
    /// [`RefusedUrl`].
    pub fn parse(text: &str, opened: &OpenedReceivers) -> Result<Self, RefusedUrl> {
        let parts = split(text)?;
        if !opened.opens(&parts) {
            if parts.scheme != "https" {
                return Err(RefusedUrl::Scheme);
            }
            if parts.port.is_some_and(|port| !PORTS.contains(&port)) {
                return Err(RefusedUrl::Port);
            }
            check_host(&parts.host)?;
        }
        let port = parts.port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("{}://{}{port}{}", parts.scheme, parts.host, parts.rest)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes a URL apart, where it has one reading only.
fn split(text: &str) -> Result<Parts<'_>, RefusedUrl> {
    if text.len() > MAX_BYTES {
        return Err(RefusedUrl::TooLong);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>')) {
        return Err(RefusedUrl::Characters);
    }
    let (scheme, rest) = text.split_once("://").ok_or(RefusedUrl::Scheme)?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "https" && scheme != "http" {
        return Err(RefusedUrl::Scheme);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.contains('@') {
        return Err(RefusedUrl::Userinfo);
    }
    // The colons of an IPv6 address are in brackets.
    let (host, port) = match authority.rfind(']') {
        Some(bracket) => {
            let (host, port) = authority.split_at(bracket.saturating_add(1));
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(RefusedUrl::Host)?) })
        }
        None if authority.contains('[') => return Err(RefusedUrl::Host),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map(plain_port).transpose()?;
    let rest = if rest.starts_with('?') || rest.is_empty() { rest } else { check_path(rest)? };
    Ok(Parts { scheme, host: host.to_ascii_lowercase(), port, rest })
}

/// A path may hold anything but another authority: `//` at its beginning is one to some readers.
fn check_path(path: &str) -> Result<&str, RefusedUrl> {
    if path.starts_with("//") { Err(RefusedUrl::Characters) } else { Ok(path) }
}

/// A port as digits without a sign, a space or a zero in front.
fn plain_port(text: &str) -> Result<u16, RefusedUrl> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain).ok_or(RefusedUrl::Port)
}

fn check_host(host: &str) -> Result<(), RefusedUrl> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or(RefusedUrl::Host)?;
        let address: Ipv6Addr = inner.parse().map_err(|_| RefusedUrl::AddressForm)?;
        return if is_public_v6(address) { Ok(()) } else { Err(RefusedUrl::ClosedAddress) };
    }
    if host.len() > 253 {
        return Err(RefusedUrl::Host);
    }
    let labels: Vec<&str> = host.split('.').collect();
    if !labels.iter().all(|label| is_label(label)) {
        return Err(RefusedUrl::Host);
    }
    let last = labels.last().copied().unwrap_or_default();
    // What ends in a number is an address to every resolver (WHATWG URL, "ends in a number").
    let hexadecimal = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit()) {
        // The standard library reads four decimal numbers and nothing else.
        let address: Ipv4Addr = host.parse().map_err(|_| RefusedUrl::AddressForm)?;
        return if is_public_v4(address) { Ok(()) } else { Err(RefusedUrl::ClosedAddress) };
    }
    if labels.len() < 2 {
        return Err(RefusedUrl::ClosedName);
    }
    let closed =
        CLOSED.iter().any(|end| host == *end || host.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')));
    if closed { Err(RefusedUrl::ClosedName) } else { Ok(()) }
}

/// A label of letters, digits and hyphens (RFC 952, 1123).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether an address is one of the public internet. **Source** IANA's IPv4 special-purpose registry.
pub fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 31, 196)
            | (192, 52, 193)
            | (192, 88, 99)
            | (192, 168, _)
            | (192, 175, 48)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, ..)
    )
}

/// Whether an address is one of the public internet: global unicast, none that carries another address in it.
/// **Source** IANA's IPv6 special-purpose registry.
pub fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = (0x2000..=0x3fff).contains(&a);
    // Protocol assignments with Teredo, documentation, 6to4, documentation.
    let special = match a {
        0x2001 => b < 0x0200 || b == 0x0db8,
        0x2002 => true,
        0x3fff => b < 0x1000,
        _ => false,
    };
    global && !special
}

#[cfg(test)]
#[path = "receiver_url_tests.rs"]
mod tests;
