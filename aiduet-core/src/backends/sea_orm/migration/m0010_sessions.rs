//! Sessions, tickets, wrong passwords, and what happened to the security of accounts.

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0010_sessions", statements };

const SESSIONS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    device {code} NOT NULL,
    network {code} NULL,
    life {code} NOT NULL,
    created_at {int} NOT NULL,
    seen_at {int} NOT NULL,
    authenticated_at {int} NOT NULL,
    idle_until {int} NOT NULL,
    ends_at {int} NOT NULL,
    token {digest} NOT NULL,
    token_before {digest} NULL,
    rotated_at {int} NOT NULL,
    recovered {int} NOT NULL";

/// `slot` is what no two tickets share.
const TICKETS: &str = "digest {digest} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    purpose {code} NOT NULL,
    email {text} NOT NULL,
    slot {digest} NOT NULL,
    issued_at {int} NOT NULL,
    expires_at {int} NOT NULL";

const FAILURES: &str = "account {uuid} NOT NULL PRIMARY KEY,
    failures {int} NOT NULL,
    failed_at {int} NOT NULL";

const EVENTS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    account {uuid} NOT NULL,
    kind {code} NOT NULL,
    device {code} NOT NULL,
    network {code} NULL,
    request {uuid} NULL,
    created_at {int} NOT NULL";

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    let mut all = dialect.table(
        "sessions",
        SESSIONS,
        &[
            index("sessions_account", IndexKind::Plain, "account, seen_at"),
            index("sessions_idle", IndexKind::Plain, "idle_until"),
        ],
    );
    all.extend(dialect.table(
        "tickets",
        TICKETS,
        &[
            index("tickets_slot", IndexKind::Unique, "slot"),
            index("tickets_account", IndexKind::Plain, "account"),
            index("tickets_expiry", IndexKind::Plain, "expires_at"),
        ],
    ));
    all.extend(dialect.table("sign_in_failures", FAILURES, &[]));
    all.extend(dialect.table(
        "security_events",
        EVENTS,
        &[
            index("security_events_account", IndexKind::Plain, "account, id"),
            index("security_events_age", IndexKind::Plain, "created_at"),
        ],
    ));
    all
}
