//! Payers whom the card company is to forget, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::payment::{DepartedPayer, DepartedPayers, TopUpError};

/// [`DepartedPayers`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmDepartedPayers {
    database: Database,
}

impl SeaOrmDepartedPayers {
    /// The payers who have left a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }
}

/// Moves the payer of an account to those whom the card company is to forget; returns how many there
/// were.
pub(super) async fn depart(on: &impl ConnectionTrait, account: AccountId) -> Result<u64, DatabaseError> {
    let backend = on.get_database_backend();
    let id = account.as_uuid();
    let (before, after) = match backend {
        DbBackend::MySql => ("INSERT IGNORE", ""),
        _ => ("INSERT", " ON CONFLICT DO NOTHING"),
    };
    let insert = format!(
        "{before} INTO departed_payers (payer, due_at, failures) SELECT payer, 0, 0 FROM payers WHERE account = "
    );
    Sql::new(backend, &insert).value(id).text(after).run(on).await?;
    Sql::new(backend, "DELETE FROM payers WHERE account = ").value(id).run(on).await
}

#[async_trait]
impl DepartedPayers for SeaOrmDepartedPayers {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<DepartedPayer>, TopUpError> {
        let rows = self
            .sql("SELECT payer, failures FROM departed_payers WHERE due_at <= ")
            .value(now.millis())
            .text(" ORDER BY due_at, payer LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn forget(&self, payer: &ExternalId) -> Result<(), TopUpError> {
        let delete = self.sql("DELETE FROM departed_payers WHERE payer = ").value(payer.to_string());
        delete.run(self.database.writer()).await?;
        Ok(())
    }

    async fn postpone(&self, payer: &ExternalId, until: Timestamp) -> Result<(), TopUpError> {
        self.sql("UPDATE departed_payers SET failures = failures + 1, due_at = ")
            .value(until.millis())
            .text(" WHERE payer = ")
            .value(payer.to_string())
            .run(self.database.writer())
            .await?;
        Ok(())
    }
}

fn read(row: &QueryResult) -> Result<DepartedPayer, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(DepartedPayer {
        payer: columns.next_as("departed_payers.payer", |text: String| text.parse().ok())?,
        failures: columns
            .next_as("departed_payers.failures", |count: i64| u32::try_from(count.max(0)).ok())?,
    })
}
