//! What a key may be used for, now and from where.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{ApiKey, KeyLimits, KeyState};
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::price::ModelId;

/// `::ffff:0:0/96` holds all of IPv4.
const MAPPED_PREFIX: u8 = 96;

/// Why a key may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// Its owner switched it off.
    #[error("the key is disabled")]
    Disabled,
    /// It was revoked, or it was rotated and the overlap is over.
    #[error("the key is revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
}

impl ApiKey {
    /// Whether the key may be used at this moment. A rotated key works up to and including the
    /// last moment of its overlap; an expiring key stops at the moment it names.
    ///
    /// # Errors
    /// [`KeyRefusal`] says why not.
    pub fn check(&self, now: Timestamp) -> Result<(), KeyRefusal> {
        match self.state {
            KeyState::Disabled { at: _ } => Err(KeyRefusal::Disabled),
            KeyState::Revoked { at: _ } => Err(KeyRefusal::Revoked),
            KeyState::Rotated { until } if until < now => Err(KeyRefusal::Revoked),
            KeyState::Active | KeyState::Rotated { .. } => match self.expires_at {
                Some(end) if end <= now => Err(KeyRefusal::Expired),
                Some(_) | None => Ok(()),
            },
        }
    }
}

impl KeyLimits {
    /// Whether a model of the catalogue may be called.
    pub fn allows_model(&self, model: &ModelId) -> bool {
        self.models.is_empty() || self.models.contains(model)
    }

    /// Whether an endpoint may be called. Counting tokens is free and goes with what is counted.
    pub fn allows_endpoint(&self, endpoint: Endpoint) -> bool {
        let counted = match endpoint {
            Endpoint::CountTokens => Some(Endpoint::Messages),
            Endpoint::InputTokens => Some(Endpoint::Responses),
            Endpoint::ChatCompletions | Endpoint::Responses | Endpoint::Embeddings | Endpoint::Messages => {
                None
            }
        };
        let allows = |endpoint: &Endpoint| self.endpoints.contains(endpoint);
        self.endpoints.is_empty() || allows(&endpoint) || counted.as_ref().is_some_and(allows)
    }

    /// Whether a client may call from this address. An IPv4 address that came in an IPv6 socket
    /// is the IPv4 address.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|network| contains(network, address))
    }
}

/// Whether a network has an address; a network may be written in IPv6 for IPv4, too.
fn contains(network: &IpNet, address: IpAddr) -> bool {
    match (network, address) {
        (IpNet::V6(v6), IpAddr::V4(v4)) if v6.prefix_len() >= MAPPED_PREFIX => {
            v6.contains(&v4.to_ipv6_mapped())
        }
        _ => network.contains(&address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, ApiKeyId};
    use crate::keys::ApiKeyHash;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn moment(offset: i64) -> Timestamp {
        Timestamp::from_millis(NOW.millis() + offset)
    }

    fn key(state: KeyState, expires_at: Option<Timestamp>) -> ApiKey {
        ApiKey {
            id: ApiKeyId::from_uuid(uuid::Uuid::nil()),
            account: AccountId::from_uuid(uuid::Uuid::nil()),
            hash: ApiKeyHash::from_bytes([0; 32]),
            prefix: String::new(),
            last4: String::new(),
            name: String::new(),
            state,
            limits: KeyLimits::default(),
            created_at: NOW,
            expires_at,
            last_used_at: None,
        }
    }

    #[test]
    fn state_and_expiry_decide_whether_a_key_works() {
        for (state, expires_at, verdict) in [
            (KeyState::Active, None, Ok(())),
            (KeyState::Active, Some(moment(1)), Ok(())),
            (KeyState::Active, Some(NOW), Err(KeyRefusal::Expired)),
            (KeyState::Disabled { at: moment(-1) }, None, Err(KeyRefusal::Disabled)),
            (KeyState::Revoked { at: moment(-1) }, Some(moment(-2)), Err(KeyRefusal::Revoked)),
            (KeyState::Revoked { at: moment(1) }, None, Err(KeyRefusal::Revoked)),
            (KeyState::Rotated { until: NOW }, None, Ok(())),
            (KeyState::Rotated { until: moment(-1) }, None, Err(KeyRefusal::Revoked)),
            (KeyState::Rotated { until: moment(9) }, Some(NOW), Err(KeyRefusal::Expired)),
        ] {
            assert_eq!(key(state, expires_at).check(NOW), verdict, "{state:?} {expires_at:?}");
        }
    }

    #[test]
    fn empty_lists_limit_nothing() {
        let limits = KeyLimits::default();
        assert!(limits.allows_model(&ModelId::parse("gpt-5").unwrap()));
        assert!(Endpoint::ALL.into_iter().all(|endpoint| limits.allows_endpoint(endpoint)));
        assert!(limits.allows_address("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn lists_allow_what_they_name() {
        let model = |text: &str| ModelId::parse(text).unwrap();
        let limits = KeyLimits {
            models: vec![model("gpt-5")],
            endpoints: vec![Endpoint::Messages],
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            ..KeyLimits::default()
        };
        assert!(limits.allows_model(&model("gpt-5")));
        assert!(!limits.allows_model(&model("gpt-5-mini")));
        let allowed = Endpoint::ALL.into_iter().filter(|endpoint| limits.allows_endpoint(*endpoint));
        assert_eq!(allowed.collect::<Vec<_>>(), [Endpoint::Messages, Endpoint::CountTokens]);
        for (address, allowed) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.3.7", false),
            ("::ffff:192.0.3.7", false),
            ("2001:db8::7", true),
            ("2001:db9::7", false),
        ] {
            assert_eq!(limits.allows_address(address.parse().unwrap()), allowed, "{address}");
        }
    }

    #[test]
    fn an_ipv4_network_may_be_written_in_ipv6() {
        let networks = vec!["::ffff:192.0.2.0/120".parse().unwrap()];
        let limits = KeyLimits { networks, ..KeyLimits::default() };
        assert!(limits.allows_address("192.0.2.7".parse().unwrap()));
        assert!(!limits.allows_address("192.0.3.7".parse().unwrap()));
        let everything_in_ipv6 = vec!["::/0".parse().unwrap()];
        let limits = KeyLimits { networks: everything_in_ipv6, ..KeyLimits::default() };
        assert!(!limits.allows_address("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn counting_goes_with_what_is_counted_and_not_the_other_way_round() {
        for (counting, counted) in
            [(Endpoint::CountTokens, Endpoint::Messages), (Endpoint::InputTokens, Endpoint::Responses)]
        {
            let only = |endpoint| KeyLimits { endpoints: vec![endpoint], ..KeyLimits::default() };
            assert!(only(counting).allows_endpoint(counting));
            assert!(!only(counting).allows_endpoint(counted));
            let allowed =
                Endpoint::ALL.into_iter().filter(|endpoint| only(counted).allows_endpoint(*endpoint));
            assert_eq!(allowed.collect::<Vec<_>>(), [counted, counting]);
        }
    }
}
