//! Rate limits and concurrency.

mod error;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

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
