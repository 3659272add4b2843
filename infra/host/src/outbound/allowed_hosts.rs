//! `allowed_outbound_hosts`: how an entry is written and what it admits.
//!
//! Shape of an entry: `<scheme>://<host>[:<port>]`, with `*` for any scheme, host or port, `*.example.com` for
//! subdomains, `self` for the application itself, a CIDR network, a port range `8000..8080`, and templates.

use std::collections::HashSet;

use anyhow::{Context as _, bail, ensure};
use ip_network::IpNetwork;
use url::{Host, Url};

use super::super::variables::{Variables, template::Template};

/// The suffix of a host that means another component of the same application.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// All entries of one component, templates filled.
#[derive(Debug, Default)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
    /// Component ids that `*.spin.internal` stands for.
    components: HashSet<String>,
}

/// One entry.
#[derive(Debug)]
struct Entry {
    /// None: any.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
    /// Whether variables made it what it is.
    templated: bool,
}

#[derive(Debug)]
enum HostPattern {
    Any,
    Itself,
    /// With its leading dot.
    Subdomain(String),
    Literal(Host),
    Network(IpNetwork),
}

#[derive(Debug)]
enum PortPattern {
    Any,
    One(u16),
    Range(std::ops::Range<u16>),
}

impl AllowedHosts {
    /// Parses a component's entries. An entry whose template becomes empty is skipped, as optional endpoints are
    /// written that way.
    ///
    /// # Errors
    /// An entry is malformed; the message holds it.
    pub fn parse(
        entries: &[String],
        variables: &Variables,
        components: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<Self> {
        if let [only] = entries {
            ensure!(only != "insecure:allow-all", "'insecure:allow-all' is not allowed - use '*://*:*' instead");
        }
        let mut parsed = Vec::new();
        for entry in entries {
            let filled = variables.fill(entry).with_context(|| format!("allowed_outbound_hosts entry {entry:?}"))?;
            let templated = !Template::parse(entry)?.is_literal();
            // An optional endpoint is a variable that may be empty.
            if templated && matches!(filled.as_str(), "" | "http://" | "https://") {
                continue;
            }
            let mut one = Entry::parse(&filled).with_context(|| format!("allowed_outbound_hosts entry {entry:?}"))?;
            one.templated = templated;
            parsed.push(one);
        }
        Ok(Self { entries: parsed, components: components.into_iter().collect() })
    }

    /// Whether `address` may be reached; `scheme` is assumed where it has none.
    #[must_use]
    pub fn allows(&self, address: &str, scheme: &str) -> bool {
        match Target::parse(address, scheme) {
            Ok(target) => self.entries.iter().any(|entry| entry.allows(&target, &self.components)),
            Err(error) => {
                eprintln!("A component tried to reach an address that cannot be parsed: {error:#}");
                false
            }
        }
    }

    /// Whether the application itself may be reached over http or https.
    #[must_use]
    pub fn allows_itself(&self) -> bool {
        self.entries.iter().any(|entry| {
            entry.scheme.as_deref().is_none_or(|scheme| matches!(scheme, "http" | "https"))
                && matches!(entry.host, HostPattern::Any | HostPattern::Itself)
        })
    }

    /// Component ids that an entry without a template names as `http://<id>.spin.internal`, and `*` for the wildcard.
    pub fn chained_components(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|entry| !entry.templated).filter_map(|entry| match &entry.host {
            HostPattern::Literal(Host::Domain(domain)) => domain.strip_suffix(CHAINING_SUFFIX),
            HostPattern::Subdomain(suffix) if suffix == CHAINING_SUFFIX => Some("*"),
            _ => None,
        })
    }
}

/// The component that a host name such as `users.spin.internal` means.
#[must_use]
pub fn chaining_target(host: &str) -> Option<&str> {
    let host = host.trim();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (component, rest) = host.split_once('.')?;
    (rest == "spin.internal").then_some(component)
}

impl Entry {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            bail!("{text:?} does not contain a scheme (e.g., 'http://' or '*://')");
        };
        let (host, port) = match rest.rsplit_once(':') {
            None => (rest, ""),
            Some((host, "")) => (host, ""),
            // An IPv6 literal holds colons of its own.
            Some(_) if HostPattern::parse(rest).is_ok() => (rest, ""),
            Some((host, tail)) => {
                let (port, path) = tail.split_once('/').unwrap_or((tail, ""));
                ensure!(path.is_empty(), "{text:?} has a path but is not allowed to");
                (host, port)
            }
        };
        let port = PortPattern::parse(port, scheme)?;
        let scheme = match scheme {
            "*" => None,
            _ if scheme.starts_with('{') => bail!("scheme lists are not supported"),
            _ => {
                ensure!(
                    scheme.chars().all(char::is_alphabetic),
                    "the scheme {scheme:?} may hold only alphabetic characters"
                );
                Some(scheme.to_owned())
            }
        };
        Ok(Self { scheme, host: HostPattern::parse(host)?, port, templated: false })
    }

    fn allows(&self, target: &Target, components: &HashSet<String>) -> bool {
        self.scheme.as_ref().is_none_or(|scheme| *scheme == target.scheme)
            && self.host.allows(&target.host, components)
            && self.port.allows(target.port.or_else(|| well_known_port(&target.scheme)))
    }
}

impl HostPattern {
    fn parse(host: &str) -> anyhow::Result<Self> {
        let host = host.trim();
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        ensure!(!host.starts_with('{'), "host lists are not yet supported");
        if let Ok(network) = IpNetwork::from_str_truncate(host) {
            return Ok(Self::Network(network));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        ensure!(!host.contains('/'), "the host {host:?} must not include a path");
        if let Some(domain) = host.strip_prefix("*.") {
            ensure!(!domain.contains('*'), "wildcards are allowed only as prefixes");
            return match Host::parse(domain).with_context(|| format!("invalid wildcard host \"*.{domain}\""))? {
                Host::Domain(domain) => Ok(Self::Subdomain(format!(".{domain}"))),
                _ => bail!("wildcard suffix must be a domain"),
            };
        }
        ensure!(!host.contains('*'), "wildcards are allowed only as subdomains");
        Ok(Self::Literal(Host::parse(host).with_context(|| format!("invalid host {host:?}"))?))
    }

    fn allows(&self, host: &Host, components: &HashSet<String>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Itself, _) => false,
            (Self::Subdomain(suffix), Host::Domain(domain)) if suffix == CHAINING_SUFFIX => {
                domain.strip_suffix(CHAINING_SUFFIX).is_some_and(|id| components.contains(id))
            }
            (Self::Subdomain(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(*address),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(*address),
            (Self::Subdomain(_) | Self::Network(_), _) => false,
        }
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str) -> anyhow::Result<Self> {
        if port.is_empty() {
            return well_known_port(scheme).map(Self::One).with_context(|| {
                format!("no port was provided and the scheme {scheme:?} does not have a known default port")
            });
        }
        if port == "*" {
            return Ok(Self::Any);
        }
        ensure!(!port.starts_with('{'), "port lists are not yet supported");
        let number = |text: &str| text.parse().with_context(|| format!("port {port:?} is not a number"));
        match port.split_once("..") {
            Some((start, end)) => Ok(Self::Range(number(start)?..number(end)?)),
            None => Ok(Self::One(number(port)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => port == Some(*one),
            Self::Range(range) => port.is_some_and(|port| range.contains(&port)),
        }
    }
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// An address that a component wants to reach.
struct Target {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl Target {
    fn parse(address: &str, scheme: &str) -> anyhow::Result<Self> {
        let address = escape_credentials(address);
        let url = match Url::parse(&address) {
            Ok(url) if url.has_host() => url,
            _ => Url::parse(&format!("{scheme}://{address}")).context("not a URL")?,
        };
        let host = url.host_str().context("no host")?;
        // Schemes unknown to the URL standard keep their host as written; parsing it again makes addresses of it.
        Ok(Self { scheme: url.scheme().to_owned(), host: Host::parse(host)?, port: url.port() })
    }
}

/// Escapes user name and password, which may hold characters that end a URL's authority.
fn escape_credentials(address: &str) -> String {
    let (scheme, rest) = match address.find("://") {
        Some(end) => address.split_at(end + 3),
        None => ("", address),
    };
    match rest.split_once('@') {
        Some((credentials, host)) if !credentials.contains('/') => {
            format!("{scheme}{}@{host}", urlencoding::encode(credentials))
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(entries: &[&str]) -> AllowedHosts {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        AllowedHosts::parse(&entries, &Variables::default(), ["users".to_owned()]).unwrap()
    }

    #[test]
    fn admits_what_the_entry_names_and_nothing_else() {
        for (entry, address, admitted) in [
            ("https://example.com", "https://example.com/a?b", true),
            ("https://example.com", "https://example.com:443", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:444", false),
            ("https://example.com", "https://sub.example.com", false),
            ("https://example.com", "https://example.com.evil.net", false),
            ("https://*.example.com", "https://sub.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("*://example.com:*", "redis://example.com:1", true),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8001", true),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8002", false),
            ("http://10.0.0.0/8:80", "http://10.1.2.3", true),
            ("http://10.0.0.0/8:80", "http://11.1.2.3", false),
            ("http://[::1]:80", "http://[::1]", true),
            ("redis://127.0.0.1:6379", "redis://user:p%40ss@127.0.0.1:6379/3", true),
            ("redis://127.0.0.1:6379", "127.0.0.1:6379", true),
            ("redis://127.0.0.1:6379", "redis://127.0.0.1:6380", false),
            ("http://users.spin.internal", "http://users.spin.internal/v1", true),
            ("http://users.spin.internal", "http://payments.spin.internal", false),
            ("http://*.spin.internal", "http://users.spin.internal", true),
            ("http://*.spin.internal", "http://nobody.spin.internal", false),
            ("http://self", "http://self", false),
            ("*://*:*", "http://anything:1", true),
        ] {
            assert_eq!(hosts(&[entry]).allows(address, "redis"), admitted, "{entry} for {address}");
        }
    }

    #[test]
    fn admits_the_application_itself_only_when_asked_to() {
        assert!(hosts(&["http://self"]).allows_itself());
        assert!(hosts(&["*://*:*"]).allows_itself());
        assert!(!hosts(&["http://example.com"]).allows_itself());
        assert!(!hosts(&["redis://*:*"]).allows_itself());
    }

    #[test]
    fn refuses_malformed_entries() {
        for entry in [
            "*",
            "example.com",
            "http://example.com/path",
            "http://a*b.com",
            "foo://example.com",
            "http://example.com:x",
            "{http}://a:1",
            "http://u:p@example.com",
        ] {
            let parsed = AllowedHosts::parse(&[entry.to_owned()], &Variables::default(), []);
            assert!(parsed.is_err(), "{entry}: {parsed:?}");
        }
    }

    #[test]
    fn reads_the_component_out_of_a_chaining_host() {
        assert_eq!(chaining_target("users.spin.internal"), Some("users"));
        assert_eq!(chaining_target("users.spin.internal:80"), Some("users"));
        assert_eq!(chaining_target("spin.internal"), None);
        assert_eq!(chaining_target("a.b.spin.internal"), None);
        assert_eq!(chaining_target("users.spin.internal.evil.net"), None);
    }
}
