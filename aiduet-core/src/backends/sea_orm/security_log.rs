//! What happened to the security of accounts, in a table.

use async_trait::async_trait;
use sea_orm::{DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::auth::{
    AuthStoreError, Device, KeyEvent, ListSecurityEvents, Network, SecurityEvent, SecurityEventKind,
    SecurityLog,
};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, RequestId, SecurityEventId, SessionId};
use crate::keys::KeyAspect;

const COLUMNS: &str = "id, account, kind, device, network, request, api_key, session, changed, created_at";

/// [`SecurityLog`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmSecurityLog {
    database: Database,
}

impl SeaOrmSecurityLog {
    /// The events of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    /// Runs a statement on at most so many events that are older than a moment and of a condition;
    /// says on how many.
    async fn on_old(
        &self,
        (before, condition, limit): (Timestamp, &str, u32),
        statement: &str,
    ) -> Result<u64, DatabaseError> {
        let rows = self
            .sql("SELECT id FROM security_events WHERE created_at < ")
            .value(before.millis())
            .text(condition)
            .text(" ORDER BY created_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let old: Result<Vec<Uuid>, DatabaseError> = rows.iter().map(|row| Columns::of(row).next()).collect();
        let old = old?;
        if old.is_empty() {
            return Ok(0);
        }
        one_of(self.sql(statement), "id", &old).run(self.database.writer()).await
    }
}

#[async_trait]
impl SecurityLog for SeaOrmSecurityLog {
    async fn record(&self, event: SecurityEvent) -> Result<(), AuthStoreError> {
        let or_nothing = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE id = id",
            _ => " ON CONFLICT DO NOTHING",
        };
        let insert = self.sql(&format!("INSERT INTO security_events ({COLUMNS}) VALUES "));
        insert.tuple(write(&event)).text(or_nothing).run(self.database.writer()).await?;
        Ok(())
    }

    async fn list(&self, request: ListSecurityEvents) -> Result<Vec<SecurityEvent>, AuthStoreError> {
        let ListSecurityEvents { account, key, before, limit } = request;
        let mut select = self
            .sql(&format!("SELECT {COLUMNS} FROM security_events WHERE account = "))
            .value(account.as_uuid())
            .text(" AND id < ")
            .value(before.map_or(Uuid::max(), SecurityEventId::as_uuid));
        if let Some(key) = key {
            select = select.text(" AND api_key = ").value(key.as_uuid());
        }
        let select = select.text(" ORDER BY id DESC LIMIT ").value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let which = (before, "", limit);
        Ok(self.on_old(which, "DELETE FROM security_events WHERE ").await?)
    }

    async fn forget_networks(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let which = (before, " AND network IS NOT NULL", limit);
        Ok(self.on_old(which, "UPDATE security_events SET network = NULL WHERE ").await?)
    }
}

/// In the order of [`COLUMNS`].
fn write(event: &SecurityEvent) -> Vec<Value> {
    let SecurityEvent { id, account, kind, device, network, request, key, at } = event;
    let changed = key.as_ref().map(|key| {
        let codes: Vec<&str> = key.changed.iter().map(|aspect| aspect.as_str()).collect();
        codes.join(" ")
    });
    vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        kind.as_str().into(),
        device.to_string().into(),
        network.map(|network| network.to_string()).into(),
        request.map(RequestId::as_uuid).into(),
        key.as_ref().map(|key| key.id.as_uuid()).into(),
        key.as_ref().and_then(|key| key.session).map(SessionId::as_uuid).into(),
        changed.into(),
        at.millis().into(),
    ]
}

fn read(row: &QueryResult) -> Result<SecurityEvent, DatabaseError> {
    let mut columns = Columns::of(row);
    let kind = |code: String| SecurityEventKind::from_code(&code);
    Ok(SecurityEvent {
        id: SecurityEventId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        kind: columns.next_as("security_events.kind", kind)?,
        device: Device::from_text(&columns.next::<String>()?),
        network: columns.next_as("security_events.network", |text: Option<String>| {
            text.map(|text| text.parse::<Network>()).transpose().ok()
        })?,
        request: columns.next::<Option<Uuid>>()?.map(RequestId::from_uuid),
        key: read_key(&mut columns)?,
        at: Timestamp::from_millis(columns.next()?),
    })
}

fn read_key(columns: &mut Columns<'_>) -> Result<Option<KeyEvent>, DatabaseError> {
    let id = columns.next::<Option<Uuid>>()?.map(ApiKeyId::from_uuid);
    let session = columns.next::<Option<Uuid>>()?.map(SessionId::from_uuid);
    // A later version may know of more.
    let known = |codes: String| codes.split(' ').filter_map(KeyAspect::from_code).collect();
    let changed = columns.next::<Option<String>>()?.map(known).unwrap_or_default();
    Ok(id.map(|id| KeyEvent { id, session, changed }))
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmSecurityLog;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmSecurityLog {
        SeaOrmSecurityLog::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmSecurityLog> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::security_log_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmSecurityLog> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::security_log_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmSecurityLog> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::security_log_conformance!(store);
    }
}
