//! Reads postings and accounts of the house.

use async_trait::async_trait;

use super::SeaOrmLedger;
use super::rows::account_id;
use crate::backends::sea_orm::bulk::one_of;
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::TransferId;
use crate::ledger::{Journal, LedgerAccount, LedgerError};
use crate::money::Money;

#[async_trait]
impl Journal for SeaOrmLedger {
    async fn find(&self, ids: &[TransferId]) -> Result<Vec<(TransferId, Money)>, LedgerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
        let select = Sql::new(self.database.backend(), "SELECT id, amount FROM transfer WHERE ");
        let rows = one_of(select, "id", &ids).all(self.database.reader()).await?;
        let read = |row| {
            let mut columns = Columns::of(row);
            Ok((TransferId::from_uuid(columns.next()?), Money::from_nanos(columns.next()?)))
        };
        Ok(rows.iter().map(read).collect::<Result<_, DatabaseError>>()?)
    }

    async fn house(&self, account: LedgerAccount) -> Result<Money, LedgerError> {
        let select =
            Sql::new(self.database.backend(), "SELECT dr_posted - cr_posted FROM account WHERE id = ");
        let row = select.value(account_id(account)).one(self.database.reader()).await?;
        let posted = row.map(|row| Columns::of(&row).next()).transpose()?;
        Ok(Money::from_nanos(posted.unwrap_or_default()))
    }
}
