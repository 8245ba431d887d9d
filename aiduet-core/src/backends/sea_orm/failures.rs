//! Wrong passwords in a row, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend};

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::auth::{AuthStoreError, FailureCounter};
use crate::clock::Timestamp;
use crate::id::AccountId;

/// [`FailureCounter`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmFailureCounter {
    database: Database,
}

impl SeaOrmFailureCounter {
    /// The failures of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn read(&self, on: &impl ConnectionTrait, account: AccountId) -> Result<u32, DatabaseError> {
        let select = self.sql("SELECT failures FROM sign_in_failures WHERE account = ");
        let Some(row) = select.value(account.as_uuid()).one(on).await? else { return Ok(0) };
        let column = "sign_in_failures.failures";
        Ok(u32::try_from(Columns::of(&row).next_count(column)?).unwrap_or(u32::MAX))
    }

    async fn add(&self, account: AccountId, at: Timestamp) -> Result<u32, DatabaseError> {
        let transaction = self.database.begin().await?;
        let update = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE failures = failures + 1, failed_at = ",
            _ => {
                " ON CONFLICT (account) DO UPDATE SET failures = sign_in_failures.failures + 1, failed_at = "
            }
        };
        self.sql("INSERT INTO sign_in_failures (account, failures, failed_at) VALUES ")
            .tuple([account.as_uuid().into(), 1_i64.into(), at.millis().into()])
            .text(update)
            .value(at.millis())
            .run(&transaction)
            .await?;
        let count = self.read(&transaction, account).await?;
        transaction.commit().await?;
        Ok(count)
    }

    async fn remove(&self, account: AccountId) -> Result<u32, DatabaseError> {
        let count = self.read(self.database.writer(), account).await?;
        let delete = self.sql("DELETE FROM sign_in_failures WHERE account = ").value(account.as_uuid());
        let removed = if count == 0 { 0 } else { delete.run(self.database.writer()).await? };
        Ok(if removed == 0 { 0 } else { count })
    }
}

#[async_trait]
impl FailureCounter for SeaOrmFailureCounter {
    async fn count(&self, account: AccountId, at: Timestamp) -> Result<u32, AuthStoreError> {
        Ok(self.add(account, at).await?)
    }

    async fn failures(&self, account: AccountId) -> Result<u32, AuthStoreError> {
        Ok(self.read(self.database.reader(), account).await?)
    }

    async fn clear(&self, account: AccountId) -> Result<u32, AuthStoreError> {
        Ok(self.remove(account).await?)
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmFailureCounter;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmFailureCounter {
        SeaOrmFailureCounter::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmFailureCounter> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::failure_counter_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmFailureCounter> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::failure_counter_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmFailureCounter> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::failure_counter_conformance!(store);
    }
}
