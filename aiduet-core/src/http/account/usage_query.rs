//! What is asked about usage: when, in which zone, and which requests.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::ledger::{GroupBy, StatusClass, UsageFilter};
use crate::price::ModelId;
use crate::provider::Vendor;
use crate::report::{Bucket, Range, Zone};

const DAYS_DEFAULT: u16 = 30;
const TOP_DEFAULT: usize = 6;
const TOP_MAX: usize = 20;

/// A query with the parameters that all questions about usage have, and further ones.
macro_rules! usage_query {
    ($(#[$about:meta])* $name:ident { $($(#[$about_field:meta])* $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default, Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// The name of a time zone, such as `Asia/Shanghai`; UTC if it is left out.
            tz: Option<String>,
            /// The first day (`2026-11-01`), or the first moment.
            from: Option<String>,
            /// The last day, which is included, or a moment, which is not.
            to: Option<String>,
            /// Only this model.
            model: Option<String>,
            /// Only this API key.
            key_id: Option<String>,
            /// Only this provider: `anthropic` or `openai`.
            provider: Option<String>,
            /// Only this endpoint, for example `messages`.
            endpoint: Option<String>,
            /// Only `success`, `client_error`, `rate_limited` or `server_error`.
            status: Option<String>,
            /// Only requests whose answers streamed (`true`), or did not (`false`).
            stream: Option<String>,
            $($(#[$about_field])* $field: Option<String>,)*
        }

        impl $name {
            fn asked(&self) -> Asked<'_> {
                Asked {
                    tz: self.tz.as_deref(),
                    from: self.from.as_deref(),
                    to: self.to.as_deref(),
                    model: self.model.as_deref(),
                    key_id: self.key_id.as_deref(),
                    provider: self.provider.as_deref(),
                    endpoint: self.endpoint.as_deref(),
                    status: self.status.as_deref(),
                    stream: self.stream.as_deref(),
                }
            }
        }
    };
}

usage_query! {
    /// Which sums over time.
    SeriesQuery {
        /// `auto`, `quarter` (of an hour; at most a day), `hour` (at most seven days), `day` or `month`.
        bucket,
        /// `model`, `key`, `provider`, `endpoint` or `status`.
        group_by,
        /// How many groups are shown by themselves: 1 to 20, by default 6.
        top,
    }
}

usage_query! {
    /// Which sums by group.
    BreakdownQuery {
        /// `model` (the default), `key`, `provider`, `endpoint` or `status`.
        group_by,
    }
}

usage_query! {
    /// Which sums, as a file.
    UsageExportQuery {
        /// `csv` (the default) or `ndjson`.
        format,
        /// `auto`, `quarter` (of an hour; at most a day), `hour` (at most seven days), `day` or `month`.
        bucket,
        /// `model` (the default), `key`, `provider`, `endpoint` or `status`.
        group_by,
    }
}

usage_query! {
    /// Which part of the log.
    LogQuery {
        /// Only those that cost as much, in USD.
        min_cost,
        /// Only those that took as long, in milliseconds.
        min_latency_ms,
        /// Items on the page: 1 to 100, by default 50.
        limit,
        /// `next_cursor` of the page before.
        cursor,
    }
}

usage_query! {
    /// Which part of the log, as a file.
    LogExportQuery {
        /// Only those that cost as much, in USD.
        min_cost,
        /// Only those that took as long, in milliseconds.
        min_latency_ms,
        /// `csv` (the default) or `ndjson`.
        format,
    }
}

/// The zone in which days begin.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ZoneQuery {
    /// The name of a time zone, such as `Asia/Shanghai`; UTC if it is left out.
    tz: Option<String>,
}

impl ZoneQuery {
    pub(super) fn read(query: Asks<Self>) -> Result<Zone, Problem> {
        zone(given(query)?.tz.as_deref())
    }
}

/// The parameters that all questions have.
struct Asked<'a> {
    tz: Option<&'a str>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    model: Option<&'a str>,
    key_id: Option<&'a str>,
    provider: Option<&'a str>,
    endpoint: Option<&'a str>,
    status: Option<&'a str>,
    stream: Option<&'a str>,
}

/// A query, or why it is none.
pub(super) type Asks<Q> = Result<Query<Q>, QueryRejection>;

/// When, by which clocks, and which requests.
pub(super) struct Scope {
    pub(super) zone: Zone,
    /// `None`: it was left open.
    given: Option<Range>,
    now: Timestamp,
    pub(super) filter: UsageFilter,
}

impl Scope {
    /// The range that was given, or the last 30 days.
    pub(super) fn range(&self) -> Result<Range, Problem> {
        let last = || Range::last_days(DAYS_DEFAULT, self.now, &self.zone).map_err(|_error| INVALID_RANGE);
        self.given.map_or_else(last, Ok)
    }

    /// The range that was given, or everything that is kept.
    pub(super) fn log_range(&self) -> Range {
        let (from, to) = (self.now.minus(crate::report::RANGE_MAX), self.now.plus(AHEAD));
        self.given.unwrap_or(Range { from, to })
    }
}

/// How far the clock of another node may be ahead.
const AHEAD: std::time::Duration = std::time::Duration::from_mins(5);

const INVALID_RANGE: Problem = Problem::field("from", "invalid_range");

impl Asked<'_> {
    fn scope(&self, now: Timestamp) -> Result<Scope, Problem> {
        let zone = zone(self.tz)?;
        let given = match (self.from, self.to) {
            (None, None) => None,
            (Some(from), Some(to)) => Some(Range::parse(from, to, &zone).map_err(|_error| INVALID_RANGE)?),
            (Some(from), None) => {
                let today = zone.day_of(now).ok_or(INVALID_RANGE)?.to_string();
                Some(Range::parse(from, &today, &zone).map_err(|_error| INVALID_RANGE)?)
            }
            (None, Some(_)) => return Err(INVALID_RANGE),
        };
        Ok(Scope { zone, given, now, filter: self.filter()? })
    }

    fn filter(&self) -> Result<UsageFilter, Problem> {
        let key = match self.key_id {
            Some(text) => Some(text.parse().map_err(|_foreign| Problem::field("key_id", "invalid_filter"))?),
            None => None,
        };
        let model = match self.model {
            Some(text) => {
                Some(ModelId::parse(text).map_err(|_invalid| Problem::field("model", "invalid_filter"))?)
            }
            None => None,
        };
        let stream = match self.stream {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(Problem::field("stream", "invalid_filter")),
        };
        Ok(UsageFilter {
            model,
            key,
            vendor: one(self.provider, Vendor::from_name, Problem::field("provider", "invalid_filter"))?,
            endpoint: one(self.endpoint, Endpoint::from_name, Problem::field("endpoint", "invalid_filter"))?,
            status: one(self.status, StatusClass::from_code, Problem::field("status", "invalid_filter"))?,
            stream,
        })
    }
}

fn one<T>(
    text: Option<&str>,
    read: impl Fn(&str) -> Option<T>,
    problem: Problem,
) -> Result<Option<T>, Problem> {
    text.map(|text| read(text).ok_or(problem)).transpose()
}

fn given<Q>(query: Asks<Q>) -> Result<Q, Problem> {
    Ok(query.map_err(|_refused| Problem::field("query", "invalid_request"))?.0)
}

fn zone(name: Option<&str>) -> Result<Zone, Problem> {
    let zone = name.map_or(Ok(Zone::UTC), str::parse);
    zone.map_err(|_unknown| Problem::field("tz", "invalid_time_zone"))
}

fn group(name: Option<&str>) -> Result<Option<GroupBy>, Problem> {
    one(name, group_from, Problem::field("group_by", "invalid_group"))
}

fn group_from(name: &str) -> Option<GroupBy> {
    match name {
        "model" => Some(GroupBy::Model),
        "key" => Some(GroupBy::Key),
        "provider" => Some(GroupBy::Provider),
        "endpoint" => Some(GroupBy::Endpoint),
        "status" => Some(GroupBy::Status),
        _ => None,
    }
}

pub(super) const fn group_name(group: GroupBy) -> &'static str {
    match group {
        GroupBy::Model => "model",
        GroupBy::Key => "key",
        GroupBy::Provider => "provider",
        GroupBy::Endpoint => "endpoint",
        GroupBy::Status => "status",
    }
}

/// The bucket that was named, if it is not too fine for the range, or one that suits it.
fn bucket(name: Option<&str>, range: Range) -> Result<Bucket, Problem> {
    let hours = range.length().as_secs().div_ceil(3_600);
    let named = match name {
        None | Some("auto") if hours <= 6 => Some(Bucket::Quarter),
        None | Some("auto") if hours <= 49 => Some(Bucket::Hour),
        None | Some("auto") => Some(Bucket::Day),
        Some(name) => Bucket::from_name(name),
    };
    let fits = named.filter(|bucket| range.length() <= bucket.range_max());
    fits.ok_or(Problem::field("bucket", "invalid_bucket"))
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn read(name: Option<&str>) -> Result<Self, Problem> {
        match name {
            None | Some("csv") => Ok(Self::Csv),
            Some("ndjson") => Ok(Self::Ndjson),
            Some(_) => Err(Problem::field("format", "invalid_file_format")),
        }
    }
}

impl SeriesQuery {
    /// The scope, the bucket, the groups and how many of them.
    pub(super) fn read(
        query: Asks<Self>,
        now: Timestamp,
    ) -> Result<(Scope, Bucket, Option<GroupBy>, usize), Problem> {
        let query = given(query)?;
        let scope = query.asked().scope(now)?;
        let bucket = bucket(query.bucket.as_deref(), scope.range()?)?;
        let top = match query.top {
            Some(text) => text.parse().ok().filter(|top| (1..=TOP_MAX).contains(top)),
            None => Some(TOP_DEFAULT),
        };
        let top = top.ok_or(Problem::field("top", "invalid_top"))?;
        Ok((scope, bucket, group(query.group_by.as_deref())?, top))
    }
}

impl BreakdownQuery {
    pub(super) fn read(query: Asks<Self>, now: Timestamp) -> Result<(Scope, GroupBy), Problem> {
        let query = given(query)?;
        Ok((query.asked().scope(now)?, group(query.group_by.as_deref())?.unwrap_or(GroupBy::Model)))
    }
}

impl UsageExportQuery {
    pub(super) fn read(
        query: Asks<Self>,
        now: Timestamp,
    ) -> Result<(Scope, Bucket, GroupBy, Format), Problem> {
        let query = given(query)?;
        let scope = query.asked().scope(now)?;
        let bucket = bucket(query.bucket.as_deref(), scope.range()?)?;
        let group = group(query.group_by.as_deref())?.unwrap_or(GroupBy::Model);
        Ok((scope, bucket, group, Format::read(query.format.as_deref())?))
    }
}

/// What a record must be besides.
pub(super) struct Least {
    pub(super) cost: Option<crate::money::Money>,
    pub(super) duration: Option<std::time::Duration>,
}

impl Least {
    fn read(cost: Option<&str>, duration: Option<&str>) -> Result<Self, Problem> {
        let cost = one(cost, |text| text.parse().ok(), Problem::field("min_cost", "invalid_amount"))?;
        let millis = |text: &str| text.parse().ok().map(std::time::Duration::from_millis);
        let duration = one(duration, millis, Problem::field("min_latency_ms", "invalid_latency"))?;
        Ok(Self { cost, duration })
    }
}

impl LogQuery {
    /// The scope, what records must be besides, before which one the page begins, and its size.
    pub(super) fn read(query: Asks<Self>, now: Timestamp) -> Result<(Scope, Least, Place), Problem> {
        let query = given(query)?;
        let least = Least::read(query.min_cost.as_deref(), query.min_latency_ms.as_deref())?;
        let limit = query.limit.as_deref().map_or(Some(50), |text| text.parse().ok());
        let limit = limit.filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or(Problem::field("limit", "invalid_limit"))?;
        let cursor = query.cursor.as_deref().map(str::parse).transpose();
        let before = cursor.map_err(|_foreign| Problem::field("cursor", "invalid_cursor"))?;
        Ok((query.asked().scope(now)?, least, Place { before, limit }))
    }
}

/// Where a page of the log is.
pub(super) struct Place {
    pub(super) before: Option<crate::id::RequestId>,
    pub(super) limit: u32,
}

impl LogExportQuery {
    pub(super) fn read(query: Asks<Self>, now: Timestamp) -> Result<(Scope, Least, Format), Problem> {
        let query = given(query)?;
        let least = Least::read(query.min_cost.as_deref(), query.min_latency_ms.as_deref())?;
        Ok((query.asked().scope(now)?, least, Format::read(query.format.as_deref())?))
    }
}
