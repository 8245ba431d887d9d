//! What came of comparing costs, in a table.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::cost::{
    CostComparison, CostComparisonStore, CostStoreError, DayComparison, DayTokens, Owed, TokenComparison,
};
use crate::money::Money;
use crate::provider::Vendor;

const COLUMNS: &str = "day, vendor, at, reported, requests, owed, estimated";
const TOKEN_COLUMNS: &str = "day, vendor, model, reported_input, reported_output, recorded_input, recorded_output, \
     estimated_input, estimated_output, worth";

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
    async fn keep(&self, comparison: &DayComparison) -> Result<(), CostStoreError> {
        let DayComparison { cost, tokens } = comparison;
        let backend = self.database.backend();
        let transaction = self.database.begin().await?;
        for table in ["cost_comparisons", "token_comparisons"] {
            of_day(Sql::new(backend, &format!("DELETE FROM {table}")), cost.day, cost.vendor)
                .run(&transaction)
                .await?;
        }
        let insert = format!("INSERT INTO cost_comparisons ({COLUMNS}) VALUES");
        insert_row(&transaction, &insert, cost_row(cost)).await?;
        let insert = format!("INSERT INTO token_comparisons ({TOKEN_COLUMNS}) VALUES");
        for model in tokens {
            insert_row(&transaction, &insert, token_row(model)).await?;
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(())
    }

    async fn list(&self, limit: u32) -> Result<Vec<CostComparison>, CostStoreError> {
        let select = format!("SELECT {COLUMNS} FROM cost_comparisons ORDER BY day DESC, vendor LIMIT ");
        let select = Sql::new(self.database.backend(), &select).value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn tokens(&self, day: Timestamp, vendor: Vendor) -> Result<Vec<TokenComparison>, CostStoreError> {
        let select = format!("SELECT {TOKEN_COLUMNS} FROM token_comparisons");
        let select = of_day(Sql::new(self.database.backend(), &select), day, vendor).text(" ORDER BY model");
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read_tokens(row)?)).collect()
    }
}

/// Adds the condition that a row is of a day and provider.
fn of_day(sql: Sql, day: Timestamp, vendor: Vendor) -> Sql {
    sql.text(" WHERE day = ").value(day.millis()).text(" AND vendor = ").value(vendor.as_str())
}

fn cost_row(comparison: &CostComparison) -> Vec<Value> {
    let CostComparison { day, vendor, at, reported, owed: Owed { requests, sum, estimated } } = comparison;
    vec![
        day.millis().into(),
        vendor.as_str().into(),
        at.millis().into(),
        reported.nanos().into(),
        i64::from(*requests).into(),
        sum.nanos().into(),
        estimated.nanos().into(),
    ]
}

fn token_row(comparison: &TokenComparison) -> Vec<Value> {
    let TokenComparison { day, vendor, model, reported, recorded, estimated, worth } = comparison;
    // More tokens than fit were not counted by anybody.
    let count = |tokens: u64| Value::from(i64::try_from(tokens).unwrap_or(i64::MAX));
    let counts =
        [reported, recorded, estimated].into_iter().flat_map(|DayTokens { input, output }| [*input, *output]);
    [day.millis().into(), vendor.as_str().into(), model.as_str().into()]
        .into_iter()
        .chain(counts.map(count))
        .chain([worth.map(Money::nanos).into()])
        .collect()
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

fn read_tokens(row: &QueryResult) -> Result<TokenComparison, DatabaseError> {
    let mut columns = Columns::of(row);
    let day = Timestamp::from_millis(columns.next()?);
    let vendor = columns.next_as("token_comparisons.vendor", |name: String| Vendor::from_name(&name))?;
    let model = columns.next()?;
    let mut tokens = || -> Result<DayTokens, DatabaseError> {
        Ok(DayTokens {
            input: columns.next_count("token_comparisons")?,
            output: columns.next_count("token_comparisons")?,
        })
    };
    let (reported, recorded, estimated) = (tokens()?, tokens()?, tokens()?);
    let worth = columns.next::<Option<i64>>()?.map(Money::from_nanos);
    Ok(TokenComparison { day, vendor, model, reported, recorded, estimated, worth })
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
