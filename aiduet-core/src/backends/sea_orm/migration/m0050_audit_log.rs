//! What operators did.

use sea_orm::DbBackend;

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0050_audit_log", statements };

/// `digest` seals the row and the one before it.
const AUDIT_LOG: &str = "sequence {int} NOT NULL PRIMARY KEY,
    id {uuid} NOT NULL,
    created_at {int} NOT NULL,
    actor {code} NOT NULL,
    action {code} NOT NULL,
    subject {code} NULL,
    reference {code} NULL,
    amount {int} NULL,
    reason {text} NULL,
    request {uuid} NULL,
    digest {digest} NOT NULL";

/// Refuses changes to everyone who may not change the schema. MySQL makes triggers only for those who
/// may do nearly everything, as long as it writes a binary log; there the seals alone show a change.
const SQLITE_TRIGGERS: [&str; 2] = [
    "CREATE TRIGGER audit_log_kept_update BEFORE UPDATE ON audit_log
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_log_kept_delete BEFORE DELETE ON audit_log
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];
const POSTGRES_TRIGGERS: [&str; 3] = [
    "CREATE OR REPLACE FUNCTION audit_log_kept() RETURNS TRIGGER LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_log_kept_rows BEFORE UPDATE OR DELETE ON audit_log
     FOR EACH ROW EXECUTE FUNCTION audit_log_kept()",
    "CREATE TRIGGER audit_log_kept_whole BEFORE TRUNCATE ON audit_log
     FOR EACH STATEMENT EXECUTE FUNCTION audit_log_kept()",
];

fn statements(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    let mut all = dialect.table(
        "audit_log",
        AUDIT_LOG,
        &[
            index("audit_log_id", IndexKind::Unique, "id"),
            index("audit_log_actor", IndexKind::Plain, "actor, sequence"),
            index("audit_log_subject", IndexKind::Plain, "subject, sequence"),
            index("audit_log_reference", IndexKind::Plain, "reference, sequence"),
        ],
    );
    let triggers: &[&str] = match dialect.0 {
        DbBackend::Postgres => &POSTGRES_TRIGGERS,
        DbBackend::MySql => &[],
        _ => &SQLITE_TRIGGERS,
    };
    all.extend(triggers.iter().map(|&trigger| trigger.to_owned()));
    all
}
