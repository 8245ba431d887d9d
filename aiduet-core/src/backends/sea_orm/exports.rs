//! Exports, in a table.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::{DatabaseError, FailureKind};
use super::sessions::digest;
use super::sql::{Columns, Sql, insert_row};
use crate::auth::TokenDigest;
use crate::clock::Timestamp;
use crate::id::{AccountId, ExportId, SessionId};
use crate::privacy::{
    ClaimExport, DOWNLOADS_MAX, Export, ExportOrigin, ExportStore, ListExports, PrivacyStoreError,
};

const COLUMNS: &str = "id, account, session, token, created_at, expires_at, downloads, downloaded_at";

/// [`ExportStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmExportStore {
    database: Database,
}

impl SeaOrmExportStore {
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

    /// Ends a statement with the conditions of an export that can be fetched.
    fn ready(sql: Sql, at: Timestamp) -> Sql {
        sql.text(" AND token IS NOT NULL AND downloads < ")
            .value(i64::from(DOWNLOADS_MAX))
            .text(" AND expires_at > ")
            .value(at.millis())
    }

    async fn tie(&self, request: ClaimExport) -> Result<Option<Export>, DatabaseError> {
        let ClaimExport { account, token, session, at } = request;
        let own = |sql: Sql| sql.text(" AND token = ").value(token.as_bytes().to_vec());
        let update = self.sql("UPDATE exports SET session = ").value(session.as_uuid());
        let update = own(update.text(" WHERE account = ").value(account.as_uuid()));
        Self::ready(update, at).run(self.database.writer()).await?;
        let found = Self::ready(own(self.select(account)), at).one(self.database.writer()).await?;
        found.as_ref().map(read).transpose()
    }
}

#[async_trait]
impl ExportStore for SeaOrmExportStore {
    async fn insert(&self, export: Export) -> Result<(), PrivacyStoreError> {
        let (id, account) = (export.id, export.account);
        let token = write_origin(export.origin).1;
        let insert = format!("INSERT INTO exports ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(&export)).await {
            Err(error) if error.kind() == FailureKind::Unique => match self.find(account, id).await? {
                Some(same) if write_origin(same.origin).1 == token => Ok(()),
                Some(_) | None => Err(PrivacyStoreError::AlreadyExists),
            },
            other => Ok(other?),
        }
    }

    async fn find(&self, account: AccountId, id: ExportId) -> Result<Option<Export>, PrivacyStoreError> {
        let select = self.select(account).text(" AND id = ").value(id.as_uuid());
        let row = select.one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn list(&self, request: ListExports) -> Result<Vec<Export>, PrivacyStoreError> {
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

    async fn claim(&self, request: ClaimExport) -> Result<Option<Export>, PrivacyStoreError> {
        Ok(self.tie(request).await?)
    }

    async fn fetch(&self, id: ExportId, at: Timestamp) -> Result<bool, PrivacyStoreError> {
        let update = self.sql("UPDATE exports SET downloads = downloads + 1, downloaded_at = ");
        let update = update.value(at.millis()).text(" WHERE id = ").value(id.as_uuid());
        Ok(Self::ready(update, at).run(self.database.writer()).await? > 0)
    }

    async fn detach(&self, account: AccountId, subject: AccountId) -> Result<u64, PrivacyStoreError> {
        let update = self.sql("UPDATE exports SET session = NULL, token = NULL, account = ");
        let update = update.value(subject.as_uuid()).text(" WHERE account = ").value(account.as_uuid());
        Ok(update.run(self.database.writer()).await?)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PrivacyStoreError> {
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

fn write_origin(origin: ExportOrigin) -> (Option<Uuid>, Option<Vec<u8>>) {
    match origin {
        ExportOrigin::Person { session, token } => (Some(session.as_uuid()), Some(token.as_bytes().to_vec())),
        ExportOrigin::Operator => (None, None),
    }
}

/// In the order of [`COLUMNS`].
fn write(export: &Export) -> Vec<Value> {
    let Export { id, account, origin, created_at, expires_at, downloads, downloaded_at } = export;
    let (session, token) = write_origin(*origin);
    vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        session.into(),
        token.into(),
        created_at.millis().into(),
        expires_at.millis().into(),
        i64::from(*downloads).into(),
        downloaded_at.map(Timestamp::millis).into(),
    ]
}

fn read(row: &QueryResult) -> Result<Export, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Export {
        id: ExportId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        origin: {
            let session: Option<Uuid> = columns.next()?;
            let origin = |token: Option<Vec<u8>>| origin(session, token.and_then(digest));
            columns.next_as("exports.token", origin)?
        },
        created_at: Timestamp::from_millis(columns.next()?),
        expires_at: Timestamp::from_millis(columns.next()?),
        downloads: columns.next_as("exports.downloads", |count: i64| u32::try_from(count).ok())?,
        downloaded_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
    })
}

fn origin(session: Option<Uuid>, token: Option<TokenDigest>) -> Option<ExportOrigin> {
    match (session.map(SessionId::from_uuid), token) {
        (Some(session), Some(token)) => Some(ExportOrigin::Person { session, token }),
        (None, None) => Some(ExportOrigin::Operator),
        (Some(_), None) | (None, Some(_)) => None,
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmExportStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmExportStore {
        SeaOrmExportStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmExportStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::export_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmExportStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::export_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmExportStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::export_store_conformance!(store);
    }
}
