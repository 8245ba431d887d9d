//! Which request made which key, in a table.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult};
use uuid::Uuid;

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};
use crate::keys::{KeyCreation, KeyCreations, KeyError};

const COLUMNS: &str = "account, token, wish, api_key, created_at";

/// [`KeyCreations`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmKeyCreations {
    database: Database,
}

impl SeaOrmKeyCreations {
    /// The creations of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    fn of(&self, statement: &str, account: AccountId, token: &[u8; 32]) -> Sql {
        let sql = self.sql(statement).text(" WHERE account = ").value(account.as_uuid());
        sql.text(" AND token = ").value(token.to_vec())
    }

    async fn keep(&self, creation: KeyCreation) -> Result<KeyCreation, DatabaseError> {
        let KeyCreation { account, token, wish, key, at } = creation;
        let or_nothing = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE account = account",
            _ => " ON CONFLICT DO NOTHING",
        };
        self.sql(&format!("INSERT INTO key_creations ({COLUMNS}) VALUES "))
            .tuple([
                account.as_uuid().into(),
                token.to_vec().into(),
                wish.to_vec().into(),
                key.as_uuid().into(),
                at.millis().into(),
            ])
            .text(or_nothing)
            .run(self.database.writer())
            .await?;
        let select = self.of(&format!("SELECT {COLUMNS} FROM key_creations"), account, &token);
        let row = select.one(self.database.writer()).await?;
        row.as_ref().map_or(Ok(creation), read)
    }
}

#[async_trait]
impl KeyCreations for SeaOrmKeyCreations {
    async fn begin(&self, creation: KeyCreation) -> Result<KeyCreation, KeyError> {
        Ok(self.keep(creation).await?)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        let rows = self
            .sql(&format!("SELECT {COLUMNS} FROM key_creations WHERE created_at < "))
            .value(before.millis())
            .text(" ORDER BY created_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let mut purged = 0_u64;
        for row in &rows {
            let KeyCreation { account, token, .. } = read(row)?;
            let delete = self.of("DELETE FROM key_creations", account, &token);
            purged = purged.saturating_add(delete.run(self.database.writer()).await?);
        }
        Ok(purged)
    }
}

fn read(row: &QueryResult) -> Result<KeyCreation, DatabaseError> {
    let mut columns = Columns::of(row);
    let digest = |bytes: Vec<u8>| bytes.try_into().ok();
    Ok(KeyCreation {
        account: AccountId::from_uuid(columns.next()?),
        token: columns.next_as("key_creations.token", digest)?,
        wish: columns.next_as("key_creations.wish", digest)?,
        key: ApiKeyId::from_uuid(columns.next::<Uuid>()?),
        at: Timestamp::from_millis(columns.next()?),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmKeyCreations;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmKeyCreations {
        SeaOrmKeyCreations::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmKeyCreations> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::key_creations_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmKeyCreations> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::key_creations_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmKeyCreations> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::key_creations_conformance!(store);
    }
}
