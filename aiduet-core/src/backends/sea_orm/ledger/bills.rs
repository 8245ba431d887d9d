//! Bills of all accounts.

use std::time::Duration;

use async_trait::async_trait;

use super::SeaOrmLedger;
use super::record::{REQUEST_COLUMNS, read_request};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::id::RequestId;
use crate::ledger::{BillPage, BillReader, DatedBill, LedgerError};

/// The identifier of a request is made at most so long before or after the time that its record says.
const APART: Duration = Duration::from_hours(1);

#[async_trait]
impl BillReader for SeaOrmLedger {
    async fn bills(&self, page: BillPage) -> Result<Vec<DatedBill>, LedgerError> {
        let BillPage { from, to, after, limit } = page;
        // Records have no index by time, but their identifiers begin with it.
        let select = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE id > ");
        let select = Sql::new(self.database.backend(), &select)
            .value(after.unwrap_or_else(|| RequestId::first_of(from.minus(APART))).as_uuid())
            .text(" AND id < ")
            .value(RequestId::first_of(to.plus(APART)).as_uuid())
            .text(" AND started_at >= ")
            .value(from.millis())
            .text(" AND started_at < ")
            .value(to.millis())
            .text(" ORDER BY id LIMIT ")
            .value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(DatedBill::from(&read_request(Columns::of(row))?.record))).collect()
    }
}
