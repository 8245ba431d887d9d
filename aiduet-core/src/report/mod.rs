//! Usage by the calendar of the person: days, hours and groups, from sums per quarter of an hour.

mod calendar;
mod series;
mod zone;

pub use calendar::{Bucket, RANGE_MAX, Range, RangeError};
pub use series::{GroupTotals, Series, SeriesBucket, SeriesRequest, series, total};
pub use zone::{UnknownZone, Zone};

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
