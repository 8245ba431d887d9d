//! Exports: who asked when, and when it was fetched. Their contents are kept nowhere.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0013_exports", statements };

/// `session` is null where an operator asked, and once the account is gone.
const EXPORTS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    session {uuid} NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    fetched_at {int} NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "" };
    let indexes = [index("exports_account", "account, id"), index("exports_age", "created_at")];
    dialect.table("exports", EXPORTS, &indexes)
}
