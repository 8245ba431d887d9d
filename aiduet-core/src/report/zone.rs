//! Time zones by name.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// There is no time zone of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a time zone such as Asia/Shanghai")]
pub struct UnknownZone;

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The name, for example `Asia/Shanghai`.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The first moment of a day, which is not always midnight; `None` outside the calendar.
    pub fn start_of(&self, day: Date) -> Option<Timestamp> {
        let start = day.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp::from_millis(start.timestamp().as_millisecond()))
    }

    /// The day that a moment falls on; `None` outside the calendar.
    pub fn day_of(&self, at: Timestamp) -> Option<Date> {
        Some(self.0.to_datetime(moment(at)?).date())
    }

    /// How far clocks are ahead of UTC at a moment, in milliseconds; zero outside the calendar.
    pub(super) fn offset_millis(&self, at: Timestamp) -> i64 {
        moment(at).map_or(0, |at| i64::from(self.0.to_offset(at).seconds()).saturating_mul(1_000))
    }

    /// A moment as clocks show it, with the offset (RFC 3339), for example
    /// `2026-11-26T19:00:00.000+08:00`.
    pub fn show(&self, at: Timestamp) -> String {
        let Some(moment) = moment(at) else { return at.to_string() };
        let offset = self.0.to_offset(moment);
        moment.display_with_offset(offset).to_string()
    }
}

fn moment(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(at.millis()).ok()
}

/// Reads a name; upper and lower case are the same.
impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::UTC);
        }
        let zone = TimeZone::get(name).map_err(|_unknown| UnknownZone)?;
        zone.iana_name().ok_or(UnknownZone)?;
        Ok(Self(zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_names_only() {
        for name in ["UTC", "utc", "Asia/Shanghai", "asia/kathmandu", "America/New_York", "Etc/GMT+5"] {
            let zone: Zone = name.parse().unwrap();
            assert!(zone.name().eq_ignore_ascii_case(name), "{name}: {}", zone.name());
        }
        for name in ["", "Mars/Olympus", "+08:00", "EST5EDT,M3.2.0,M11.1.0", "../etc/passwd", "localtime"] {
            assert_eq!(name.parse::<Zone>(), Err(UnknownZone), "{name}");
        }
    }

    #[test]
    fn a_day_without_midnight_begins_with_its_first_moment() {
        let zone: Zone = "America/Santiago".parse().unwrap();
        let day: Date = "2026-09-06".parse().unwrap();
        assert_eq!(zone.start_of(day).unwrap().to_string(), "2026-09-06T04:00:00.000Z");
        assert_eq!(zone.show(zone.start_of(day).unwrap()), "2026-09-06T01:00:00-03:00");
    }
}
