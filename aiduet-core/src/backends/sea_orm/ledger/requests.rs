//! Reads the records of requests and the spending of keys.

use async_trait::async_trait;
use uuid::Uuid;

use super::SeaOrmLedger;
use super::record::{REQUEST_COLUMNS, read_request};
use super::rows::{KEYS_BY_ID, read_key};
use crate::backends::sea_orm::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::{AccountId, ApiKeyId, RequestId};
use crate::ledger::books::KeyRow;
use crate::ledger::{KeySpend, LedgerError, ListRequests, RequestLog, RequestRecord};

impl SeaOrmLedger {
    fn select_requests(&self, account: AccountId) -> Sql {
        let select = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE account = ");
        Sql::new(self.database.backend(), &select).value(account.as_uuid())
    }
}

#[async_trait]
impl RequestLog for SeaOrmLedger {
    async fn find(&self, account: AccountId, id: RequestId) -> Result<Option<RequestRecord>, LedgerError> {
        let select = self.select_requests(account).text(" AND id = ").value(id.as_uuid());
        let row = select.one(self.database.reader()).await?;
        Ok(row.as_ref().map(Columns::of).map(read_request).transpose()?.map(|row| row.record))
    }

    async fn list(&self, request: ListRequests) -> Result<Vec<RequestRecord>, LedgerError> {
        let ListRequests { account, key, before, limit } = request;
        let mut select = self
            .select_requests(account)
            .text(" AND id < ")
            .value(before.map_or(Uuid::max(), RequestId::as_uuid));
        if let Some(key) = key {
            select = select.text(" AND api_key = ").value(key.as_uuid());
        }
        let select = select.text(" ORDER BY id DESC LIMIT ").value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read_request(Columns::of(row))?.record)).collect()
    }

    async fn key_spend(&self, key: ApiKeyId, at: Timestamp) -> Result<KeySpend, LedgerError> {
        let select = KEYS_BY_ID.statement(self.database.backend(), &[key.as_uuid()]);
        let row = select.one(self.database.reader()).await?;
        let row = row.as_ref().map(Columns::of).map(read_key).transpose()?;
        Ok(row.map_or_else(KeyRow::default, |(_key, row)| row).spend(at))
    }
}
