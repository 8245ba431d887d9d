//! What came of each day, in a table.

use async_trait::async_trait;
use sea_orm::QueryResult;

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::money::Money;
use crate::payment::{Reconciliation, ReconciliationError, ReconciliationStore};

const COLUMNS: &str = "day, at, movements, made_up, unexplained, named, clearing, balance";

/// [`ReconciliationStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmReconciliations {
    database: Database,
}

impl SeaOrmReconciliations {
    /// The reports of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ReconciliationStore for SeaOrmReconciliations {
    async fn keep(&self, report: &Reconciliation) -> Result<(), ReconciliationError> {
        let Reconciliation { day, at, movements, made_up, unexplained, named, clearing, balance } = report;
        let backend = self.database.backend();
        let transaction = self.database.begin().await?;
        let delete = Sql::new(backend, "DELETE FROM reconciliations WHERE day = ").value(day.millis());
        delete.run(&transaction).await?;
        let values = [
            day.millis().into(),
            at.millis().into(),
            i64::from(*movements).into(),
            i64::from(*made_up).into(),
            i64::from(*unexplained).into(),
            named.join(" ").into(),
            clearing.nanos().into(),
            balance.nanos().into(),
        ];
        let insert = Sql::new(backend, &format!("INSERT INTO reconciliations ({COLUMNS}) VALUES "));
        insert.tuple(values).run(&transaction).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    async fn list(&self, limit: u32) -> Result<Vec<Reconciliation>, ReconciliationError> {
        let select = format!("SELECT {COLUMNS} FROM reconciliations ORDER BY day DESC LIMIT ");
        let select = Sql::new(self.database.backend(), &select).value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }
}

fn read(row: &QueryResult) -> Result<Reconciliation, DatabaseError> {
    let mut columns = Columns::of(row);
    let day = Timestamp::from_millis(columns.next()?);
    let at = Timestamp::from_millis(columns.next()?);
    let mut count = |column| columns.next_as(column, |count: i64| u32::try_from(count).ok());
    let (movements, made_up) = (count("reconciliations.movements")?, count("reconciliations.made_up")?);
    let unexplained = count("reconciliations.unexplained")?;
    let named: String = columns.next()?;
    let named = named.split_whitespace().map(str::to_owned).collect();
    let clearing = Money::from_nanos(columns.next()?);
    let balance = Money::from_nanos(columns.next()?);
    Ok(Reconciliation { day, at, movements, made_up, unexplained, named, clearing, balance })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmReconciliations;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmReconciliations {
        SeaOrmReconciliations::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmReconciliations> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::reconciliation_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmReconciliations> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::reconciliation_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmReconciliations> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::reconciliation_store_conformance!(store);
    }
}
