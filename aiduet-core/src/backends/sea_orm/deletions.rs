//! Deletions of accounts in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::for_update;
use super::erasure::{self, RULES};
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::{AccountId, DeletionId};
use crate::money::Money;
use crate::privacy::{
    BeginDeletion, Begun, Deletion, DeletionError, DeletionState, DeletionStore, ErasedPart, ErasedRows,
    ErasureReceipt, Tombstone, UnusedCredit,
};

const COLUMNS: &str = "id, account, state, unused_credit, frozen_at, asked_at, erase_at";
const BEGUN_COLUMNS: &str = "tombstone_key, tombstone, paid_left, payer";

/// [`DeletionStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmDeletions {
    database: Database,
}

impl SeaOrmDeletions {
    /// The deletions of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    async fn read(
        &self,
        on: &impl ConnectionTrait,
        account: AccountId,
    ) -> Result<Option<Deletion>, DatabaseError> {
        let select = self.sql(&format!("SELECT {COLUMNS} FROM deletions WHERE account = "));
        let row = select.value(account.as_uuid()).one(on).await?;
        row.map(|row| read(&mut Columns::of(&row))).transpose()
    }

    async fn start(&self, request: BeginDeletion) -> Result<Option<Begun>, DatabaseError> {
        let BeginDeletion { id, tombstone, paid_left, now } = request;
        let transaction = self.database.begin().await?;
        let select =
            format!("SELECT {COLUMNS}, {BEGUN_COLUMNS} FROM deletions WHERE account IS NOT NULL AND id = ");
        let select = self.sql(&select).value(id.as_uuid()).text(for_update(self.database.backend()));
        let Some(row) = select.one(&transaction).await? else { return Ok(None) };
        let deletion = read(&mut Columns::of(&row))?;
        if deletion.state == DeletionState::Erasing {
            return Ok(Some(read_begun(Columns::of(&row))?));
        }
        let account = deletion.account.as_uuid();
        let hold = self.sql("SELECT 1 FROM hold WHERE person = ").value(account).text(" LIMIT 1");
        if now < deletion.erase_at || hold.one(&transaction).await?.is_some() {
            return Ok(None);
        }
        let payer = self.sql("SELECT payer FROM payers WHERE account = ").value(account);
        let payer = payer.one(&transaction).await?;
        let payer: Option<String> = payer.map(|row| Columns::of(&row).next()).transpose()?;
        self.sql("UPDATE deletions SET state = 'erasing', tombstone_key = ")
            .value(tombstone.key.to_vec())
            .text(", tombstone = ")
            .value(tombstone.digest.to_vec())
            .text(", paid_left = ")
            .value(paid_left.nanos())
            .text(", payer = ")
            .value(payer.clone())
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(&transaction)
            .await?;
        transaction.commit().await?;
        let deletion = Deletion { state: DeletionState::Erasing, ..deletion };
        Ok(Some(Begun { deletion, tombstone, paid_left, payer: payer.and_then(|payer| payer.parse().ok()) }))
    }

    /// Adds to what was counted of a table.
    async fn add(
        &self,
        on: &impl ConnectionTrait,
        (deletion, table): (DeletionId, &str),
        (rows, is_whole): (u64, bool),
    ) -> Result<(), DatabaseError> {
        let new = match self.database.backend() {
            DbBackend::MySql => {
                " ON DUPLICATE KEY UPDATE number_of_rows = number_of_rows + VALUES(number_of_rows), \
                 is_whole = VALUES(is_whole)"
            }
            _ => {
                " ON CONFLICT (deletion, name) DO UPDATE SET \
                 number_of_rows = erased_rows.number_of_rows + excluded.number_of_rows, is_whole = excluded.is_whole"
            }
        };
        let values: [Value; 4] = [
            deletion.as_uuid().into(),
            table.into(),
            i64::try_from(rows).unwrap_or(i64::MAX).into(),
            i64::from(is_whole).into(),
        ];
        let insert = self.sql("INSERT INTO erased_rows (deletion, name, number_of_rows, is_whole) VALUES ");
        insert.tuple(values).text(new).run(on).await.map(drop)
    }
}

#[async_trait]
impl DeletionStore for SeaOrmDeletions {
    async fn ask(&self, deletion: Deletion) -> Result<Deletion, DeletionError> {
        let Deletion { id, account, unused_credit, frozen_at, asked_at, erase_at, state } = deletion;
        let or_nothing = match self.database.backend() {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE id = id",
            _ => " ON CONFLICT DO NOTHING",
        };
        let values: [Value; 7] = [
            id.as_uuid().into(),
            account.as_uuid().into(),
            state.as_str().into(),
            unused_credit.as_str().into(),
            frozen_at.map(Timestamp::millis).into(),
            asked_at.millis().into(),
            erase_at.millis().into(),
        ];
        let insert = self.sql(&format!("INSERT INTO deletions ({COLUMNS}) VALUES ")).tuple(values);
        insert.text(or_nothing).run(self.database.writer()).await?;
        Ok(self.read(self.database.writer(), account).await?.unwrap_or(deletion))
    }

    async fn find(&self, account: AccountId) -> Result<Option<Deletion>, DeletionError> {
        Ok(self.read(self.database.reader(), account).await?)
    }

    async fn cancel(&self, account: AccountId) -> Result<bool, DeletionError> {
        let delete = self.sql("DELETE FROM deletions WHERE state = 'waiting' AND account = ");
        Ok(delete.value(account.as_uuid()).run(self.database.writer()).await? > 0)
    }

    async fn open(&self, limit: u32) -> Result<Vec<Deletion>, DeletionError> {
        let select =
            format!("SELECT {COLUMNS} FROM deletions WHERE state <> 'erased' ORDER BY erase_at, id LIMIT ");
        let rows = self.sql(&select).value(i64::from(limit)).all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(&mut Columns::of(row))?)).collect()
    }

    async fn begin(&self, request: BeginDeletion) -> Result<Option<Begun>, DeletionError> {
        Ok(self.start(request).await?)
    }

    fn tables(&self) -> Vec<&'static str> {
        erasure::steps()
    }

    async fn plan(&self, account: AccountId) -> Result<Vec<ErasedRows>, DeletionError> {
        let mut plan = Vec::new();
        for (table, rule) in RULES {
            let rows = erasure::count(&self.database, (*table, *rule), account).await?;
            if rows > 0 {
                plan.push(ErasedRows { table: (*table).to_owned(), rows });
            }
        }
        Ok(plan)
    }

    async fn erase(&self, deletion: &Deletion, table: &'static str) -> Result<ErasedPart, DeletionError> {
        let rule = erasure::rule(table).ok_or(DeletionError::UnknownTable { table })?;
        let transaction = self.database.begin().await?;
        let erased = erasure::erase(&transaction, (table, rule), deletion.account).await?;
        let erased = erased.ok_or(DeletionError::Busy)?;
        for (name, rows) in erased.rows {
            self.add(&transaction, (deletion.id, name), (rows, erased.is_whole)).await?;
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(if erased.is_whole { ErasedPart::All } else { ErasedPart::Some })
    }

    async fn erased(&self, id: DeletionId) -> Result<Vec<ErasedRows>, DeletionError> {
        let select =
            self.sql("SELECT name, number_of_rows FROM erased_rows WHERE is_whole = 1 AND deletion = ");
        let rows = select.value(id.as_uuid()).all(self.database.writer()).await?;
        let read = |row: &QueryResult| {
            let mut columns = Columns::of(row);
            let table = columns.next()?;
            Ok(ErasedRows { table, rows: columns.next_count("erased_rows.number_of_rows")? })
        };
        let mut erased = rows.iter().map(read).collect::<Result<Vec<ErasedRows>, DatabaseError>>()?;
        erased.sort_by_key(|rows| RULES.iter().position(|(name, _rule)| *name == rows.table));
        Ok(erased)
    }

    async fn finish(&self, receipt: ErasureReceipt) -> Result<(), DeletionError> {
        self.sql("UPDATE deletions SET state = 'erased', account = NULL, frozen_at = NULL, receipt = ")
            .value(receipt.text())
            .text(", digest = ")
            .value(receipt.digest())
            .text(" WHERE state = 'erasing' AND id = ")
            .value(receipt.id.as_uuid())
            .run(self.database.writer())
            .await?;
        Ok(())
    }

    async fn receipts(
        &self,
        before: Option<DeletionId>,
        limit: u32,
    ) -> Result<Vec<ErasureReceipt>, DeletionError> {
        let rows = self
            .sql("SELECT receipt FROM deletions WHERE state = 'erased' AND id < ")
            .value(before.map_or(Uuid::max(), DeletionId::as_uuid))
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let read = |row: &QueryResult| {
            Columns::of(row).next_as("deletions.receipt", |text: String| serde_json::from_str(&text).ok())
        };
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn tombstones(&self, limit: u32) -> Result<Vec<Tombstone>, DeletionError> {
        let select = "SELECT tombstone_key, tombstone FROM deletions WHERE tombstone IS NOT NULL ORDER BY id DESC LIMIT ";
        let rows = self.sql(select).value(i64::from(limit)).all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read_tombstone(&mut Columns::of(row))?)).collect()
    }

    async fn scrub(&self) -> Result<(), DeletionError> {
        if self.database.is_sqlite() {
            self.sql("PRAGMA wal_checkpoint(TRUNCATE)").all(self.database.writer()).await?;
        }
        Ok(())
    }
}

/// In the order of [`COLUMNS`].
fn read(columns: &mut Columns<'_>) -> Result<Deletion, DatabaseError> {
    let id = DeletionId::from_uuid(columns.next()?);
    let account = AccountId::from_uuid(columns.next()?);
    let state = columns.next_as("deletions.state", |code: String| DeletionState::from_code(&code))?;
    let choice = |code: String| UnusedCredit::from_code(&code);
    Ok(Deletion {
        id,
        account,
        unused_credit: columns.next_as("deletions.unused_credit", choice)?,
        frozen_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
        asked_at: Timestamp::from_millis(columns.next()?),
        erase_at: Timestamp::from_millis(columns.next()?),
        state,
    })
}

fn read_tombstone(columns: &mut Columns<'_>) -> Result<Tombstone, DatabaseError> {
    let bytes = |bytes: Vec<u8>| bytes.try_into().ok();
    Ok(Tombstone {
        key: columns.next_as("deletions.tombstone_key", bytes)?,
        digest: columns.next_as("deletions.tombstone", bytes)?,
    })
}

/// In the order of [`BEGUN_COLUMNS`].
fn read_begun(mut columns: Columns<'_>) -> Result<Begun, DatabaseError> {
    Ok(Begun {
        deletion: read(&mut columns)?,
        tombstone: read_tombstone(&mut columns)?,
        paid_left: Money::from_nanos(columns.next()?),
        payer: columns.next::<Option<String>>()?.and_then(|payer| payer.parse().ok()),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
