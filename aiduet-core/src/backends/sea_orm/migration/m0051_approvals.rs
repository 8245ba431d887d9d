//! What waits for a second operator.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0051_approvals", statements };

/// `transfer` is the posting that grants the credit; `decided_by` and `decided_at` are null while
/// `state` is `waiting`.
const APPROVALS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    transfer {uuid} NOT NULL,
    account {uuid} NOT NULL,
    amount {int} NOT NULL,
    expires_at {int} NULL,
    reason {text} NOT NULL,
    asked_by {code} NOT NULL,
    asked_at {int} NOT NULL,
    state {code} NOT NULL,
    decided_by {code} NULL,
    decided_at {int} NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    dialect.table(
        "approvals",
        APPROVALS,
        &[
            index("approvals_transfer", IndexKind::Unique, "transfer"),
            index("approvals_account", IndexKind::Plain, "account"),
        ],
    )
}
