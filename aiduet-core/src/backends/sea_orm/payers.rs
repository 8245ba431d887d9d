//! The card company's names for people, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend};

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql, now_millis};
use crate::id::AccountId;
use crate::ledger::ExternalId;
use crate::payment::{PayerStore, TopUpError};

/// [`PayerStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmPayerStore {
    database: Database,
}

impl SeaOrmPayerStore {
    /// The payers of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn read(
        &self,
        on: &impl ConnectionTrait,
        account: AccountId,
    ) -> Result<Option<ExternalId>, DatabaseError> {
        let select = Sql::new(self.database.backend(), "SELECT payer FROM payers WHERE account = ")
            .value(account.as_uuid());
        let Some(row) = select.one(on).await? else { return Ok(None) };
        Columns::of(&row).next_as("payers.payer", |text: String| text.parse().ok()).map(Some)
    }
}

#[async_trait]
impl PayerStore for SeaOrmPayerStore {
    async fn find(&self, account: AccountId) -> Result<Option<ExternalId>, TopUpError> {
        Ok(self.read(self.database.reader(), account).await?)
    }

    async fn account_of(&self, payer: &ExternalId) -> Result<Option<AccountId>, TopUpError> {
        let select = Sql::new(self.database.backend(), "SELECT account FROM payers WHERE payer = ")
            .value(payer.to_string());
        let row = select.one(self.database.reader()).await?;
        let account = row.map(|row| Columns::of(&row).next().map(AccountId::from_uuid));
        Ok(account.transpose()?)
    }

    async fn keep(&self, account: AccountId, payer: ExternalId) -> Result<ExternalId, TopUpError> {
        let backend = self.database.backend();
        let or_nothing = match backend {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE account = account",
            _ => " ON CONFLICT DO NOTHING",
        };
        Sql::new(backend, "INSERT INTO payers (account, payer, created_at) VALUES (")
            .value(account.as_uuid())
            .text(", ")
            .value(payer.to_string())
            .text(&format!(", {}){or_nothing}", now_millis(backend)))
            .run(self.database.writer())
            .await?;
        Ok(self.read(self.database.writer(), account).await?.unwrap_or(payer))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmPayerStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmPayerStore {
        SeaOrmPayerStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmPayerStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::payer_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmPayerStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::payer_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmPayerStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::payer_store_conformance!(store);
    }
}
