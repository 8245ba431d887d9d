//! Ranges of time, and the buckets they fall into.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;

use super::Zone;
use crate::clock::Timestamp;
use crate::ledger::books::BUCKET_MILLIS;

/// What a range may span: records are kept for 90 days, one of which may have 25 hours.
pub const RANGE_MAX: Duration = Duration::from_hours(90 * 24 + 1);

const HOUR_MILLIS: i64 = 60 * 60 * 1_000;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// 15 minutes.
    Quarter,
    /// An hour of the zone's clocks.
    Hour,
    /// A day of the zone's calendar.
    Day,
    /// A month of the zone's calendar.
    Month,
}

impl Bucket {
    /// Every length, shortest first.
    pub const ALL: [Self; 4] = [Self::Quarter, Self::Hour, Self::Day, Self::Month];

    /// The name in queries and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The bucket with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bucket| bucket.as_str() == name)
    }

    /// The longest range that is shown in such buckets; an hour more than the name says, for the
    /// day that has 25.
    pub const fn range_max(self) -> Duration {
        match self {
            Self::Quarter => Duration::from_hours(25),
            Self::Hour => Duration::from_hours(7 * 24 + 1),
            Self::Day | Self::Month => RANGE_MAX,
        }
    }
}

/// Why something is not a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// A bound is neither a day nor a moment.
    #[error("expected a day such as 2026-11-26 or a moment such as 2026-11-26T08:00:00Z")]
    Unreadable,
    /// It does not end after it begins.
    #[error("the range is empty")]
    Empty,
    /// It is longer than records are kept.
    #[error("the range is longer than 90 days")]
    TooLong,
}

/// From a moment up to, but not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

impl Range {
    /// The range between two texts: days of the zone, the last of which is included, or moments
    /// (RFC 3339).
    ///
    /// # Errors
    /// [`RangeError`].
    pub fn parse(from: &str, to: &str, zone: &Zone) -> Result<Self, RangeError> {
        let from = match from.parse::<Date>() {
            Ok(day) if is_day(from) => zone.start_of(day),
            _ => moment(from),
        };
        let to = match to.parse::<Date>() {
            Ok(day) if is_day(to) => day.tomorrow().ok().and_then(|next| zone.start_of(next)),
            _ => moment(to),
        };
        let range = Self { from: from.ok_or(RangeError::Unreadable)?, to: to.ok_or(RangeError::Unreadable)? };
        range.checked()
    }

    /// The last so many days of the zone; the last is that of `now`.
    ///
    /// # Errors
    /// [`RangeError`] at the edges of the calendar.
    pub fn last_days(count: u16, now: Timestamp, zone: &Zone) -> Result<Self, RangeError> {
        let today = zone.day_of(now).ok_or(RangeError::Unreadable)?;
        Self::days(today, count, zone)
    }

    /// The so many days of the zone that come just before this range.
    ///
    /// # Errors
    /// [`RangeError`] at the edges of the calendar.
    pub fn days_before(&self, count: u16, zone: &Zone) -> Result<Self, RangeError> {
        let first = zone.day_of(self.from).and_then(|day| day.yesterday().ok());
        Self::days(first.ok_or(RangeError::Unreadable)?, count, zone)
    }

    fn days(last: Date, count: u16, zone: &Zone) -> Result<Self, RangeError> {
        let back = i64::from(count.saturating_sub(1)).days();
        let first = last.checked_sub(back).ok().and_then(|day| zone.start_of(day));
        let end = last.tomorrow().ok().and_then(|day| zone.start_of(day));
        let range =
            Self { from: first.ok_or(RangeError::Unreadable)?, to: end.ok_or(RangeError::Unreadable)? };
        range.checked()
    }

    fn checked(self) -> Result<Self, RangeError> {
        if self.from >= self.to {
            return Err(RangeError::Empty);
        }
        if self.length() > RANGE_MAX {
            return Err(RangeError::TooLong);
        }
        Ok(self)
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// The range widened to whole quarters of an hour.
    #[must_use]
    pub fn widened(&self) -> Self {
        let up = self.to.millis().saturating_add(BUCKET_MILLIS).saturating_sub(1);
        Self { from: floor(self.from.millis()), to: floor(up) }
    }

    /// Where the buckets of the range begin and end: one edge more than there are buckets. All are
    /// whole quarters of an hour, and the first and the last may be cut off by the range.
    pub fn edges(&self, bucket: Bucket, zone: &Zone) -> Vec<Timestamp> {
        let range = self.widened();
        let mut edges = vec![range.from];
        let mut at = range.from;
        while at < range.to {
            let next = next_edge(at, bucket, zone).unwrap_or(range.to);
            // A day that the zone skips ends where it begins.
            at = if next > at { next.min(range.to) } else { range.to };
            edges.push(at);
        }
        edges
    }
}

/// A day has no time: `2026-11-26`.
fn is_day(text: &str) -> bool {
    text.len() == 10
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

const fn floor(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis.saturating_sub(millis.rem_euclid(BUCKET_MILLIS)))
}

/// The end of the bucket that a moment falls into.
fn next_edge(at: Timestamp, bucket: Bucket, zone: &Zone) -> Option<Timestamp> {
    let days = |first: Date| {
        // After a day that the zone skips, the next one.
        let starts = (0_i64..3).filter_map(|more| zone.start_of(first.checked_add(more.days()).ok()?));
        starts.map(|start| floor(start.millis())).find(|start| *start > at)
    };
    match bucket {
        Bucket::Quarter => Some(Timestamp::from_millis(at.millis().saturating_add(BUCKET_MILLIS))),
        Bucket::Hour => {
            let shown = at.millis().saturating_add(zone.offset_millis(at));
            let rest = HOUR_MILLIS.saturating_sub(shown.rem_euclid(HOUR_MILLIS));
            Some(floor(at.millis().saturating_add(rest)))
        }
        Bucket::Day => days(zone.day_of(at)?.tomorrow().ok()?),
        Bucket::Month => days(zone.day_of(at)?.last_of_month().tomorrow().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn range(from: &str, to: &str, name: &str) -> Range {
        Range::parse(from, to, &zone(name)).unwrap()
    }

    fn hours(edges: &[Timestamp]) -> Vec<u64> {
        edges.windows(2).map(|pair| pair[1].since(pair[0]).as_secs() / 3_600).collect()
    }

    #[test]
    fn days_end_where_the_zone_says() {
        let days = range("2026-10-24", "2026-10-26", "Europe/Berlin");
        assert_eq!(days.from.to_string(), "2026-10-23T22:00:00.000Z");
        assert_eq!(days.to.to_string(), "2026-10-26T23:00:00.000Z");
        assert_eq!(hours(&days.edges(Bucket::Day, &zone("Europe/Berlin"))), [24, 25, 24]);
        let spring = range("2026-03-28", "2026-03-30", "Europe/Berlin");
        assert_eq!(hours(&spring.edges(Bucket::Day, &zone("Europe/Berlin"))), [24, 23, 24]);
        let nepal = range("2026-11-26", "2026-11-26", "Asia/Kathmandu");
        assert_eq!(nepal.from.to_string(), "2026-11-25T18:15:00.000Z");
    }

    #[test]
    fn months_are_cut_off_by_the_range() {
        let range = range("2026-01-30", "2026-03-01", "UTC");
        assert_eq!(hours(&range.edges(Bucket::Month, &Zone::UTC)), [48, 28 * 24, 24]);
    }

    #[test]
    fn hours_are_those_of_the_clocks() {
        let india = range("2026-11-26T00:00:00Z", "2026-11-26T02:00:00Z", "Asia/Kolkata");
        let edges = india.edges(Bucket::Hour, &zone("Asia/Kolkata"));
        let minutes: Vec<_> = edges.windows(2).map(|pair| pair[1].since(pair[0]).as_secs() / 60).collect();
        assert_eq!(minutes, [30, 60, 30]);
    }

    #[test]
    fn a_day_that_the_zone_skips_is_no_bucket() {
        let apia = range("2011-12-29", "2011-12-31", "Pacific/Apia");
        assert_eq!(hours(&apia.edges(Bucket::Day, &zone("Pacific/Apia"))), [24, 24]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (from, to, error) in [
            ("2026-11-26", "2026-11-25", RangeError::Empty),
            ("2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z", RangeError::Empty),
            ("2026-01-01", "2026-04-01", RangeError::TooLong),
            ("yesterday", "2026-11-25", RangeError::Unreadable),
            ("2026-11-25", "", RangeError::Unreadable),
            ("2026-11-25T08:00:00", "2026-11-26", RangeError::Unreadable),
            ("9999-12-31", "9999-12-31", RangeError::Unreadable),
        ] {
            assert_eq!(Range::parse(from, to, &Zone::UTC), Err(error), "{from} {to}");
        }
        assert!(
            Range::parse("2026-09-01", "2026-11-29", &zone("Europe/Berlin")).is_ok(),
            "90 days and an hour"
        );
    }
}
