//! Sessions in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::one_of;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::auth::{
    AuthStoreError, Device, EndSessions, Lineage, Network, Rotated, Rotation, SESSIONS_MAX, Session,
    SessionLife, SessionStep, SessionStore, TokenDigest, Which,
};
use crate::clock::Timestamp;
use crate::id::{AccountId, SessionId};

const COLUMNS: &str = "id, account, device, network, life, created_at, seen_at, authenticated_at, \
    idle_until, ends_at, token, token_before, rotated_at, recovered";

/// [`SessionStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmSessionStore {
    database: Database,
}

impl SeaOrmSessionStore {
    /// The sessions of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    fn select(&self) -> Sql {
        self.sql(&format!("SELECT {COLUMNS} FROM sessions WHERE "))
    }

    async fn exchange(&self, rotation: Rotation) -> Result<Rotated, DatabaseError> {
        let transaction = self.database.begin().await?;
        let lock = if self.database.is_sqlite() { "" } else { " FOR UPDATE" };
        let select = self.select().text("id = ").value(rotation.session.as_uuid()).text(lock);
        let Some(row) = select.one(&transaction).await? else { return Ok(Rotated::Unknown) };
        let session = read(&row)?;
        let rotated = match session.rotate(&rotation) {
            SessionStep::Renewed(renewed) => {
                self.replace(&transaction, &renewed).await?;
                Rotated::Renewed(*renewed)
            }
            SessionStep::Reused => {
                let delete = self.sql("DELETE FROM sessions WHERE id = ").value(session.id.as_uuid());
                delete.run(&transaction).await?;
                Rotated::Reused(session)
            }
            SessionStep::Over => Rotated::Unknown,
        };
        transaction.commit().await?;
        Ok(rotated)
    }

    async fn replace(&self, on: &impl ConnectionTrait, session: &Session) -> Result<(), DatabaseError> {
        let Lineage { current, previous, rotated_at, recovered } = session.lineage;
        self.sql("UPDATE sessions SET network = ")
            .value(session.network.map(|network| network.to_string()))
            .text(", seen_at = ")
            .value(session.seen_at.millis())
            .text(", idle_until = ")
            .value(session.idle_until.millis())
            .text(", token = ")
            .value(current.as_bytes().to_vec())
            .text(", token_before = ")
            .value(previous.map(|digest| digest.as_bytes().to_vec()))
            .text(", rotated_at = ")
            .value(rotated_at.millis())
            .text(", recovered = ")
            .value(i64::from(recovered))
            .text(" WHERE id = ")
            .value(session.id.as_uuid())
            .run(on)
            .await
            .map(drop)
    }

    async fn insert(&self, session: &Session) -> Result<(), DatabaseError> {
        let transaction = self.database.begin().await?;
        let insert = format!("INSERT INTO sessions ({COLUMNS}) VALUES");
        insert_row(&transaction, &insert, write(session)).await?;
        let rows = self
            .sql("SELECT id FROM sessions WHERE account = ")
            .value(session.account.as_uuid())
            .text(" ORDER BY seen_at DESC, id DESC")
            .all(&transaction)
            .await?;
        let kept = usize::try_from(SESSIONS_MAX).unwrap_or(usize::MAX);
        let surplus: Result<Vec<Uuid>, DatabaseError> =
            rows.iter().skip(kept).map(|row| Columns::of(row).next()).collect();
        let surplus = surplus?;
        if !surplus.is_empty() {
            one_of(self.sql("DELETE FROM sessions WHERE "), "id", &surplus).run(&transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl SessionStore for SeaOrmSessionStore {
    async fn open(&self, session: Session) -> Result<(), AuthStoreError> {
        match self.insert(&session).await {
            Err(error) if error.kind() == FailureKind::Unique => Err(AuthStoreError::AlreadyExists),
            other => Ok(other?),
        }
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, AuthStoreError> {
        let row = self.select().text("id = ").value(id.as_uuid()).one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, AuthStoreError> {
        Ok(self.exchange(rotation).await?)
    }

    async fn confirm(&self, id: SessionId, at: Timestamp) -> Result<bool, AuthStoreError> {
        let exists = self.select().text("id = ").value(id.as_uuid()).one(self.database.writer()).await?;
        self.sql("UPDATE sessions SET authenticated_at = ")
            .value(at.millis())
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(self.database.writer())
            .await?;
        Ok(exists.is_some())
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Session>, AuthStoreError> {
        let select = self.select().text("account = ").value(account.as_uuid());
        let rows = select.text(" ORDER BY seen_at DESC, id DESC").all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn end(&self, request: EndSessions) -> Result<u64, AuthStoreError> {
        let EndSessions { account, which } = request;
        let delete = self.sql("DELETE FROM sessions WHERE account = ").value(account.as_uuid());
        let delete = match which {
            Which::One(id) => delete.text(" AND id = ").value(id.as_uuid()),
            Which::Others(id) => delete.text(" AND id <> ").value(id.as_uuid()),
            Which::All => delete,
        };
        Ok(delete.run(self.database.writer()).await?)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        // `idle_until` is never later than `ends_at`.
        let rows = self
            .sql("SELECT id FROM sessions WHERE idle_until < ")
            .value(before.millis())
            .text(" ORDER BY idle_until LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let over: Result<Vec<Uuid>, DatabaseError> = rows.iter().map(|row| Columns::of(row).next()).collect();
        let over = over?;
        if over.is_empty() {
            return Ok(0);
        }
        Ok(one_of(self.sql("DELETE FROM sessions WHERE "), "id", &over).run(self.database.writer()).await?)
    }
}

/// In the order of [`COLUMNS`].
fn write(session: &Session) -> Vec<Value> {
    let Session {
        id,
        account,
        device,
        network,
        life,
        created_at,
        seen_at,
        authenticated_at,
        idle_until,
        ends_at,
        lineage: Lineage { current, previous, rotated_at, recovered },
    } = session;
    vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        device.to_string().into(),
        network.map(|network| network.to_string()).into(),
        life.as_str().into(),
        created_at.millis().into(),
        seen_at.millis().into(),
        authenticated_at.millis().into(),
        idle_until.millis().into(),
        ends_at.millis().into(),
        current.as_bytes().to_vec().into(),
        previous.map(|digest| digest.as_bytes().to_vec()).into(),
        rotated_at.millis().into(),
        i64::from(*recovered).into(),
    ]
}

fn read(row: &QueryResult) -> Result<Session, DatabaseError> {
    let mut columns = Columns::of(row);
    let at = |columns: &mut Columns<'_>| columns.next().map(Timestamp::from_millis);
    Ok(Session {
        id: SessionId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        device: Device::from_text(&columns.next::<String>()?),
        network: columns.next_as("sessions.network", |text: Option<String>| {
            text.map(|text| text.parse::<Network>()).transpose().ok()
        })?,
        life: columns.next_as("sessions.life", |code: String| SessionLife::from_code(&code))?,
        created_at: at(&mut columns)?,
        seen_at: at(&mut columns)?,
        authenticated_at: at(&mut columns)?,
        idle_until: at(&mut columns)?,
        ends_at: at(&mut columns)?,
        lineage: Lineage {
            current: columns.next_as("sessions.token", digest)?,
            previous: columns.next_as("sessions.token_before", |bytes: Option<Vec<u8>>| match bytes {
                Some(bytes) => digest(bytes).map(Some),
                None => Some(None),
            })?,
            rotated_at: at(&mut columns)?,
            recovered: columns.next::<i64>()? != 0,
        },
    })
}

/// A digest as it is stored.
pub(super) fn digest(bytes: Vec<u8>) -> Option<TokenDigest> {
    bytes.try_into().ok().map(TokenDigest::from_bytes)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmSessionStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmSessionStore {
        SeaOrmSessionStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmSessionStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::session_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmSessionStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::session_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmSessionStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::session_store_conformance!(store);
    }
}
