//! Whom to believe when a request says on whose behalf it comes.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Whom to believe about the address of a client.
///
/// # Wire shape
/// `"none"`, `"cloudflare"` (also as a list of one), or a list of networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxies {
    /// Nobody: the client is who connects.
    #[default]
    None,
    /// Proxies in these networks; they write `x-forwarded-for`.
    Networks(Vec<IpNet>),
    /// Cloudflare, which writes `cf-connecting-ip`.
    Cloudflare,
}

/// Cloudflare's networks.
///
/// # Source
/// <https://www.cloudflare.com/ips-v4> and <https://www.cloudflare.com/ips-v6>, as known on
/// 2026-11-24; both lists have not changed for years.
const CLOUDFLARE: [&str; 22] = [
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
    "2400:cb00::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2405:b500::/32",
    "2405:8100::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
];

impl TrustedProxies {
    /// The networks whose word is taken. A tunnel daemon on this host speaks for Cloudflare too.
    pub fn networks(&self) -> Vec<IpNet> {
        match self {
            Self::None => Vec::new(),
            Self::Networks(networks) => networks.clone(),
            Self::Cloudflare => {
                let loopback = ["127.0.0.0/8", "::1/128"];
                CLOUDFLARE.iter().chain(loopback.iter()).filter_map(|text| text.parse().ok()).collect()
            }
        }
    }
}

impl TrustedProxies {
    /// Reads a mode, or networks with commas between them.
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "none" | "" => Some(Self::None),
            "cloudflare" => Some(Self::Cloudflare),
            list => list
                .split(',')
                .map(|item| network(item.trim()))
                .collect::<Option<Vec<_>>>()
                .map(Self::Networks),
        }
    }
}

/// A network, or a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Cloudflare => f.write_str("cloudflare"),
            Self::Networks(networks) => {
                let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join(","))
            }
        }
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None | Self::Cloudflare => serializer.collect_str(self),
            Self::Networks(networks) => networks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Given {
            One(String),
            Many(Vec<String>),
        }
        let text = match Given::deserialize(deserializer)? {
            Given::One(text) => text,
            Given::Many(texts) => texts.join(","),
        };
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a list of networks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloudflare_network_is_well_formed() {
        assert_eq!(TrustedProxies::Cloudflare.networks().len(), CLOUDFLARE.len() + 2);
    }

    #[test]
    fn modes_networks_and_single_addresses_are_read() {
        let read = |json: &str| serde_json::from_str::<TrustedProxies>(json).ok();
        assert_eq!(read(r#""none""#), Some(TrustedProxies::None));
        assert_eq!(read("[]"), Some(TrustedProxies::None));
        assert_eq!(read(r#"["cloudflare"]"#), Some(TrustedProxies::Cloudflare));
        let networks =
            TrustedProxies::Networks(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        assert_eq!(read(r#"["10.0.0.0/8", "::1"]"#), Some(networks.clone()));
        assert_eq!(read(r#""10.0.0.0/8,::1""#), Some(networks));
        for wrong in [r#""everyone""#, r#"["10.0.0.0/33"]"#, r#"["cloudflare", "10.0.0.0/8"]"#, "7"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
