//! Sums of requests per quarter of an hour: what dashboards read.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::id::{AccountId, ApiKeyId};
use crate::ledger::{RequestRecord, StatusClass};
use crate::money::Money;
use crate::price::ModelId;
use crate::provider::Vendor;
use crate::usage::Usage;

/// The length of a rollup, in milliseconds: a divisor of every offset of a time zone in use.
pub const BUCKET_MILLIS: i64 = 15 * 60 * 1_000;

/// Which requests a rollup sums.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey {
    /// Whose.
    pub account: AccountId,
    /// Started within 15 minutes from here.
    pub bucket: Timestamp,
    /// With which key.
    pub key: ApiKeyId,
    /// Of which model.
    pub model: ModelId,
    /// Of which vendor.
    pub vendor: Vendor,
    /// At which endpoint.
    pub endpoint: Endpoint,
    /// How they ended.
    pub status: StatusClass,
    /// Whether the answers streamed.
    pub stream: bool,
}

/// Sums over requests, or what to add to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// How many.
    pub requests: i64,
    /// Uncached prompt tokens.
    pub input: i64,
    /// Prompt tokens read from a cache.
    pub cache_read: i64,
    /// Prompt tokens written to a cache.
    pub cache_write: i64,
    /// Generated tokens.
    pub output: i64,
    /// The charges.
    pub cost: Money,
    /// How many had a first byte.
    pub first_bytes: i64,
    /// Until those first bytes, in microseconds.
    pub first_byte_us: i64,
    /// Until the ends, in microseconds.
    pub duration_us: i64,
}

impl RollupKey {
    /// The rollup that a record belongs to.
    pub fn of(record: &RequestRecord) -> Self {
        let started = record.started_at.millis();
        Self {
            account: record.account,
            bucket: Timestamp::from_millis(started.saturating_sub(started.rem_euclid(BUCKET_MILLIS))),
            key: record.key,
            model: record.model.clone(),
            vendor: record.vendor,
            endpoint: record.endpoint,
            status: StatusClass::of(record.status),
            stream: record.stream,
        }
    }
}

impl Rollup {
    /// What one record adds.
    pub fn of(record: &RequestRecord) -> Self {
        let Usage {
            input,
            cache_read,
            cache_write_short,
            cache_write_long,
            output,
            reasoning: _,
            web_searches: _,
        } = record.usage;
        Self {
            requests: 1,
            input: signed(input),
            cache_read: signed(cache_read),
            cache_write: signed(cache_write_short.saturating_add(cache_write_long)),
            output: signed(output),
            cost: record.cost(),
            first_bytes: i64::from(record.first_byte.is_some()),
            first_byte_us: record.first_byte.map_or(0, micros),
            duration_us: micros(record.duration),
        }
    }

    /// The sum; saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            output: self.output.saturating_add(other.output),
            cost: Money::from_nanos(self.cost.nanos().saturating_add(other.cost.nanos())),
            first_bytes: self.first_bytes.saturating_add(other.first_bytes),
            first_byte_us: self.first_byte_us.saturating_add(other.first_byte_us),
            duration_us: self.duration_us.saturating_add(other.duration_us),
        }
    }

    /// The same with opposite signs.
    #[must_use]
    pub const fn negated(&self) -> Self {
        Self {
            requests: self.requests.saturating_neg(),
            input: self.input.saturating_neg(),
            cache_read: self.cache_read.saturating_neg(),
            cache_write: self.cache_write.saturating_neg(),
            output: self.output.saturating_neg(),
            cost: Money::from_nanos(self.cost.nanos().saturating_neg()),
            first_bytes: self.first_bytes.saturating_neg(),
            first_byte_us: self.first_byte_us.saturating_neg(),
            duration_us: self.duration_us.saturating_neg(),
        }
    }
}

fn signed(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
