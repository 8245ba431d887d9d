//! Reads what was used: sums from the rollups, and the log of requests.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::books::Rollup;
use super::{LedgerError, RequestRecord, StatusClass};
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;

/// Reads what an account used.
///
/// # Contract
/// - Sums come from rollups that are written with each settlement, so they equal the sums over
///   the log at every moment.
/// - One call does a bounded amount of work, whatever the filter.
#[async_trait]
pub trait UsageReader: fmt::Debug + Send + Sync + 'static {
    /// The sums of each step, and of each group within it. Steps and groups without a request are
    /// left out; the order is not defined.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn sum(&self, request: SumUsage) -> Result<Vec<UsageStep>, LedgerError>;

    /// A page of the log, newest first. It may be short, or empty, although there are further
    /// records: the next page begins before [`LogPage::next`].
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`].
    async fn page(&self, request: ListLog) -> Result<LogPage, LedgerError>;
}

/// What [`UsageReader::sum`] sums.
#[derive(Clone, Debug)]
pub struct SumUsage {
    /// Whose.
    pub account: AccountId,
    /// The beginning of the first step; a whole quarter of an hour.
    pub from: Timestamp,
    /// The length of each step; a multiple of a quarter of an hour.
    pub step: Duration,
    /// How many steps.
    pub steps: u32,
    /// What tells groups apart; `None`: one group.
    pub group: Option<GroupBy>,
    /// Which requests.
    pub filter: UsageFilter,
}

/// What tells groups of requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The model that answered.
    Model,
    /// The API key.
    Key,
    /// The vendor of the model.
    Provider,
    /// The endpoint.
    Endpoint,
    /// The class of the HTTP status.
    Status,
}

/// The value that a group has in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageGroup {
    /// Everything.
    All,
    /// A model.
    Model(ModelId),
    /// A key.
    Key(ApiKeyId),
    /// A vendor.
    Provider(Vendor),
    /// An endpoint.
    Endpoint(Endpoint),
    /// A class of status.
    Status(StatusClass),
}

/// Which requests; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of this model.
    pub model: Option<ModelId>,
    /// With this key.
    pub key: Option<ApiKeyId>,
    /// Of this vendor.
    pub vendor: Option<Vendor>,
    /// At this endpoint.
    pub endpoint: Option<Endpoint>,
    /// That ended so.
    pub status: Option<StatusClass>,
    /// Streamed, or not.
    pub stream: Option<bool>,
}

/// The sums of one step and group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageStep {
    /// Which step, from zero.
    pub step: u32,
    /// Which group.
    pub group: UsageGroup,
    /// The sums.
    pub totals: Totals,
}

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// All of them.
    pub all: Rollup,
    /// How many did not end in success.
    pub errors: i64,
    /// How many of those were refused for their rate.
    pub rate_limited: i64,
}

impl Totals {
    /// What a sum over requests that ended so adds.
    pub const fn of(all: Rollup, status: StatusClass) -> Self {
        let (errors, rate_limited) = match status {
            StatusClass::Success => (0, 0),
            StatusClass::ClientError | StatusClass::ServerError => (all.requests, 0),
            StatusClass::RateLimited => (all.requests, all.requests),
        };
        Self { all, errors, rate_limited }
    }

    /// The sum; saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            all: self.all.plus(&other.all),
            errors: self.errors.saturating_add(other.errors),
            rate_limited: self.rate_limited.saturating_add(other.rate_limited),
        }
    }
}

/// Which records [`UsageReader::page`] returns.
#[derive(Clone, Debug)]
pub struct ListLog {
    /// Whose.
    pub account: AccountId,
    /// Started at this moment or later.
    pub from: Timestamp,
    /// Started before this moment.
    pub to: Timestamp,
    /// Which.
    pub filter: UsageFilter,
    /// Only those that cost as much.
    pub cost_min: Option<Money>,
    /// Only those that took as long.
    pub duration_min: Option<Duration>,
    /// Only those with a smaller identifier (identifiers are ordered by time).
    pub before: Option<RequestId>,
    /// At most so many.
    pub limit: u32,
}

/// Some records, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// The records.
    pub records: Vec<RequestRecord>,
    /// Before which the next page begins; `None`: this was the last one.
    pub next: Option<RequestId>,
}

impl UsageFilter {
    /// Whether every request passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ListLog {
    /// How far the time in an identifier may be from the beginning of its request: longer than a
    /// body may take to arrive.
    pub const ID_SLACK: Duration = Duration::from_hours(1);

    /// Bounds of the identifiers of requests that started in the range: from the first, up to but
    /// not including the second.
    pub fn id_bounds(&self) -> (RequestId, RequestId) {
        let low = RequestId::first_of(self.from.minus(Self::ID_SLACK));
        let high = RequestId::first_of(self.to.plus(Self::ID_SLACK));
        (low, self.before.map_or(high, |before| before.min(high)))
    }
}
