//! Messages to people.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0020_notices", statements };

/// `recipient` and `payload` are null once the message has ended.
const NOTICES: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NULL,
    kind {code} NOT NULL,
    locale {code} NOT NULL,
    recipient {text} NULL,
    payload {long} NULL,
    dedup {digest} NOT NULL,
    state {code} NOT NULL,
    state_at {int} NOT NULL,
    attempts {int} NOT NULL,
    failures {int} NOT NULL,
    last_failure {int} NULL,
    created_at {int} NOT NULL,
    CONSTRAINT notices_wiped CHECK ((state = 'waiting' AND recipient IS NOT NULL AND payload IS NOT NULL)
        OR (state <> 'waiting' AND recipient IS NULL AND payload IS NULL))";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    dialect.table(
        "notices",
        NOTICES,
        &[
            index("notices_dedup", IndexKind::Unique, "dedup"),
            index("notices_account", IndexKind::Plain, "account, id"),
            index("notices_due", IndexKind::Plain, "state, state_at"),
        ],
    )
}
