//! The sheet of prices that waits for a second operator.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0055_approval_sheets", statements };

/// `sheet` is a version and the digest of its text with a slash between them.
fn statements(dialect: Dialect) -> Vec<String> {
    dialect.column("approvals", "sheet", "{code} NULL")
}
