//! Sheets of prices that operators draft, publish and withdraw.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0054_price_editions", statements };

/// `digest` is SHA-256 of `sheet`.
const EDITIONS: &str = "version {int} NOT NULL PRIMARY KEY,
    digest {digest} NOT NULL,
    sheet {long} NOT NULL,
    effective_from {int} NOT NULL,
    drafted_by {code} NOT NULL,
    drafted_at {int} NOT NULL,
    published_by {code} NULL,
    published_at {int} NULL,
    in_force_from {int} NULL,
    withdrawn_by {code} NULL,
    withdrawn_at {int} NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    dialect.table("price_editions", EDITIONS, &[])
}
