//! Calendar periods of spend limits, in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::SpendPeriod;
use crate::clock::Timestamp;

const DAY_MILLIS: i64 = 86_400_000;
/// Days from the Monday before the epoch (a Thursday) to the epoch.
const EPOCH_WEEKDAY: i64 = 3;

impl SpendPeriod {
    /// Every period, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Total];

    /// The first moment of the period that `at` falls into; the beginning of time for the total.
    pub fn start(self, at: Timestamp) -> Timestamp {
        let day = at.millis().div_euclid(DAY_MILLIS);
        match self {
            Self::Day => from_day(day),
            Self::Week => from_day(day.saturating_sub(day.saturating_add(EPOCH_WEEKDAY).rem_euclid(7))),
            Self::Month => month(at, Some).unwrap_or(at),
            Self::Total => Timestamp::from_millis(i64::MIN),
        }
    }

    /// The first moment after the period that `at` falls into; `None` for the total.
    pub fn end(self, at: Timestamp) -> Option<Timestamp> {
        let days = |count: i64| self.start(at).millis().saturating_add(count.saturating_mul(DAY_MILLIS));
        match self {
            Self::Day => Some(Timestamp::from_millis(days(1))),
            Self::Week => Some(Timestamp::from_millis(days(7))),
            Self::Month => month(at, |date| date.checked_add(jiff::Span::new().months(1)).ok()),
            Self::Total => None,
        }
    }
}

const fn from_day(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(DAY_MILLIS))
}

/// The first moment of the month of `at`, moved; `None` outside the years 1 to 9999.
fn month(at: Timestamp, moved: impl Fn(DateTime) -> Option<DateTime>) -> Option<Timestamp> {
    let moment = jiff::Timestamp::from_millisecond(at.millis()).ok()?;
    let first = Offset::UTC.to_datetime(moment).date().first_of_month().at(0, 0, 0, 0);
    let moment = Offset::UTC.to_timestamp(moved(first)?).ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn periods_begin_and_end_on_the_calendar_of_utc() {
        for (period, moment, start, end) in [
            (SpendPeriod::Day, "2026-11-25T19:02:03.004Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
            (SpendPeriod::Day, "2026-11-25T00:00:00Z", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
            (SpendPeriod::Week, "2026-11-25T19:02:03Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            (SpendPeriod::Week, "2026-11-29T23:59:59.999Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            (SpendPeriod::Week, "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"),
            (SpendPeriod::Week, "1969-12-31T00:00:00Z", "1969-12-29T00:00:00Z", "1970-01-05T00:00:00Z"),
            (SpendPeriod::Month, "2026-12-31T23:59:59.999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (SpendPeriod::Month, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            assert_eq!(period.start(at(moment)), at(start), "{period:?} of {moment}");
            assert_eq!(period.end(at(moment)), Some(at(end)), "{period:?} of {moment}");
        }
        assert_eq!(SpendPeriod::Total.end(at("2026-11-25T00:00:00Z")), None);
    }

    #[test]
    fn moments_outside_the_calendar_do_not_panic() {
        for millis in [i64::MIN, i64::MAX] {
            for period in SpendPeriod::ALL {
                let at = Timestamp::from_millis(millis);
                assert!(period.start(at) <= at);
                let _end = period.end(at);
            }
        }
    }
}
