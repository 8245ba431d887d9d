//! What is left of grants, and their end.

use async_trait::async_trait;

use super::operation::{Answer, Operation};
use super::{SeaOrmLedger, mismatch};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::{AccountId, LotId};
use crate::ledger::{GrantLeft, Grants, LapseGrants, Lapsed, LedgerError};
use crate::money::Money;

impl SeaOrmLedger {
    /// Accounts with a grant that has run out and something that is free.
    async fn lapsing(&self, request: LapseGrants) -> Result<Vec<AccountId>, DatabaseError> {
        let select = "SELECT DISTINCT l.account FROM lot l \
             JOIN account a ON a.owner = l.account AND a.kind = 'promo' \
             WHERE l.remaining > 0 AND a.cr_posted - a.dr_posted - a.dr_pending > 0 AND l.expires_at <= ";
        let rows = Sql::new(self.database.backend(), select)
            .value(request.at.millis())
            .text(" LIMIT ")
            .value(i64::from(request.limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(AccountId::from_uuid(Columns::of(row).next()?))).collect()
    }

    async fn grants_left(&self, account: AccountId, limit: u32) -> Result<Vec<GrantLeft>, DatabaseError> {
        let select = "SELECT id, remaining, expires_at FROM lot WHERE remaining > 0 AND account = ";
        let rows = Sql::new(self.database.backend(), select)
            .value(account.as_uuid())
            // As `Lot::burning_order` says.
            .text(" ORDER BY priority, CASE WHEN expires_at IS NULL THEN 1 ELSE 0 END, expires_at, id LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        let read = |row| {
            let mut columns = Columns::of(row);
            Ok(GrantLeft {
                id: LotId::from_uuid(columns.next()?),
                remaining: Money::from_nanos(columns.next()?),
                expires_at: columns.next::<Option<i64>>()?.map(Timestamp::from_millis),
            })
        };
        rows.iter().map(read).collect()
    }
}

#[async_trait]
impl Grants for SeaOrmLedger {
    async fn lapse(&self, request: LapseGrants) -> Result<Lapsed, LedgerError> {
        let accounts = self.lapsing(request).await?;
        let lapses =
            accounts.into_iter().map(|account| self.submit(Operation::Lapse { account, at: request.at }));
        let mut lapsed = Lapsed::default();
        for answer in futures_util::future::join_all(lapses).await {
            let Answer::Lapsed(amount) = answer? else { return Err(mismatch()) };
            lapsed = lapsed.and(amount);
        }
        Ok(lapsed)
    }

    async fn left(&self, account: AccountId, limit: u32) -> Result<Vec<GrantLeft>, LedgerError> {
        Ok(self.grants_left(account, limit).await?)
    }
}
