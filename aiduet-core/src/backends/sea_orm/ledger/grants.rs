//! Ends grants that have run out.

use async_trait::async_trait;

use super::operation::{Answer, Operation};
use super::{SeaOrmLedger, mismatch};
use crate::backends::sea_orm::error::DatabaseError;
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::AccountId;
use crate::ledger::{Grants, LapseGrants, Lapsed, LedgerError};

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
}
