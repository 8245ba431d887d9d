//! Settings of the connection to a provider.

use std::time::Duration;

use super::{BaseUrl, NetworkRules};

/// Where a provider is, and the limits of an exchange with it.
#[derive(Clone, Debug)]
pub struct UpstreamHttpConfig {
    /// Where it is.
    pub base_url: BaseUrl,
    /// Which addresses it may have.
    pub network: NetworkRules,
    /// How long an exchange may take and how large an answer may be.
    pub limits: HttpLimits,
    /// Connections over which calls are spread. A provider that speaks HTTP/2 takes some hundred
    /// calls at a time on each.
    pub connections: usize,
}

impl UpstreamHttpConfig {
    /// The usual limits, and public addresses only.
    pub fn new(base_url: BaseUrl) -> Self {
        Self { base_url, network: NetworkRules::default(), limits: HttpLimits::default(), connections: 4 }
    }

    /// The usual limits, for a provider that a test runs on this machine.
    #[cfg(test)]
    #[cfg(feature = "testing")]
    pub(in crate::backends) fn on_loopback(base_url: &str) -> Self {
        let network = NetworkRules { allow_plain_loopback: true, allow_private: false };
        Self { network, ..Self::new(BaseUrl::parse(base_url, network).unwrap()) }
    }
}

/// How long an exchange may take and how large an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Until there is a connection: name resolution, TCP and TLS.
    pub connect: Duration,
    /// From the call to the head of the answer.
    pub first_byte: Duration,
    /// Between two chunks of the answer.
    pub idle: Duration,
    /// From the call to the end of the answer.
    pub total: Duration,
    /// Largest answer that is not a stream of events, in bytes.
    pub answer_bytes_max: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_mins(5),
            idle: Duration::from_mins(2),
            total: Duration::from_mins(15),
            answer_bytes_max: 64 << 20,
        }
    }
}
