//! Tickets in a table.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};

use super::Database;
use super::error::{DatabaseError, FailureKind};
use super::sessions::digest;
use super::sql::{Columns, Sql, insert_row};
use crate::auth::{AuthStoreError, Ticket, TicketPurpose, TicketStore, TokenDigest};
use crate::clock::Timestamp;
use crate::id::AccountId;

const COLUMNS: &str = "digest, account, purpose, email, slot, issued_at, expires_at";
/// Tickets that are issued at the same moment take each other's place; so often that is tried again.
const TRIES: usize = 5;

/// [`TicketStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmTicketStore {
    database: Database,
}

impl SeaOrmTicketStore {
    /// The tickets of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn replace(&self, ticket: &Ticket) -> Result<(), DatabaseError> {
        let transaction = self.database.begin().await?;
        let slot = ticket.slot().as_bytes().to_vec();
        self.sql("DELETE FROM tickets WHERE slot = ").value(slot).run(&transaction).await?;
        insert_row(&transaction, &format!("INSERT INTO tickets ({COLUMNS}) VALUES"), write(ticket)).await?;
        Ok(transaction.commit().await?)
    }

    async fn exists(&self, digest: &TokenDigest) -> Result<bool, DatabaseError> {
        let select = self.sql("SELECT 1 FROM tickets WHERE digest = ").value(digest.as_bytes().to_vec());
        Ok(select.one(self.database.writer()).await?.is_some())
    }

    async fn take(&self, digest: &TokenDigest, row: &QueryResult) -> Result<Option<Ticket>, DatabaseError> {
        let ticket = read(row)?;
        let delete = self.sql("DELETE FROM tickets WHERE digest = ").value(digest.as_bytes().to_vec());
        let taken = delete.run(self.database.writer()).await?;
        Ok(Some(ticket).filter(|_ticket| taken > 0))
    }
}

#[async_trait]
impl TicketStore for SeaOrmTicketStore {
    async fn issue(&self, ticket: Ticket) -> Result<(), AuthStoreError> {
        if self.exists(&ticket.digest).await? {
            return Err(AuthStoreError::AlreadyExists);
        }
        for _ in 1..TRIES {
            match self.replace(&ticket).await {
                Err(error) if matches!(error.kind(), FailureKind::Unique | FailureKind::Contention) => {}
                other => return Ok(other?),
            }
        }
        Ok(self.replace(&ticket).await?)
    }

    async fn consume(
        &self,
        digest: &TokenDigest,
        purpose: TicketPurpose,
        at: Timestamp,
    ) -> Result<Option<Ticket>, AuthStoreError> {
        let row = self
            .sql(&format!("SELECT {COLUMNS} FROM tickets WHERE digest = "))
            .value(digest.as_bytes().to_vec())
            .text(" AND purpose = ")
            .value(purpose.as_str())
            .text(" AND expires_at > ")
            .value(at.millis())
            .one(self.database.writer())
            .await?;
        match row {
            Some(row) => Ok(self.take(digest, &row).await?),
            None => Ok(None),
        }
    }

    async fn revoke(&self, account: AccountId, purpose: Option<TicketPurpose>) -> Result<(), AuthStoreError> {
        let mut delete = self.sql("DELETE FROM tickets WHERE account = ").value(account.as_uuid());
        if let Some(purpose) = purpose {
            delete = delete.text(" AND purpose = ").value(purpose.as_str());
        }
        delete.run(self.database.writer()).await?;
        Ok(())
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AuthStoreError> {
        let rows = self
            .sql("SELECT digest FROM tickets WHERE expires_at < ")
            .value(before.millis())
            .text(" ORDER BY expires_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let mut purged = 0_u64;
        for row in &rows {
            let old: Vec<u8> = Columns::of(row).next()?;
            let delete = self.sql("DELETE FROM tickets WHERE digest = ").value(old);
            purged = purged.saturating_add(delete.run(self.database.writer()).await?);
        }
        Ok(purged)
    }
}

/// In the order of [`COLUMNS`].
fn write(ticket: &Ticket) -> Vec<Value> {
    let slot = ticket.slot();
    let Ticket { digest, account, purpose, email, issued_at, expires_at } = ticket;
    vec![
        digest.as_bytes().to_vec().into(),
        account.as_uuid().into(),
        purpose.as_str().into(),
        email.expose().into(),
        slot.as_bytes().to_vec().into(),
        issued_at.millis().into(),
        expires_at.millis().into(),
    ]
}

fn read(row: &QueryResult) -> Result<Ticket, DatabaseError> {
    let mut columns = Columns::of(row);
    let ticket = Ticket {
        digest: columns.next_as("tickets.digest", digest)?,
        account: AccountId::from_uuid(columns.next()?),
        purpose: columns.next_as("tickets.purpose", |code: String| TicketPurpose::from_code(&code))?,
        email: columns.next_as("tickets.email", |text: String| text.parse().ok())?,
        issued_at: {
            let _slot: Vec<u8> = columns.next()?;
            Timestamp::from_millis(columns.next()?)
        },
        expires_at: Timestamp::from_millis(columns.next()?),
    };
    Ok(ticket)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmTicketStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmTicketStore {
        SeaOrmTicketStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmTicketStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::ticket_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmTicketStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::ticket_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmTicketStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::ticket_store_conformance!(store);
    }
}
