//! What waits for a second operator besides credit: versions of policies, and the end of accounts.

use sea_orm::DbBackend;

use super::{Dialect, Index, IndexKind, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "0053_approval_matters", statements };

/// `transfer` is the name of the request, of credit the posting that grants it. `account` and `amount`
/// are null where `kind` has none; without a `kind`, as releases before wrote it, it is about credit.
/// `policy` is a kind and a version with a slash between them.
const APPROVALS: &str = "id {uuid} NOT NULL PRIMARY KEY,
    transfer {uuid} NOT NULL,
    account {uuid} NULL,
    amount {int} NULL,
    expires_at {int} NULL,
    reason {text} NOT NULL,
    asked_by {code} NOT NULL,
    asked_at {int} NOT NULL,
    state {code} NOT NULL,
    decided_by {code} NULL,
    decided_at {int} NULL,
    kind {code} NULL,
    policy {code} NULL,
    effect {code} NULL";

const KEPT: &str = "id, transfer, account, amount, expires_at, reason, asked_by, asked_at, state, decided_by, \
    decided_at";

fn statements(dialect: Dialect) -> Vec<String> {
    let Dialect(backend) = dialect;
    if backend == DbBackend::Sqlite {
        return anew(dialect);
    }
    let nullable = |column: &str, kind: &str| match backend {
        DbBackend::MySql => {
            dialect.render(&format!("ALTER TABLE approvals MODIFY COLUMN {column} {kind} NULL"))
        }
        _ => format!("ALTER TABLE approvals ALTER COLUMN {column} DROP NOT NULL"),
    };
    let mut all = vec![nullable("account", "{uuid}"), nullable("amount", "{int}")];
    all.extend(dialect.column("approvals", "kind", "{code} NULL"));
    all.extend(dialect.column("approvals", "policy", "{code} NULL"));
    all.extend(dialect.column("approvals", "effect", "{code} NULL"));
    all
}

/// SQLite cannot let a column be null that was not: the table is made anew.
fn anew(dialect: Dialect) -> Vec<String> {
    let index = |name, kind, columns| Index { name, kind, columns, condition: "" };
    let mut all = vec!["ALTER TABLE approvals RENAME TO approvals_before".to_owned()];
    all.push("DROP INDEX approvals_transfer".to_owned());
    all.push("DROP INDEX approvals_account".to_owned());
    all.extend(dialect.table(
        "approvals",
        APPROVALS,
        &[
            index("approvals_transfer", IndexKind::Unique, "transfer"),
            index("approvals_account", IndexKind::Plain, "account"),
        ],
    ));
    all.push(format!("INSERT INTO approvals ({KEPT}) SELECT {KEPT} FROM approvals_before"));
    all.push("DROP TABLE approvals_before".to_owned());
    all
}
