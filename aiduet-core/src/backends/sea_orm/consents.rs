//! What people agreed to, in a table beside their accounts.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};
use uuid::Uuid;

use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use super::{Database, SeaOrmAccountStore};
use crate::account::{AccountError, Consent, ConsentStore, DetachConsents, Locale};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::notify::PolicyKind;

const COLUMNS: &str = "account, kind, version, locale, digest, agreed_at";

/// Keeps consents where there is none to the same version.
pub(super) async fn insert(on: &impl ConnectionTrait, consents: &[Consent]) -> Result<(), DatabaseError> {
    let backend = on.get_database_backend();
    let or_nothing = match backend {
        DbBackend::MySql => " ON DUPLICATE KEY UPDATE account = account",
        _ => " ON CONFLICT DO NOTHING",
    };
    for consent in consents {
        let Consent { account, kind, version, locale, digest, at } = consent;
        Sql::new(backend, &format!("INSERT INTO consents ({COLUMNS}) VALUES "))
            .tuple([
                account.as_uuid().into(),
                kind.as_str().into(),
                version.as_str().into(),
                locale.as_str().into(),
                digest.as_str().into(),
                at.millis().into(),
            ])
            .text(or_nothing)
            .run(on)
            .await?;
    }
    Ok(())
}

impl Database {
    fn consents(&self, account: AccountId) -> Sql {
        let select = format!("SELECT {COLUMNS} FROM consents WHERE account = ");
        Sql::new(self.backend(), &select).value(account.as_uuid())
    }

    async fn agree(&self, consent: Consent) -> Result<Consent, DatabaseError> {
        insert(self.writer(), std::slice::from_ref(&consent)).await?;
        let select = self.consents(consent.account).text(" AND kind = ").value(consent.kind.as_str());
        let select = select.text(" AND version = ").value(consent.version.as_str());
        let kept = select.one(self.writer()).await?;
        kept.as_ref().map_or(Ok(consent), read)
    }
}

#[async_trait]
impl ConsentStore for SeaOrmAccountStore {
    async fn agree(&self, consent: Consent) -> Result<Consent, AccountError> {
        Ok(self.database().agree(consent).await?)
    }

    async fn list(&self, account: AccountId) -> Result<Vec<Consent>, AccountError> {
        let select = self.database().consents(account).text(" ORDER BY kind, version");
        let rows = select.all(self.database().reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn detach(&self, request: DetachConsents) -> Result<u64, AccountError> {
        let DetachConsents { account, subject, at } = request;
        let update = Sql::new(self.database().backend(), "UPDATE consents SET account = ")
            .value(subject.as_uuid())
            .text(", detached_at = ")
            .value(at.millis())
            .text(" WHERE account = ")
            .value(account.as_uuid());
        Ok(update.run(self.database().writer()).await?)
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, AccountError> {
        let backend = self.database().backend();
        let rows = Sql::new(backend, "SELECT account, kind, version FROM consents WHERE detached_at < ")
            .value(before.millis())
            .text(" ORDER BY detached_at LIMIT ")
            .value(i64::from(limit))
            .all(self.database().reader())
            .await?;
        let delete = |mut columns: Columns<'_>| -> Result<Sql, DatabaseError> {
            let delete =
                Sql::new(backend, "DELETE FROM consents WHERE account = ").value(columns.next::<Uuid>()?);
            let delete = delete.text(" AND kind = ").value(columns.next::<String>()?);
            Ok(delete.text(" AND version = ").value(columns.next::<String>()?))
        };
        let mut purged = 0_u64;
        for row in &rows {
            let delete = delete(Columns::of(row))?;
            purged = purged.saturating_add(delete.run(self.database().writer()).await?);
        }
        Ok(purged)
    }
}

fn read(row: &QueryResult) -> Result<Consent, DatabaseError> {
    let mut columns = Columns::of(row);
    Ok(Consent {
        account: AccountId::from_uuid(columns.next()?),
        kind: columns.next_as("consents.kind", |code: String| PolicyKind::from_code(&code))?,
        version: columns.next()?,
        locale: columns.next_as("consents.locale", |tag: String| Locale::from_tag(&tag))?,
        digest: columns.next()?,
        at: Timestamp::from_millis(columns.next()?),
    })
}
