//! What a person spends in a month, with all keys, and the most that it may be.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0061_account_limits", statements };

/// `month_start` is the first moment of the latest month (UTC) with usage, `month_spent` the part of `used`
/// that falls into it; `month_limit` is that of the person, on the paid account.
///
/// What was spent in the month of the change is counted from the change on: there was no limit that it
/// could have counted against.
fn statements(dialect: Dialect) -> Vec<String> {
    [
        ("month_start", "{int} NOT NULL DEFAULT 0"),
        ("month_spent", "{int} NOT NULL DEFAULT 0"),
        ("month_limit", "{int} NULL"),
    ]
    .into_iter()
    .flat_map(|(column, kind)| dialect.column("account", column, kind))
    .collect()
}
