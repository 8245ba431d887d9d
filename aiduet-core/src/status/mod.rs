//! How the gateway and the providers were in the last 90 days.

mod error;
mod history;
mod reader;
mod recorder;

use std::fmt;

use async_trait::async_trait;

pub use error::StatusError;
pub use history::{Incident, StatusDay, StatusHistory, SubjectHistory};
pub use reader::StatusReader;
pub use recorder::StatusRecorder;

use crate::clock::Timestamp;
use crate::provider::Vendor;

/// For so many days it is known how everything was.
pub const STATUS_DAYS: u16 = 90;
/// Milliseconds of a slot: a twelfth of an hour.
const SLOT_MS: i64 = 300_000;
const HOUR_MS: i64 = 12 * SLOT_MS;

/// Whose state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusSubject {
    /// The gateway itself: some node can write to the database.
    Gateway,
    /// A provider, as seen from here.
    Provider(Vendor),
}

impl StatusSubject {
    /// The code in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Provider(vendor) => vendor.as_str(),
        }
    }

    /// The subject with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "gateway" => Some(Self::Gateway),
            vendor => Vendor::from_name(vendor).map(Self::Provider),
        }
    }
}

/// Slots of an hour: a bit for each twelfth, that of the first one lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots(u16);

impl Slots {
    const ALL: u16 = 0xfff;

    /// Those whose bits are set.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL)
    }

    /// A bit for each.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The slot that a moment is in.
    fn of(at: Timestamp) -> Self {
        let slot = at.millis().rem_euclid(HOUR_MS).div_euclid(SLOT_MS);
        Self(1_u16.checked_shl(u32::try_from(slot).unwrap_or(0)).unwrap_or(0))
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What all nodes together have seen of a subject in an hour. Of several views the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusHour {
    /// Of whom.
    pub subject: StatusSubject,
    /// The beginning of the hour (UTC).
    pub hour: Timestamp,
    /// When it was looked at.
    pub seen: Slots,
    /// When some of it did not work.
    pub degraded: Slots,
    /// When none of it worked.
    pub down: Slots,
}

impl StatusHour {
    /// Both together.
    #[must_use]
    pub const fn with(self, other: &Self) -> Self {
        let Self { subject, hour, seen, degraded, down } = self;
        let (seen, degraded) = (seen.with(other.seen), degraded.with(other.degraded));
        Self { subject, hour, seen, degraded, down: down.with(other.down) }
    }
}

/// Keeps how everything was, hour by hour.
///
/// # Contract
/// - Each method is one atomic operation, but [`note`](Self::note) is only so for each hour.
/// - What was noted of a subject and an hour is added to what is there, so that any number of nodes may
///   note the same, in any order, and again.
#[async_trait]
pub trait StatusLog: fmt::Debug + Send + Sync + 'static {
    /// Adds what was seen.
    ///
    /// # Errors
    /// [`StatusError::Unavailable`]; a repeat is safe.
    async fn note(&self, hours: &[StatusHour]) -> Result<(), StatusError>;

    /// Everything since the beginning of an hour, by hour and subject.
    ///
    /// # Errors
    /// [`StatusError::Unavailable`].
    async fn since(&self, hour: Timestamp) -> Result<Vec<StatusHour>, StatusError>;

    /// Deletes at most `limit` hours that began before a moment; says how many.
    ///
    /// # Errors
    /// [`StatusError::Unavailable`].
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, StatusError>;
}
