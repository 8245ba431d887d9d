//! API keys in a table.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId};
use crate::keys::{ApiKey, ApiKeyHash, EndingKeys, KeyError, KeyState, KeyStore, ListEnding, ListKeys};

const COLUMNS: &str = "id, account, hash, prefix, last4, name, state, state_at, limits, created_at, \
    expires_at, last_used_at";

/// [`KeyStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmKeyStore {
    database: Database,
}

impl SeaOrmKeyStore {
    /// The keys of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn one(&self, sql: Sql) -> Result<Option<Arc<ApiKey>>, DatabaseError> {
        sql.one(self.database.reader()).await?.as_ref().map(read).transpose()
    }
}

#[async_trait]
impl KeyStore for SeaOrmKeyStore {
    async fn insert(&self, key: ApiKey) -> Result<(), KeyError> {
        let (id, account, hash) = (key.id, key.account, key.hash);
        let insert = format!("INSERT INTO api_keys ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(key)?).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == FailureKind::Unique => match self.find(account, id).await? {
                Some(existing) if existing.hash == hash => Ok(()),
                _ => Err(KeyError::AlreadyExists { id }),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn find_by_hash(&self, hash: &ApiKeyHash) -> Result<Option<Arc<ApiKey>>, KeyError> {
        let select = self.sql(&format!("SELECT {COLUMNS} FROM api_keys WHERE hash = "));
        Ok(self.one(select.value(hash.as_bytes().to_vec())).await?)
    }

    async fn find(&self, account: AccountId, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, KeyError> {
        let select = self
            .sql(&format!("SELECT {COLUMNS} FROM api_keys WHERE id = "))
            .value(id.as_uuid())
            .text(" AND account = ")
            .value(account.as_uuid());
        Ok(self.one(select).await?)
    }

    async fn list(&self, request: ListKeys) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        let before = request.before.map_or(Uuid::max(), ApiKeyId::as_uuid);
        let rows = self
            .sql(&format!("SELECT {COLUMNS} FROM api_keys WHERE account = "))
            .value(request.account.as_uuid())
            .text(" AND id < ")
            .value(before)
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(request.limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn update(&self, key: ApiKey) -> Result<(), KeyError> {
        let ApiKey { id, account, name, state, limits, .. } = key;
        let (state, state_at) = state_columns(state);
        let limits = serde_json::to_string(&limits)
            .map_err(|_unwritable| DatabaseError::Unreadable { column: "api_keys.limits" })?;
        let transaction = self.database.begin().await?;
        self.sql("UPDATE api_keys SET name = ")
            .value(name)
            .text(", state = ")
            .value(state)
            .text(", state_at = ")
            .value(state_at)
            .text(", limits = ")
            .value(limits)
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .text(" AND account = ")
            .value(account.as_uuid())
            .run(&transaction)
            .await?;
        // MySQL counts changed rows only, so existence is asked for.
        let exists = self
            .sql("SELECT 1 FROM api_keys WHERE id = ")
            .value(id.as_uuid())
            .text(" AND account = ")
            .value(account.as_uuid())
            .one(&transaction)
            .await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        exists.map(drop).ok_or(KeyError::NotFound { id })
    }

    async fn touch(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), KeyError> {
        let transaction = self.database.begin().await?;
        let mut used = used.to_vec();
        // In order, so that two nodes that touch the same keys do not wait for each other.
        used.sort_unstable();
        for (id, at) in used {
            self.sql("UPDATE api_keys SET last_used_at = ")
                .value(at.millis())
                .text(" WHERE id = ")
                .value(id.as_uuid())
                .text(" AND (last_used_at IS NULL OR last_used_at < ")
                .value(at.millis())
                .text(")")
                .run(&transaction)
                .await?;
        }
        Ok(transaction.commit().await.map_err(DatabaseError::from)?)
    }

    async fn delete(&self, account: AccountId, id: ApiKeyId) -> Result<(), KeyError> {
        let deleted = self
            .sql("DELETE FROM api_keys WHERE id = ")
            .value(id.as_uuid())
            .text(" AND account = ")
            .value(account.as_uuid())
            .run(self.database.writer())
            .await?;
        if deleted == 0 { Err(KeyError::NotFound { id }) } else { Ok(()) }
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, KeyError> {
        let rows = self
            .sql("SELECT id FROM api_keys WHERE state = 'revoked' AND state_at < ")
            .value(before.millis())
            .text(" LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids = rows.iter().map(|row| Columns::of(row).next()).collect::<Result<Vec<Uuid>, _>>()?;
        let delete = one_of(self.sql("DELETE FROM api_keys WHERE "), "id", &ids);
        Ok(delete.text(" AND state = 'revoked'").run(self.database.writer()).await?)
    }
}

#[async_trait]
impl EndingKeys for SeaOrmKeyStore {
    async fn ending(&self, request: ListEnding) -> Result<Vec<Arc<ApiKey>>, KeyError> {
        let ListEnding { from, until, after, limit } = request;
        let rows = self
            .sql(&format!("SELECT {COLUMNS} FROM api_keys WHERE state = 'active' AND expires_at >= "))
            .value(from.millis())
            .text(" AND expires_at < ")
            .value(until.millis())
            .text(" AND id > ")
            .value(after.map_or(Uuid::nil(), ApiKeyId::as_uuid))
            .text(" ORDER BY id LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }
}

fn state_columns(state: KeyState) -> (&'static str, Option<i64>) {
    match state {
        KeyState::Active => ("active", None),
        KeyState::Disabled { at } => ("disabled", Some(at.millis())),
        KeyState::Rotated { until } => ("rotated", Some(until.millis())),
        KeyState::Revoked { at } => ("revoked", Some(at.millis())),
    }
}

fn state_from(code: &str, at: Option<i64>) -> Option<KeyState> {
    match (code, at.map(Timestamp::from_millis)) {
        ("active", None) => Some(KeyState::Active),
        ("disabled", Some(at)) => Some(KeyState::Disabled { at }),
        ("rotated", Some(until)) => Some(KeyState::Rotated { until }),
        ("revoked", Some(at)) => Some(KeyState::Revoked { at }),
        _ => None,
    }
}

fn write(key: ApiKey) -> Result<Vec<Value>, DatabaseError> {
    let ApiKey {
        id,
        account,
        hash,
        prefix,
        last4,
        name,
        state,
        limits,
        created_at,
        expires_at,
        last_used_at,
    } = key;
    let (state, state_at) = state_columns(state);
    let limits = serde_json::to_string(&limits)
        .map_err(|_unwritable| DatabaseError::Unreadable { column: "api_keys.limits" })?;
    Ok(vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        hash.as_bytes().to_vec().into(),
        prefix.into(),
        last4.into(),
        name.into(),
        state.into(),
        state_at.into(),
        limits.into(),
        created_at.millis().into(),
        expires_at.map(Timestamp::millis).into(),
        last_used_at.map(Timestamp::millis).into(),
    ])
}

fn read(row: &QueryResult) -> Result<Arc<ApiKey>, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Arc::new(ApiKey {
        id: ApiKeyId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        hash: columns
            .next_as("api_keys.hash", |bytes: Vec<u8>| bytes.try_into().ok().map(ApiKeyHash::from_bytes))?,
        prefix: columns.next()?,
        last4: columns.next()?,
        name: columns.next()?,
        state: {
            let code: String = columns.next()?;
            columns.next_as("api_keys.state", |at| state_from(&code, at))?
        },
        limits: columns.next_as("api_keys.limits", |json: String| serde_json::from_str(&json).ok())?,
        created_at: Timestamp::from_millis(columns.next()?),
        expires_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        last_used_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
    }))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmKeyStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmKeyStore {
        SeaOrmKeyStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmKeyStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::key_store_conformance!(store);
        crate::ending_keys_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmKeyStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::key_store_conformance!(store);
        crate::ending_keys_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmKeyStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::key_store_conformance!(store);
        crate::ending_keys_conformance!(store);
    }
}
