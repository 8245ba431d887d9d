//! What operators did, in a table. There is no statement here that changes or deletes a row.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::audit::{
    AuditAction, AuditDigest, AuditEntry, AuditError, AuditLink, AuditLog, AuditReason, AuditSearch, Audited,
};
use crate::clock::Timestamp;
use crate::id::{AuditEntryId, RequestId};
use crate::money::Money;

const COLUMNS: &str =
    "sequence, id, created_at, actor, action, subject, reference, amount, reason, request, digest";
/// So often another process may take the number that an entry was to have.
const TRIES_MAX: usize = 100;

/// [`AuditLog`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmAuditLog {
    database: Database,
}

impl SeaOrmAuditLog {
    /// The log of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Rows with a number that the log gives.
    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM audit_log WHERE sequence > "))
    }

    async fn find(&self, id: AuditEntryId) -> Result<Option<Audited>, DatabaseError> {
        let select = self.select().value(0_i64).text(" AND id = ").value(id.as_uuid());
        select.one(self.database.writer()).await?.as_ref().map(read).transpose()
    }

    /// The number and the seal of the newest entry.
    async fn head(&self) -> Result<(u64, AuditDigest), DatabaseError> {
        let newest = "SELECT sequence, digest FROM audit_log ORDER BY sequence DESC LIMIT 1";
        let row = Sql::new(self.database.backend(), newest).one(self.database.writer()).await?;
        let Some(row) = row else { return Ok((0, AuditDigest::START)) };
        let mut columns = Columns::of(&row);
        Ok((columns.next_count("audit_log.sequence")?, columns.next_as("audit_log.digest", digest)?))
    }

    /// Appends after the entry that is the newest now.
    async fn try_append(&self, entry: &AuditEntry) -> Result<Audited, DatabaseError> {
        let (last, seal) = self.head().await?;
        let sequence = last.saturating_add(1);
        let audited = Audited { sequence, digest: seal.after(sequence, entry), entry: entry.clone() };
        let insert = format!("INSERT INTO audit_log ({COLUMNS}) VALUES");
        insert_row(self.database.writer(), &insert, write(&audited)).await?;
        Ok(audited)
    }
}

#[async_trait]
impl AuditLog for SeaOrmAuditLog {
    async fn append(&self, entry: AuditEntry) -> Result<Audited, AuditError> {
        let mut tries = 0_usize;
        loop {
            tries = tries.saturating_add(1);
            let error = match self.try_append(&entry).await {
                Ok(audited) => return Ok(audited),
                Err(error) => error,
            };
            match error.kind() {
                FailureKind::Unique => {
                    if let Some(appended) = self.find(entry.id).await? {
                        return Ok(appended);
                    }
                }
                FailureKind::Contention => {}
                FailureKind::Connection | FailureKind::Other => return Err(error.into()),
            }
            if tries == TRIES_MAX {
                return Err(error.into());
            }
        }
    }

    async fn search(&self, search: AuditSearch) -> Result<Vec<Audited>, AuditError> {
        let AuditSearch { actor, action, subject, since, until, before, limit } = search;
        let mut select = self.select().value(0_i64);
        if let Some(actor) = actor {
            select = select.text(" AND actor = ").value(actor.to_string());
        }
        if let Some(action) = action {
            select = select.text(" AND action = ").value(action.as_str());
        }
        if let Some(subject) = subject.map(|subject| subject.to_string()) {
            select = select.text(" AND (subject = ").value(subject.clone());
            select = select.text(" OR reference = ").value(subject).text(")");
        }
        if let Some(since) = since {
            select = select.text(" AND created_at >= ").value(since.millis());
        }
        if let Some(until) = until {
            select = select.text(" AND created_at < ").value(until.millis());
        }
        if let Some(before) = before {
            select = select.text(" AND sequence < ").value(number(before));
        }
        let select = select.text(" ORDER BY sequence DESC LIMIT ").value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn links(&self, after: u64, limit: u32) -> Result<Vec<AuditLink>, AuditError> {
        let select = self.select().value(number(after)).text(" ORDER BY sequence LIMIT ");
        let rows = select.value(i64::from(limit)).all(self.database.reader()).await?;
        let link = |row: &QueryResult| {
            let sequence = Columns::of(row).next_count("audit_log.sequence")?;
            Ok(AuditLink { sequence, audited: read(row).ok() })
        };
        rows.iter().map(link).collect()
    }
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

fn digest(bytes: Vec<u8>) -> Option<AuditDigest> {
    bytes.try_into().ok().map(AuditDigest::from_bytes)
}

/// In the order of [`COLUMNS`].
fn write(audited: &Audited) -> Vec<Value> {
    let Audited { sequence, digest, entry } = audited;
    let AuditEntry { id, at, actor, action, subject, reference, amount, reason, request } = entry;
    vec![
        number(*sequence).into(),
        id.as_uuid().into(),
        at.millis().into(),
        actor.to_string().into(),
        action.as_str().into(),
        subject.as_ref().map(ToString::to_string).into(),
        reference.as_ref().map(ToString::to_string).into(),
        amount.map(Money::nanos).into(),
        reason.as_ref().map(|reason| reason.as_str().to_owned()).into(),
        request.map(RequestId::as_uuid).into(),
        digest.as_bytes().to_vec().into(),
    ]
}

fn read(row: &QueryResult) -> Result<Audited, DatabaseError> {
    let mut columns = Columns::of(row);
    let sequence = columns.next_count("audit_log.sequence")?;
    let entry = AuditEntry {
        id: AuditEntryId::from_uuid(columns.next()?),
        at: Timestamp::from_millis(columns.next()?),
        actor: columns.next_as("audit_log.actor", |text: String| text.parse().ok())?,
        action: columns.next_as("audit_log.action", |code: String| AuditAction::from_code(&code))?,
        subject: columns.next_as("audit_log.subject", parsed)?,
        reference: columns.next_as("audit_log.reference", parsed)?,
        amount: columns.next::<Option<i64>>()?.map(Money::from_nanos),
        reason: columns.next_as("audit_log.reason", parsed::<AuditReason>)?,
        request: columns.next::<Option<Uuid>>()?.map(RequestId::from_uuid),
    };
    Ok(Audited { sequence, digest: columns.next_as("audit_log.digest", digest)?, entry })
}

/// What a text that may be missing says; `None` when it says nothing that was written here.
fn parsed<T: std::str::FromStr>(text: Option<String>) -> Option<Option<T>> {
    text.map(|text| text.parse()).transpose().ok()
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
