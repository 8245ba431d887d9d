//! Accounts elsewhere by which people sign in, in a table.

use async_trait::async_trait;
use sea_orm::QueryResult;

use super::Database;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::auth::{AuthStoreError, Identity, IdentityStore};
use crate::clock::Timestamp;
use crate::id::{AccountId, IdentityId};

const COLUMNS: &str = "id, account, issuer, subject, created_at";

/// [`IdentityStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmIdentityStore {
    database: Database,
}

impl SeaOrmIdentityStore {
    /// The identities of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM identities WHERE "))
    }
}

#[async_trait]
impl IdentityStore for SeaOrmIdentityStore {
    async fn link(&self, identity: Identity) -> Result<(), AuthStoreError> {
        let Identity { id, account, issuer, subject, created_at } = identity;
        let row = vec![
            id.as_uuid().into(),
            account.as_uuid().into(),
            issuer.as_str().into(),
            subject.as_str().into(),
            created_at.millis().into(),
        ];
        let insert = format!("INSERT INTO identities ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, row).await {
            Err(error) if error.kind() == FailureKind::Unique => {
                let kept = self.find(&issuer, &subject).await?;
                let is_own = kept.is_some_and(|kept| kept.account == account);
                if is_own { Ok(()) } else { Err(AuthStoreError::AlreadyExists) }
            }
            other => Ok(other?),
        }
    }

    async fn find(&self, issuer: &str, subject: &str) -> Result<Option<Identity>, AuthStoreError> {
        let select = self.select().text("issuer = ").value(issuer).text(" AND subject = ").value(subject);
        // Asked of the writer: an identity that was just unlinked lets nobody in.
        let row = select.one(self.database.writer()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Identity>, AuthStoreError> {
        let select = self.select().text("account = ").value(account.as_uuid()).text(" ORDER BY id");
        let rows = select.all(self.database.writer()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn unlink(&self, account: AccountId, id: IdentityId) -> Result<bool, AuthStoreError> {
        let delete = Sql::new(self.database.backend(), "DELETE FROM identities WHERE account = ")
            .value(account.as_uuid())
            .text(" AND id = ")
            .value(id.as_uuid());
        Ok(delete.run(self.database.writer()).await? > 0)
    }
}

/// In the order of [`COLUMNS`].
fn read(row: &QueryResult) -> Result<Identity, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Identity {
        id: IdentityId::from_uuid(columns.next()?),
        account: AccountId::from_uuid(columns.next()?),
        issuer: columns.next()?,
        subject: columns.next()?,
        created_at: Timestamp::from_millis(columns.next()?),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmIdentityStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmIdentityStore {
        SeaOrmIdentityStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmIdentityStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::identity_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmIdentityStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::identity_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmIdentityStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::identity_store_conformance!(store);
    }
}
