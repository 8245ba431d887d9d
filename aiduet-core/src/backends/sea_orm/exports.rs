//! The register of exports, in a table.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId, SessionId};
use crate::privacy::{Export, ExportError, ExportStore, ListExports};

const COLUMNS: &str = "id, account, session, created_at, expires_at, fetched_at";

/// [`ExportStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmExports {
    database: Database,
}

impl SeaOrmExports {
    /// The exports of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    fn select(&self, account: AccountId) -> Sql {
        self.sql(&format!("SELECT {COLUMNS} FROM exports WHERE account = ")).value(account.as_uuid())
    }
}

#[async_trait]
impl ExportStore for SeaOrmExports {
    async fn insert(&self, export: Export) -> Result<(), ExportError> {
        let (id, account) = (export.id, export.account);
        let insert = format!("INSERT INTO exports ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(export)).await {
            Err(error) if error.kind() == FailureKind::Unique => {
                let same = self.find(account, id).await?;
                same.map(drop).ok_or(ExportError::AlreadyExists { id })
            }
            other => Ok(other?),
        }
    }

    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, ExportError> {
        let select = self.select(account).text(" AND id = ").value(id.as_uuid());
        let row = select.one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn list(&self, request: ListExports) -> Result<Vec<Export>, ExportError> {
        let ListExports { account, before, limit } = request;
        let select = self.select(account).text(" AND id < ");
        let rows = select
            .value(before.map_or(Uuid::max(), ExportId::as_uuid))
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn finish(&self, id: ExportId, at: Timestamp) -> Result<bool, ExportError> {
        let update = self.sql("UPDATE exports SET fetched_at = ").value(at.millis());
        let update = update.text(" WHERE fetched_at IS NULL AND id = ").value(id.as_uuid());
        let update = update.text(" AND expires_at > ").value(at.millis());
        Ok(update.run(self.database.writer()).await? > 0)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, ExportError> {
        let rows = self
            .sql("SELECT id FROM exports WHERE created_at < ")
            .value(before.millis())
            .text(" ORDER BY created_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let old: Result<Vec<Uuid>, DatabaseError> = rows.iter().map(|row| Columns::of(row).next()).collect();
        let old = old?;
        if old.is_empty() {
            return Ok(0);
        }
        Ok(one_of(self.sql("DELETE FROM exports WHERE "), "id", &old).run(self.database.writer()).await?)
    }
}

/// In the order of [`COLUMNS`].
fn write(export: Export) -> Vec<Value> {
    let Export { id, account, session, created_at, expires_at, fetched_at } = export;
    vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        session.map(SessionId::as_uuid).into(),
        created_at.millis().into(),
        expires_at.millis().into(),
        fetched_at.map(Timestamp::millis).into(),
    ]
}

fn read(row: &QueryResult) -> Result<Export, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Export {
        id: ExportId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        session: columns.next::<Option<Uuid>>()?.map(SessionId::from_uuid),
        created_at: Timestamp::from_millis(columns.next()?),
        expires_at: Timestamp::from_millis(columns.next()?),
        fetched_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmExports;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmExports {
        SeaOrmExports::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmExports> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::export_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmExports> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::export_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmExports> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::export_store_conformance!(store);
    }
}
