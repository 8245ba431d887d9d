//! Exports: who asked when, and how often it was fetched. Their contents are kept nowhere.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0013_exports", statements };

/// `session` and `token` are null where an operator asked, and once the account is gone.
const EXPORTS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    session {uuid} NULL,
    token {digest} NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    downloads {int} NOT NULL,
    downloaded_at {int} NULL,
    CONSTRAINT exports_origin CHECK ((session IS NULL AND token IS NULL)
        OR (session IS NOT NULL AND token IS NOT NULL))";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    dialect.table(
        "exports",
        EXPORTS,
        &[
            index("exports_token", IndexKind::Unique, "token"),
            index("exports_account", IndexKind::Plain, "account, id"),
            index("exports_age", IndexKind::Plain, "created_at"),
        ],
    )
}
