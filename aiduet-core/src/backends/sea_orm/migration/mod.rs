//! Changes of the schema, one file each: expand first, contract in a later release.

mod m0001_keys_and_accounts;
mod m0002_ledger;
mod m0003_requests;
mod m0004_duet;
mod m0010_sessions;
mod m0011_key_creations;
mod m0012_consents;
mod m0013_exports;
mod m0014_deletions;
mod m0015_identities;
mod m0020_notices;
mod m0030_top_ups;
mod m0031_billing;
mod m0032_alerts;
mod m0033_recharges;
mod m0034_refunds;
mod m0035_reconciliations;
mod m0036_payers;
mod m0037_declines;
mod m0038_departed_payers;
mod m0039_spend_alerts;
mod m0040_usage_quarters;
mod m0041_jobs;
mod m0050_audit_log;
mod m0051_approvals;
mod m0052_publications;
mod m0053_approval_matters;
mod m0054_price_editions;
mod m0055_approval_sheets;
mod m0060_disputes;
mod m0061_account_limits;
mod m0062_cost_comparisons;
mod m0063_notice_choices;
mod m0070_token_comparisons;
mod m0080_balance_empty;
mod m0081_key_events;
mod m0082_status_hours;

use sea_orm::{ConnectionTrait, DbBackend};

use super::Database;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, now_millis};

/// One change of the schema.
#[derive(Clone, Copy, Debug)]
struct Migration {
    name: &'static str,
    /// The statements for a database system. On MySQL, where each statement is a transaction
    /// of its own, they can be repeated.
    statements: fn(Dialect) -> Vec<String>,
}

const ALL: &[Migration] = &[
    m0001_keys_and_accounts::MIGRATION,
    m0002_ledger::MIGRATION,
    m0003_requests::MIGRATION,
    m0004_duet::MIGRATION,
    m0010_sessions::MIGRATION,
    m0011_key_creations::MIGRATION,
    m0012_consents::MIGRATION,
    m0013_exports::MIGRATION,
    m0014_deletions::MIGRATION,
    m0015_identities::MIGRATION,
    m0020_notices::MIGRATION,
    m0030_top_ups::MIGRATION,
    m0031_billing::MIGRATION,
    m0032_alerts::MIGRATION,
    m0033_recharges::MIGRATION,
    m0034_refunds::MIGRATION,
    m0035_reconciliations::MIGRATION,
    m0036_payers::MIGRATION,
    m0037_declines::MIGRATION,
    m0038_departed_payers::MIGRATION,
    m0039_spend_alerts::MIGRATION,
    m0040_usage_quarters::MIGRATION,
    m0041_jobs::MIGRATION,
    m0050_audit_log::MIGRATION,
    m0051_approvals::MIGRATION,
    m0052_publications::MIGRATION,
    m0053_approval_matters::MIGRATION,
    m0054_price_editions::MIGRATION,
    m0055_approval_sheets::MIGRATION,
    m0060_disputes::MIGRATION,
    m0061_account_limits::MIGRATION,
    m0062_cost_comparisons::MIGRATION,
    m0063_notice_choices::MIGRATION,
    m0070_token_comparisons::MIGRATION,
    m0080_balance_empty::MIGRATION,
    m0081_key_events::MIGRATION,
    m0082_status_hours::MIGRATION,
];

/// Whether a migration has been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name.
    pub name: &'static str,
    /// Whether the database has it.
    pub applied: bool,
}

/// Writes schema statements: `{uuid}`, `{int}`, `{digest}`, `{code}`, `{text}` and `{long}`
/// stand for types.
#[derive(Clone, Copy, Debug)]
struct Dialect(DbBackend);

impl Dialect {
    /// The statement with types and options of this database system.
    fn render(self, template: &str) -> String {
        let types = match self.0 {
            DbBackend::Postgres => ["UUID", "BIGINT", "BYTEA", "VARCHAR(255)", "VARCHAR(512)", "TEXT"],
            DbBackend::MySql => [
                "BINARY(16)",
                "BIGINT",
                "BINARY(32)",
                "VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin",
                "VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            ],
            _ => ["BLOB", "INTEGER", "BLOB", "TEXT", "TEXT", "TEXT"],
        };
        let names = ["{uuid}", "{int}", "{digest}", "{code}", "{text}", "{long}"];
        names.iter().zip(types).fold(template.to_owned(), |text, (name, new)| text.replace(name, new))
    }

    /// `CREATE TABLE`; MySQL gets its indexes with it, since they cannot be made twice there.
    fn table(self, name: &str, columns: &str, indexes: &[Index]) -> Vec<String> {
        let columns = self.render(columns.trim_end().trim_end_matches(','));
        if self.0 == DbBackend::MySql {
            let keys: String = indexes.iter().map(|index| index.inline()).collect();
            return vec![format!("CREATE TABLE IF NOT EXISTS {name} ({columns}{keys}) ENGINE=InnoDB")];
        }
        let mut statements = vec![format!("CREATE TABLE {name} ({columns})")];
        statements.extend(indexes.iter().map(|index| index.statement(name)));
        statements
    }

    /// Adds a column. MySQL cannot say `IF NOT EXISTS` here, so the statement is made only where the
    /// column is missing.
    fn column(self, table: &str, column: &str, kind: &str) -> Vec<String> {
        let add = format!("ALTER TABLE {table} ADD COLUMN {column} {}", self.render(kind));
        if self.0 != DbBackend::MySql {
            return vec![add];
        }
        if_missing(&add, &format!("columns WHERE table_name = '{table}' AND column_name = '{column}'"))
    }

    /// Adds an index to a table that exists; on MySQL only where it is missing.
    fn index(self, table: &str, index: &Index) -> Vec<String> {
        let create = index.statement(table);
        if self.0 != DbBackend::MySql {
            return vec![create];
        }
        let create = Index { condition: "", ..*index }.statement(table);
        let name = index.name;
        if_missing(&create, &format!("statistics WHERE table_name = '{table}' AND index_name = '{name}'"))
    }
}

/// For MySQL: runs a statement unless the `information_schema` has what it makes.
fn if_missing(statement: &str, place: &str) -> Vec<String> {
    let missing = format!(
        "SET @change = (SELECT IF(COUNT(*) = 0, '{statement}', 'DO 0') FROM information_schema.{place} \
         AND table_schema = DATABASE())"
    );
    let steps = ["PREPARE change_step FROM @change", "EXECUTE change_step", "DEALLOCATE PREPARE change_step"];
    std::iter::once(missing).chain(steps.map(str::to_owned)).collect()
}

/// An index; the condition is left out on MySQL, which has no partial indexes.
#[derive(Clone, Copy, Debug)]
struct Index {
    name: &'static str,
    kind: IndexKind,
    columns: &'static str,
    condition: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum IndexKind {
    Plain,
    Unique,
}

impl Index {
    fn inline(&self) -> String {
        let kind = match self.kind {
            IndexKind::Plain => "KEY",
            IndexKind::Unique => "UNIQUE KEY",
        };
        format!(", {kind} {} ({})", self.name, self.columns)
    }

    fn statement(&self, table: &str) -> String {
        let kind = match self.kind {
            IndexKind::Plain => "",
            IndexKind::Unique => "UNIQUE ",
        };
        let condition =
            if self.condition.is_empty() { String::new() } else { format!(" WHERE {}", self.condition) };
        format!("CREATE {kind}INDEX {} ON {table} ({}){condition}", self.name, self.columns)
    }
}

/// Applies what is missing.
pub(super) async fn run(database: &Database) -> Result<(), DatabaseError> {
    create_table(database).await?;
    let transaction = database.begin().await?;
    match database.backend() {
        DbBackend::Postgres => {
            Sql::new(DbBackend::Postgres, "SELECT 1 FROM pg_advisory_xact_lock(4702394921427289)")
                .all(&transaction)
                .await?;
        }
        DbBackend::MySql => {
            Sql::new(DbBackend::MySql, "SELECT GET_LOCK('aiduet_migration', 60)").all(&transaction).await?;
        }
        _ => {}
    }
    let result = apply_missing(&transaction).await;
    if database.backend() == DbBackend::MySql {
        Sql::new(DbBackend::MySql, "SELECT RELEASE_LOCK('aiduet_migration')").all(&transaction).await?;
    }
    match result {
        Ok(()) => Ok(transaction.commit().await?),
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// PostgreSQL may report the table, or the type of its rows, as a duplicate when two processes make it
/// at the same moment.
async fn create_table(database: &Database) -> Result<(), DatabaseError> {
    let text = Dialect(database.backend()).render(
        "CREATE TABLE IF NOT EXISTS migration (name {code} NOT NULL PRIMARY KEY, applied_at {int} NOT NULL)",
    );
    match database.writer().execute_unprepared(&text).await.map_err(DatabaseError::from) {
        Err(DatabaseError::Failed { code, .. }) if matches!(code.as_str(), "42710" | "42P07") => Ok(()),
        Err(error) if error.kind() != FailureKind::Unique => Err(error),
        _ => Ok(()),
    }
}

async fn apply_missing(on: &impl ConnectionTrait) -> Result<(), DatabaseError> {
    let backend = on.get_database_backend();
    let applied = applied(on).await?;
    if let Some(name) = applied.iter().find(|name| ALL.iter().all(|known| known.name != name.as_str())) {
        return Err(DatabaseError::TooNew { name: name.clone() });
    }
    for migration in ALL.iter().filter(|known| applied.iter().all(|name| name.as_str() != known.name)) {
        for statement in (migration.statements)(Dialect(backend)) {
            on.execute_unprepared(&statement).await?;
        }
        Sql::new(backend, "INSERT INTO migration (name, applied_at) VALUES (")
            .value(migration.name)
            .text(", ")
            .text(now_millis(backend))
            .text(")")
            .run(on)
            .await?;
    }
    Ok(())
}

async fn applied(on: &impl ConnectionTrait) -> Result<Vec<String>, DatabaseError> {
    let rows =
        Sql::new(on.get_database_backend(), "SELECT name FROM migration ORDER BY name").all(on).await?;
    rows.iter().map(|row| Columns::of(row).next()).collect()
}

/// Which are applied.
pub(super) async fn status(database: &Database) -> Result<Vec<MigrationStatus>, DatabaseError> {
    create_table(database).await?;
    let applied = applied(database.writer()).await?;
    if let Some(name) = applied.iter().find(|name| ALL.iter().all(|known| known.name != name.as_str())) {
        return Err(DatabaseError::TooNew { name: name.clone() });
    }
    let is_applied = |known: &Migration| applied.iter().any(|name| name == known.name);
    Ok(ALL.iter().map(|known| MigrationStatus { name: known.name, applied: is_applied(known) }).collect())
}
