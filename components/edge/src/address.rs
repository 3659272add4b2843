//! Where the caller is: the peer of the connection, or what trusted proxies say of it.
//!
//! **Source** RFC 7239 (`Forwarded`), and the custom of `X-Forwarded-For`.

use core::net::{IpAddr, SocketAddr};
use http::HeaderMap;

/// Where the platform writes the peer. A caller may send the header too: the platform appends its own, so the last one
/// counts.
const PEER: &str = "spin-client-addr";

/// The client's address, `trusted_hops` proxies away from us; none where the platform names no peer.
///
/// Each proxy appends the address that it was called from, so the client's stands `trusted_hops` places from the right,
/// and everything to the left of it is the caller's own invention. Which of the two headers the proxies write is not
/// known: where both are there they must agree, else the caller has added one, and the nearest proxy's address counts
/// for it.
pub(crate) fn of(headers: &HeaderMap, trusted_hops: u8) -> Option<IpAddr> {
    let peer = peer(headers)?;
    if trusted_hops == 0 {
        return Some(peer);
    }
    let customary = nth_from_the_right(headers, "x-forwarded-for", trusted_hops, address);
    let standard = nth_from_the_right(headers, "forwarded", trusted_hops, forwarded_for);
    match (customary, standard) {
        (Said::Nothing, Said::Address(address)) | (Said::Address(address), Said::Nothing) => Some(address),
        (Said::Address(one), Said::Address(other)) if one == other => Some(one),
        _ => Some(peer),
    }
}

/// The peer of the connection; a chained call has none (`0.0.0.0:0`).
fn peer(headers: &HeaderMap) -> Option<IpAddr> {
    let peer = address(headers.get_all(PEER).iter().next_back()?.to_str().ok()?)?;
    (!peer.is_unspecified()).then_some(peer)
}

/// What one header says.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// It is not there.
    Nothing,
    /// It is there and its element is no address: `unknown`, an obfuscated name, nonsense.
    Nobody,
    Address(IpAddr),
}

/// The element `places` from the right over all lines of a header. Where there are fewer, the leftmost: all of them were
/// written by trusted proxies then.
fn nth_from_the_right(headers: &HeaderMap, name: &str, places: u8, read: impl Fn(&str) -> Option<IpAddr>) -> Said {
    let mut left = usize::from(places);
    let mut found = Said::Nothing;
    for line in headers.get_all(name).iter().rev() {
        let Ok(text) = line.to_str() else {
            return Said::Nobody;
        };
        for element in elements(text).into_iter().rev().filter(|element| !element.is_empty()) {
            found = read(element).map_or(Said::Nobody, Said::Address);
            left -= 1;
            if left == 0 {
                return found;
            }
        }
    }
    found
}

/// The elements of a list, apart at the commas that stand in no quotes.
fn elements(text: &str) -> Vec<&str> {
    let mut quoted = false;
    let parts = text.split(|symbol| {
        quoted ^= symbol == '"';
        symbol == ',' && !quoted
    });
    parts.map(str::trim).collect()
}

/// The address in `for=` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut values = element.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    });
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    address(value)
}

/// An address with or without a port; an IPv6 one may stand in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const PROXY: (&str, &str) = ("spin-client-addr", "10.9.9.9:50000");

    fn found(hops: u8, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        of(&headers, hops).map_or_else(|| "none".to_owned(), |address| address.to_string())
    }

    #[test]
    fn without_trusted_proxies_no_header_moves_the_caller() {
        for name in ["x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip"] {
            assert_eq!(found(0, &[(name, "203.0.113.9"), PROXY]), "10.9.9.9", "{name}");
        }
        assert_eq!(found(0, &[("spin-client-addr", "203.0.113.9:1"), PROXY]), "10.9.9.9", "the platform's own is last");
        assert_eq!(found(0, &[]), "none");
        assert_eq!(found(0, &[("spin-client-addr", "0.0.0.0:0")]), "none", "a chained call has no peer");
        assert_eq!(found(0, &[("spin-client-addr", "nonsense")]), "none");
    }

    #[test]
    fn the_client_is_as_many_places_from_the_right_as_proxies_are_trusted() {
        let customary = ("x-forwarded-for", "6.6.6.6, 203.0.113.9, 198.51.100.1");
        assert_eq!(found(1, &[customary, PROXY]), "198.51.100.1");
        assert_eq!(found(2, &[customary, PROXY]), "203.0.113.9");
        assert_eq!(found(9, &[customary, PROXY]), "6.6.6.6", "then trusted proxies wrote all of it");
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9"), PROXY];
        assert_eq!(found(1, &lines), "203.0.113.9", "the last line is the nearest proxy's");
        assert_eq!(found(1, &[PROXY]), "10.9.9.9", "somebody went past the proxy");
    }

    #[test]
    fn the_standard_header_is_read_in_all_its_forms() {
        for (value, expected) in [
            ("for=203.0.113.9", "203.0.113.9"),
            ("For=\"203.0.113.9:4711\";proto=https;by=10.0.0.1", "203.0.113.9"),
            ("for=1.1.1.1, for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
            ("for=1.1.1.1;host=\"a,b\", proto=http;FOR=203.0.113.9", "203.0.113.9"),
            // What is no address is the proxy's.
            ("for=unknown", "10.9.9.9"),
            ("for=_hidden", "10.9.9.9"),
            ("for=203.0.113.9;for=6.6.6.6", "10.9.9.9"),
            ("proto=https", "10.9.9.9"),
            ("for=\"6.6.6.6, for=203.0.113.9", "10.9.9.9"),
        ] {
            assert_eq!(found(1, &[("forwarded", value), PROXY]), expected, "{value}");
        }
    }

    #[test]
    fn a_header_that_the_proxy_does_not_write_gains_the_caller_nothing() {
        // The proxy wrote the customary header, the caller the standard one; and the other way round.
        let (customary, standard) = (("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=6.6.6.6"));
        assert_eq!(found(1, &[standard, customary, PROXY]), "10.9.9.9");
        assert_eq!(found(1, &[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=203.0.113.9"), PROXY]), "10.9.9.9");
        assert_eq!(found(1, &[("forwarded", "for=203.0.113.9"), customary, PROXY]), "203.0.113.9", "they agree");
    }

    #[test]
    fn forged_elements_of_any_kind_never_name_another() {
        for forged in ["", ",", ",,,", "\"", "\\", "[::1", "999.1.1.1", "1.1.1.1:99999", "%00", "😀"] {
            let written_by_the_proxy = format!("{forged}, 203.0.113.9");
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_bytes(written_by_the_proxy.as_bytes()).unwrap());
            headers.insert("spin-client-addr", HeaderValue::from_static(PROXY.1));
            let found = of(&headers, 1).map(|address| address.to_string());
            // A quote may hide the proxy's element, bytes beyond ASCII the line: then it is the proxy's own address.
            assert!(
                ["203.0.113.9", "10.9.9.9"].map(|own| Some(own.to_owned())).contains(&found),
                "{forged}: {found:?}"
            );
        }
    }
}
