//! How the gateway and the providers were, hour by hour.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0082_status_hours", statements };

/// `began_at` is milliseconds since 1970; the others have a bit for each twelfth of the hour.
const STATUS_HOURS: &str = "began_at {int} NOT NULL,
    subject {code} NOT NULL,
    seen {int} NOT NULL,
    degraded {int} NOT NULL,
    down {int} NOT NULL,
    PRIMARY KEY (began_at, subject)";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("status_hours", STATUS_HOURS, &[])
}
