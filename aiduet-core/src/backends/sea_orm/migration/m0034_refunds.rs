//! Orders to give credit back.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0034_refunds", statements };

/// Amounts are nano-USD, moments milliseconds since 1970.
const REFUNDS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    top_up {uuid} NOT NULL,
    payment {code} NOT NULL,
    net {int} NOT NULL,
    gross {int} NOT NULL,
    state {code} NOT NULL,
    external {code} NULL,
    request {digest} NOT NULL,
    begun_at {int} NOT NULL,
    due_at {int} NOT NULL,
    CONSTRAINT refunds_amount CHECK (net > 0 AND gross >= net),
    CONSTRAINT refunds_accepted CHECK (state <> 'accepted' OR external IS NOT NULL)";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, columns| Index { name, kind: IndexKind::Plain, columns, condition: "" };
    dialect.table(
        "refunds",
        REFUNDS,
        &[index("refunds_account", "account, begun_at"), index("refunds_due", "state, due_at")],
    )
}
