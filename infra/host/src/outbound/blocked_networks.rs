//! Networks that no component may reach whatever its manifest says: `[outbound_networking] block_networks`.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use ip_network::IpNetwork;

/// The blocked networks of the runtime configuration.
#[derive(Debug, Default)]
pub struct BlockedNetworks {
    networks: Vec<IpNetwork>,
    /// The keyword `private`: everything that is not globally reachable.
    private: bool,
}

impl BlockedNetworks {
    /// Parses entries such as `"10.0.0.0/8"` or the keyword `"private"`.
    ///
    /// # Errors
    /// An entry is neither.
    pub fn parse(entries: &[String]) -> anyhow::Result<Self> {
        let mut blocked = Self::default();
        for entry in entries {
            if entry == "private" {
                blocked.private = true;
            } else {
                let network = IpNetwork::from_str_truncate(entry)
                    .ok()
                    .with_context(|| format!("{entry:?} is not a network in CIDR notation or the keyword 'private'"))?;
                blocked.networks.push(network);
            }
        }
        Ok(blocked)
    }

    /// Whether `address` must not be reached. An IPv6 address that carries an IPv4 one is judged by both.
    #[must_use]
    pub fn blocks(&self, address: IpAddr) -> bool {
        if self.private && !IpNetwork::from(address).is_global() {
            return true;
        }
        if self.networks.iter().any(|network| network.contains(address)) {
            return true;
        }
        match address {
            IpAddr::V6(address) => address.to_ipv4().is_some_and(|inner| self.blocks(IpAddr::V4(inner))),
            IpAddr::V4(_) => false,
        }
    }

    /// Takes the blocked addresses out; true if that left none of what was there.
    pub fn remove_blocked(&self, addresses: &mut Vec<SocketAddr>) -> bool {
        let before = addresses.len();
        addresses.retain(|address| !self.blocks(address.ip()));
        addresses.is_empty() && before > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_the_networks_named_and_their_ipv6_disguises() {
        let blocked = BlockedNetworks::parse(&["1.1.1.0/24".into()]).unwrap();
        for (address, refused) in
            [("1.1.1.9", true), ("1.1.2.9", false), ("127.0.0.1", false), ("::ffff:1.1.1.9", true), ("::1.1.1.9", true)]
        {
            assert_eq!(blocked.blocks(address.parse().unwrap()), refused, "{address}");
        }
    }

    #[test]
    fn private_means_everything_that_is_not_global() {
        let blocked = BlockedNetworks::parse(&["private".into()]).unwrap();
        for (address, refused) in [
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("169.254.169.254", true),
            ("8.8.8.8", false),
            ("::1", true),
            ("fd00::1", true),
        ] {
            assert_eq!(blocked.blocks(address.parse().unwrap()), refused, "{address}");
        }
        assert!(BlockedNetworks::parse(&["everything".into()]).is_err());
    }
}
