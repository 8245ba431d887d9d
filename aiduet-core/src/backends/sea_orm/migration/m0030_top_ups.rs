//! Prepaid purchases.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0030_top_ups", statements };

const TOP_UPS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    amount {int} NOT NULL,
    state {code} NOT NULL,
    payment {code} NULL,
    tax {int} NULL,
    paid_at {int} NULL,
    checkout {code} NULL,
    url {long} NULL,
    dispute {code} NULL,
    created_at {int} NOT NULL,
    CONSTRAINT top_ups_amount CHECK (amount > 0),
    CONSTRAINT top_ups_paid CHECK ((state = 'paid' AND payment IS NOT NULL AND tax IS NOT NULL AND paid_at IS NOT NULL)
        OR (state <> 'paid' AND payment IS NULL AND tax IS NULL AND paid_at IS NULL))";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    dialect.table(
        "top_ups",
        TOP_UPS,
        &[
            index("top_ups_payment", IndexKind::Unique, "payment"),
            index("top_ups_account", IndexKind::Plain, "account, id"),
            index("top_ups_pending", IndexKind::Plain, "state, created_at"),
        ],
    )
}
