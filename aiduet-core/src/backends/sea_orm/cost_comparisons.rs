//! What came of comparing costs, in a table.

use async_trait::async_trait;
use sea_orm::QueryResult;

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::cost::{CostComparison, CostComparisonStore, CostStoreError, Owed};
use crate::money::Money;
use crate::provider::Vendor;

const COLUMNS: &str = "day, vendor, at, reported, requests, owed, estimated";

/// [`CostComparisonStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmCostComparisons {
    database: Database,
}

impl SeaOrmCostComparisons {
    /// The comparisons of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl CostComparisonStore for SeaOrmCostComparisons {
    async fn keep(&self, comparison: &CostComparison) -> Result<(), CostStoreError> {
        let CostComparison { day, vendor, at, reported, owed: Owed { requests, sum, estimated } } =
            comparison;
        let backend = self.database.backend();
        let transaction = self.database.begin().await?;
        Sql::new(backend, "DELETE FROM cost_comparisons WHERE day = ")
            .value(day.millis())
            .text(" AND vendor = ")
            .value(vendor.as_str())
            .run(&transaction)
            .await?;
        let values = [
            day.millis().into(),
            vendor.as_str().into(),
            at.millis().into(),
            reported.nanos().into(),
            i64::from(*requests).into(),
            sum.nanos().into(),
            estimated.nanos().into(),
        ];
        let insert = Sql::new(backend, &format!("INSERT INTO cost_comparisons ({COLUMNS}) VALUES "));
        insert.tuple(values).run(&transaction).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    async fn list(&self, limit: u32) -> Result<Vec<CostComparison>, CostStoreError> {
        let select = format!("SELECT {COLUMNS} FROM cost_comparisons ORDER BY day DESC, vendor LIMIT ");
        let select = Sql::new(self.database.backend(), &select).value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }
}

fn read(row: &QueryResult) -> Result<CostComparison, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(CostComparison {
        day: Timestamp::from_millis(columns.next()?),
        vendor: columns.next_as("cost_comparisons.vendor", |name: String| Vendor::from_name(&name))?,
        at: Timestamp::from_millis(columns.next()?),
        reported: Money::from_nanos(columns.next()?),
        owed: Owed {
            requests: columns.next_as("cost_comparisons.requests", |count: i64| u32::try_from(count).ok())?,
            sum: Money::from_nanos(columns.next()?),
            estimated: Money::from_nanos(columns.next()?),
        },
    })
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "testing"))]
mod tests {
    use super::SeaOrmCostComparisons;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmCostComparisons {
        SeaOrmCostComparisons::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmCostComparisons> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::cost_comparison_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmCostComparisons> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::cost_comparison_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmCostComparisons> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::cost_comparison_store_conformance!(store);
    }
}
