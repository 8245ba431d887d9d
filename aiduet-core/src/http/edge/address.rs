//! Where a request really comes from.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

use super::EdgeFault;
use crate::settings::TrustedProxies;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");

/// The peer of the connection; an adapter puts it into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// The client, after what trusted proxies say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client of a request. Without the guard in front it is nobody: an address that is in no
    /// allow-list.
    pub fn of(extensions: &Extensions) -> IpAddr {
        extensions.get::<Self>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0)
    }
}

/// Whose word about the client is taken, and which header holds it.
pub(super) struct AddressRule {
    networks: Vec<IpNet>,
    header: Header,
}

#[derive(Clone, Copy)]
enum Header {
    /// A list to which each proxy adds on the right.
    ForwardedFor,
    /// One address.
    ConnectingIp,
}

impl AddressRule {
    pub(super) fn new(proxies: &TrustedProxies) -> Self {
        let header = match proxies {
            TrustedProxies::None | TrustedProxies::Networks(_) => Header::ForwardedFor,
            TrustedProxies::Cloudflare => Header::ConnectingIp,
        };
        Self { networks: proxies.networks(), header }
    }

    pub(super) fn resolve(&self, request: &Request) -> Result<ClientAddress, EdgeFault> {
        let peer = request.extensions().get::<PeerAddress>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.to_canonical());
        if !self.trusts(peer) {
            return Ok(ClientAddress(peer));
        }
        let named = match self.header {
            Header::ForwardedFor => self.rightmost_stranger(request.headers())?,
            Header::ConnectingIp => only_address(request.headers())?,
        };
        Ok(ClientAddress(named.unwrap_or(peer)))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// What is left of the rightmost stranger was written by the stranger.
    fn rightmost_stranger(&self, headers: &HeaderMap) -> Result<Option<IpAddr>, EdgeFault> {
        let mut farthest = None;
        for value in headers.get_all(FORWARDED_FOR).iter().rev() {
            for part in value.to_str().map_err(|_binary| EdgeFault::Forwarded)?.rsplit(',') {
                let address = parse(part)?;
                farthest = Some(address);
                if !self.trusts(address) {
                    return Ok(farthest);
                }
            }
        }
        Ok(farthest)
    }
}

fn only_address(headers: &HeaderMap) -> Result<Option<IpAddr>, EdgeFault> {
    let mut values = headers.get_all(CONNECTING_IP).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(EdgeFault::Forwarded);
    }
    parse(value.to_str().map_err(|_binary| EdgeFault::Forwarded)?).map(Some)
}

fn parse(text: &str) -> Result<IpAddr, EdgeFault> {
    let address: IpAddr = text.trim().parse().map_err(|_invalid| EdgeFault::Forwarded)?;
    Ok(address.to_canonical())
}

/// Removes what proxies or clients say about the way of a request: it has been judged, and no
/// handler may judge it again.
pub(super) fn strip(headers: &mut HeaderMap) {
    let told = |name: &HeaderName| {
        let name = name.as_str();
        name.starts_with("cf-")
            || name.starts_with("x-forwarded-")
            || matches!(name, "forwarded" | "x-real-ip" | "true-client-ip")
    };
    let names: Vec<_> = headers.keys().filter(|name| told(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}
