//! Payments that were refused.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0037_declines", statements };

/// `id` is the card company's name for the message, `declined_at` is in milliseconds since 1970.
const DECLINES: &str = "id {code} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    declined_at {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "" };
    dialect.table(
        "declines",
        DECLINES,
        &[index("declines_account", "account, declined_at"), index("declines_old", "declined_at")],
    )
}
