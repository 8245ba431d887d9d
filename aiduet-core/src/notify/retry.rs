//! When a message is tried again, and when it is given up.

use std::time::Duration;

use crate::clock::Timestamp;

/// Pauses after the first, second, … failure; after the last the message is given up.
pub const RETRY_PAUSES: [Duration; 5] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(12),
];

/// How often a message is sent whose outcome was never written down, because the process died or
/// the connection broke after the last byte. It may then have been received that often.
pub const UNRECORDED_MAX: u32 = 2;

/// When a message that has failed `failures` times is tried again; `None`: not any more.
pub(super) fn retry_at(now: Timestamp, failures: u32) -> Option<Timestamp> {
    let index = usize::try_from(failures.checked_sub(1)?).ok()?;
    RETRY_PAUSES.get(index).map(|pause| now.plus(*pause))
}
