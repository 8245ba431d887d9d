//! Payments that were refused, in a table.

use async_trait::async_trait;
use sea_orm::DbBackend;

use super::Database;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::payment::{CountDeclines, Decline, DeclineStore, TopUpError};

/// [`DeclineStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmDeclines {
    database: Database,
}

impl SeaOrmDeclines {
    /// The refusals of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }
}

#[async_trait]
impl DeclineStore for SeaOrmDeclines {
    async fn note(&self, decline: Decline) -> Result<(), TopUpError> {
        let Decline { id, account, at } = decline;
        let or_nothing = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE id = id",
            _ => " ON CONFLICT DO NOTHING",
        };
        self.sql("INSERT INTO declines (id, account, declined_at) VALUES ")
            .tuple([id.to_string().into(), account.as_uuid().into(), at.millis().into()])
            .text(or_nothing)
            .run(self.database.writer())
            .await?;
        Ok(())
    }

    async fn moments(&self, request: CountDeclines) -> Result<Vec<Timestamp>, TopUpError> {
        let CountDeclines { account, after, limit } = request;
        let rows = self
            .sql("SELECT declined_at FROM declines WHERE account = ")
            .value(account.as_uuid())
            .text(" AND declined_at > ")
            .value(after.millis())
            .text(" ORDER BY declined_at DESC LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let moments: Result<_, DatabaseError> =
            rows.iter().map(|row| Columns::of(row).next().map(Timestamp::from_millis)).collect();
        Ok(moments?)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, TopUpError> {
        let rows = self
            .sql("SELECT id FROM declines WHERE declined_at < ")
            .value(before.millis())
            .text(" ORDER BY declined_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let old: Result<Vec<String>, DatabaseError> =
            rows.iter().map(|row| Columns::of(row).next()).collect();
        let mut purged = 0_u64;
        for ids in old?.chunks(PURGED_AT_ONCE) {
            let delete = self.sql("DELETE FROM declines WHERE id IN ");
            let rows = delete.tuple(ids.iter().map(|id| id.as_str().into())).run(self.database.writer());
            purged = purged.saturating_add(rows.await?);
        }
        Ok(purged)
    }
}

/// Rows that one statement deletes.
const PURGED_AT_ONCE: usize = 256;

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmDeclines;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmDeclines {
        SeaOrmDeclines::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmDeclines> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::decline_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmDeclines> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::decline_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmDeclines> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::decline_store_conformance!(store);
    }
}
