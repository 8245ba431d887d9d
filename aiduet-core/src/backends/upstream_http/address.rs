//! Which addresses a provider may have, checked at each connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::class::Source;

/// Which addresses a provider may have. By default only public ones, so that no name in the
/// settings can be turned into a door to the operator's own network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    /// This machine, also by plain http: for a provider under test.
    pub allow_plain_loopback: bool,
    /// Private networks, by https: for models that the operator runs.
    pub allow_private: bool,
}

impl NetworkRules {
    /// Whether an address may be called.
    pub(super) const fn allows(self, address: IpAddr) -> bool {
        match place(address) {
            Place::Public => true,
            Place::Private => self.allow_private,
            Place::Loopback => self.allow_plain_loopback || self.allow_private,
            Place::Never => false,
        }
    }
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Public,
    Private,
    Loopback,
    /// Nowhere that a provider can be: link-local (cloud metadata), multicast, reserved, or an
    /// address inside an address.
    Never,
}

const fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

/// # Source
/// IANA IPv4 Special-Purpose Address Registry, read 2026-11-24.
const fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [127, ..] => Place::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Place::Private,
        [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [198, 18..=19, ..] => Place::Never,
        [198, 51, 100, _] | [203, 0, 113, _] => Place::Never,
        _ => Place::Public,
    }
}

/// # Source
/// IANA IPv6 Special-Purpose Address Registry, read 2026-11-24.
const fn place_v6(address: Ipv6Addr) -> Place {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Loopback,
        [0xfc00..=0xfdff, ..] => Place::Private,
        [0x64, 0xff9b, ..] | [0x2001, 0xdb8, ..] | [0x2001, 0, ..] | [0x2002, ..] => Place::Never,
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Never,
    }
}

/// Resolves a name and refuses it unless all its addresses are allowed.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub(super) rules: NetworkRules,
    /// Plain http is spoken, so nothing but this machine may be called.
    pub(super) loopback_only: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the host resolves to an address that may not be called")]
struct ForbiddenAddress;

impl CheckedResolver {
    fn allows(&self, address: IpAddr) -> bool {
        self.rules.allows(address) && (!self.loopback_only || place(address) == Place::Loopback)
    }

    fn check(&self, addresses: Vec<SocketAddr>) -> Result<Addrs, Source> {
        if addresses.iter().all(|address| self.allows(address.ip())) {
            return Ok(Box::new(addresses.into_iter()));
        }
        tracing::warn!("the host of a provider resolves to an address that may not be called");
        Err(Box::new(ForbiddenAddress))
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let checker = Self { ..*self };
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            checker.check(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORBIDDEN: [&str; 24] = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "ff02::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001:db8::1",
    ];

    fn checker(rules: NetworkRules) -> CheckedResolver {
        CheckedResolver { rules, loopback_only: false }
    }

    fn passes(checker: &CheckedResolver, addresses: &[&str]) -> bool {
        checker
            .check(addresses.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect())
            .is_ok()
    }

    #[test]
    fn only_public_addresses_pass_unless_more_is_allowed() {
        let strict = checker(NetworkRules::default());
        assert!(passes(&strict, &["8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1"]));
        for address in FORBIDDEN {
            assert!(!passes(&strict, &[address]), "{address}");
            assert!(!passes(&strict, &["8.8.8.8", address]), "one bad address spoils the name: {address}");
        }
    }

    #[test]
    fn private_networks_and_loopback_are_allowed_apart() {
        let private = checker(NetworkRules { allow_private: true, ..NetworkRules::default() });
        assert!(passes(&private, &["10.0.0.1", "fd00::1", "127.0.0.1", "8.8.8.8"]));
        assert!(!passes(&private, &["169.254.169.254"]));
        let loopback = checker(NetworkRules { allow_plain_loopback: true, ..NetworkRules::default() });
        assert!(passes(&loopback, &["127.0.0.1", "::1"]));
        assert!(!passes(&loopback, &["10.0.0.1"]));
        let plain = CheckedResolver { loopback_only: true, ..loopback };
        assert!(!passes(&plain, &["8.8.8.8"]) && passes(&plain, &["127.0.0.1"]));
    }
}
