//! What came of holding the books against the records of the card company, day by day.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0035_reconciliations", statements };

/// `day` and `at` are milliseconds since 1970, amounts nano-USD; `named` are names without spaces,
/// separated by spaces.
const RECONCILIATIONS: &str = "day {int} NOT NULL PRIMARY KEY,
    at {int} NOT NULL,
    movements {int} NOT NULL,
    made_up {int} NOT NULL,
    unexplained {int} NOT NULL,
    named {long} NOT NULL,
    clearing {int} NOT NULL,
    balance {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("reconciliations", RECONCILIATIONS, &[])
}
