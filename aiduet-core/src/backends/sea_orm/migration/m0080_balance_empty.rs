//! Whether people want to be told that requests are refused for lack of funds.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0080_balance_empty", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.column("accounts", "tell_balance_empty", "{int} NOT NULL DEFAULT 1")
}
