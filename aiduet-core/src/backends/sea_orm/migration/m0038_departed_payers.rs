//! Payers whom the card company is to forget.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0038_departed_payers", statements };

/// `due_at` is in milliseconds since 1970.
const DEPARTED: &str = "payer {code} NOT NULL PRIMARY KEY,
    due_at {int} NOT NULL,
    failures {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let due = Index { name: "departed_payers_due", kind: IndexKind::Plain, columns: "due_at", condition: "" };
    dialect.table("departed_payers", DEPARTED, &[due])
}
