//! Which request made which key.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0011_key_creations", statements };

fn statements(dialect: Dialect) -> Vec<String> {
    let age =
        Index { name: "key_creations_age", kind: IndexKind::Plain, columns: "created_at", condition: "" };
    dialect.table(
        "key_creations",
        "account {uuid} NOT NULL,
         token {digest} NOT NULL,
         wish {digest} NOT NULL,
         api_key {uuid} NOT NULL,
         created_at {int} NOT NULL,
         PRIMARY KEY (account, token)",
        &[age],
    )
}
