//! What came of holding our records against what providers say that they cost, day by day.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0062_cost_comparisons", statements };

/// `day` and `at` are milliseconds since 1970, amounts nano-USD; `estimated` is a part of `owed`.
const COST_COMPARISONS: &str = "day {int} NOT NULL,
    vendor {code} NOT NULL,
    at {int} NOT NULL,
    reported {int} NOT NULL,
    requests {int} NOT NULL,
    owed {int} NOT NULL,
    estimated {int} NOT NULL,
    PRIMARY KEY (day, vendor)";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("cost_comparisons", COST_COMPARISONS, &[])
}
