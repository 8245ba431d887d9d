//! Rate limits and concurrency.

mod error;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

pub use error::LimitError;

use crate::id::{AccountId, ApiKeyId, RequestId};

/// What a limit is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitKey {
    /// Requests of one key.
    KeyRequests(ApiKeyId),
    /// Tokens of one key.
    KeyTokens(ApiKeyId),
    /// Running requests of one key.
    KeyConcurrency(ApiKeyId),
    /// Running requests of one account.
    AccountConcurrency(AccountId),
    /// Failed authentications from one address block (IPv4 address, or IPv6 /64).
    AuthFailures(u128),
    /// Attempts at an account, by whom or what they are counted.
    Guard(Guard, Subject),
}

/// What is counted so that passwords are not guessed and mail is not misused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Guard {
    /// Sign-ins from one address.
    SignIn,
    /// Wrong passwords for one account.
    AccountFailures,
    /// Wrong passwords for one account from one address.
    PairFailures,
    /// Wrong passwords on one known device.
    DeviceFailures,
    /// Registrations from one address.
    Register,
    /// Registrations from one network.
    RegisterNetwork,
    /// Mails that confirm one address.
    Verify,
    /// Resets asked for from one address.
    Forgot,
    /// Resets asked for of one account.
    ForgotRecipient,
    /// Links tried from one address.
    Ticket,
    /// Keys reported from one address.
    Report,
    /// Calls in one session.
    Session,
    /// Returns from a sign-in elsewhere: each counts once, for as long as it is valid.
    Flow,
    /// Exports of one account.
    Export,
}

impl Guard {
    /// The code in shared counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::AccountFailures => "account-failures",
            Self::PairFailures => "pair-failures",
            Self::DeviceFailures => "device-failures",
            Self::Register => "register",
            Self::RegisterNetwork => "register-network",
            Self::Verify => "verify",
            Self::Forgot => "forgot",
            Self::ForgotRecipient => "forgot-recipient",
            Self::Ticket => "ticket",
            Self::Report => "report",
            Self::Session => "session",
            Self::Flow => "flow",
            Self::Export => "export",
        }
    }

    /// How much is allowed.
    pub const fn quota(self) -> Quota {
        let (units, minutes) = match self {
            Self::SignIn => (5, 1),
            Self::AccountFailures | Self::DeviceFailures => (10, 15),
            Self::PairFailures => (5, 15),
            Self::Register => (3, 60),
            Self::RegisterNetwork => (10, 60),
            Self::Verify => (3, 30),
            Self::Forgot => (3, 60),
            Self::ForgotRecipient => (3, 180),
            Self::Ticket | Self::Report => (30, 1),
            Self::Session => (120, 1),
            Self::Flow => (1, 10),
            Self::Export => (2, 24 * 60),
        };
        Quota { units, period: Duration::from_mins(minutes) }
    }
}

/// Whom a [`Guard`] counts by: an address, a network, or a digest of something longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(u128);

impl Subject {
    /// An IPv4 address, or the /64 of an IPv6 address: what one household has.
    pub fn address(address: IpAddr) -> Self {
        Self::of_bits(address, 32, 64)
    }

    /// The /24 of an IPv4 address, or the /48 of an IPv6 address.
    pub fn network(address: IpAddr) -> Self {
        Self::of_bits(address, 24, 48)
    }

    /// Something that is named by these parts.
    pub fn named(parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte)))
    }

    /// The number in shared counters.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    fn of_bits(address: IpAddr, v4: u8, v6: u8) -> Self {
        let bits = |net: Result<ipnet::IpNet, _>| match net.map(|net: ipnet::IpNet| net.network()) {
            Ok(IpAddr::V4(network)) => u128::from(network.to_bits()),
            Ok(IpAddr::V6(network)) => network.to_bits(),
            Err(_) => 0,
        };
        let address = address.to_canonical();
        Self(bits(ipnet::IpNet::new(address, if address.is_ipv4() { v4 } else { v6 }).map(|net| net.trunc())))
    }
}

/// How much per how long, for the generic cell rate algorithm (GCRA, ITU-T I.371).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units that come back within `period`; also the burst.
    pub units: u64,
    /// The time in which a used-up quota is whole again.
    pub period: Duration,
}

impl Quota {
    /// A quota per minute.
    pub const fn per_minute(units: u64) -> Self {
        Self { units, period: Duration::from_mins(1) }
    }
}

/// A wish to take units from a quota.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Whose.
    pub key: LimitKey,
    /// From which quota.
    pub quota: Quota,
    /// How many units; zero only asks.
    pub cost: u64,
}

/// What is left after a claim, or why it was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose.
    pub key: LimitKey,
    /// The units of the quota.
    pub limit: u64,
    /// Units left.
    pub remaining: u64,
    /// Until the quota is whole again.
    pub reset_after: Duration,
}

/// Counts requests and tokens per time, and running requests.
///
/// # Contract
/// - [`take`](RateLimiter::take) takes all claims or none.
/// - A claim above the whole quota is never granted, so callers refuse it with a clear message.
/// - [`enter`](RateLimiter::enter) and [`leave`](RateLimiter::leave) are idempotent per request.
/// - Counts may be per node; they never decide about money.
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Takes units from several quotas at once.
    ///
    /// # Errors
    /// [`LimitError::Exceeded`] with the claim that did not fit; nothing is taken then.
    async fn take(&self, claims: &[Claim]) -> Result<Vec<Standing>, LimitError>;

    /// Counts a running request, if all limits allow one more.
    ///
    /// # Errors
    /// [`LimitError::TooManyRunning`] with the limit that is full; nothing is counted then.
    async fn enter(&self, request: RequestId, limits: &[(LimitKey, u32)]) -> Result<(), LimitError>;

    /// Ends a running request. Synchronous, so that a dropped body can call it.
    fn leave(&self, request: RequestId, keys: &[LimitKey]);
}
