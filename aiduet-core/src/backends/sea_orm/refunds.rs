//! Orders to give credit back, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

use super::Database;
use super::bulk::for_update;
use super::error::DatabaseError;
use super::sql::{Columns, Sql};
use crate::clock::Timestamp;
use crate::id::{AccountId, RefundId, TopUpId};
use crate::money::Money;
use crate::payment::{RefundError, RefundOrder, RefundState, RefundStore};

const COLUMNS: &str = "id, account, top_up, payment, net, gross, state, external, request, begun_at, due_at";

/// [`RefundStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmRefundStore {
    database: Database,
}

impl SeaOrmRefundStore {
    /// The orders of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM refunds WHERE "))
    }

    async fn one(
        &self,
        on: &impl ConnectionTrait,
        id: RefundId,
        lock: &str,
    ) -> Result<Option<RefundOrder>, DatabaseError> {
        let row = self.select().text("id = ").value(id.as_uuid()).text(lock).one(on).await?;
        row.as_ref().map(read).transpose()
    }

    async fn all(&self, sql: Sql) -> Result<Vec<RefundOrder>, RefundError> {
        let rows = sql.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }
}

#[async_trait]
impl RefundStore for SeaOrmRefundStore {
    async fn begin(&self, orders: Vec<RefundOrder>) -> Result<Vec<RefundOrder>, RefundError> {
        let backend = self.database.backend();
        let or_nothing = match backend {
            DbBackend::MySql => " ON DUPLICATE KEY UPDATE id = id",
            _ => " ON CONFLICT DO NOTHING",
        };
        let transaction = self.database.begin().await?;
        let mut kept = Vec::new();
        for order in orders {
            let insert = Sql::new(backend, &format!("INSERT INTO refunds ({COLUMNS}) VALUES "));
            insert.tuple(write(&order)).text(or_nothing).run(&transaction).await?;
            kept.push(self.one(&transaction, order.id, "").await?.unwrap_or(order));
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(kept)
    }

    async fn find(&self, id: RefundId) -> Result<Option<RefundOrder>, RefundError> {
        Ok(self.one(self.database.reader(), id, "").await?)
    }

    async fn of_account(&self, account: AccountId) -> Result<Vec<RefundOrder>, RefundError> {
        let select = self.select().text("account = ").value(account.as_uuid());
        self.all(select.text(" ORDER BY begun_at, id")).await
    }

    async fn advance(&self, id: RefundId, state: RefundState) -> Result<RefundOrder, RefundError> {
        let backend = self.database.backend();
        let transaction = self.database.begin().await?;
        let order = self.one(&transaction, id, for_update(backend)).await?;
        let order = order.ok_or(RefundError::NotFound { id })?;
        if !order.state.may_become(&state) {
            return Ok(order);
        }
        let [code, external] = state_values(&state);
        Sql::new(backend, "UPDATE refunds SET state = ")
            .value(code)
            .text(", external = ")
            .value(external)
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(&transaction)
            .await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(RefundOrder { state, ..order })
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<RefundOrder>, RefundError> {
        let select = self.select().text("state = 'begun' AND due_at <= ").value(now.millis());
        self.all(select.text(" ORDER BY due_at, id LIMIT ").value(i64::from(limit))).await
    }

    async fn postpone(&self, id: RefundId, until: Timestamp) -> Result<(), RefundError> {
        Sql::new(self.database.backend(), "UPDATE refunds SET due_at = ")
            .value(until.millis())
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(self.database.writer())
            .await?;
        Ok(())
    }
}

/// The columns `state` and `external`.
fn state_values(state: &RefundState) -> [Value; 2] {
    let (code, external) = match state {
        RefundState::Begun => ("begun", None),
        RefundState::Accepted(external) => ("accepted", Some(external.to_string())),
        RefundState::Failed => ("failed", None),
    };
    [code.into(), external.into()]
}

/// In the order of [`COLUMNS`].
fn write(order: &RefundOrder) -> Vec<Value> {
    let RefundOrder { id, account, top_up, payment, net, gross, state, request, begun_at, due_at } = order;
    let mut values = vec![
        id.as_uuid().into(),
        account.as_uuid().into(),
        top_up.as_uuid().into(),
        payment.to_string().into(),
        net.nanos().into(),
        gross.nanos().into(),
    ];
    values.extend(state_values(state));
    values.extend([request.to_vec().into(), begun_at.millis().into(), due_at.millis().into()]);
    values
}

fn read(row: &QueryResult) -> Result<RefundOrder, DatabaseError> {
    let mut columns = Columns::of(row);
    let id = RefundId::from_uuid(columns.next()?);
    let account = AccountId::from_uuid(columns.next()?);
    let top_up = TopUpId::from_uuid(columns.next()?);
    let payment = columns.next_as("refunds.payment", |text: String| text.parse().ok())?;
    let net = Money::from_nanos(columns.next()?);
    let gross = Money::from_nanos(columns.next()?);
    let code: String = columns.next()?;
    let state =
        columns.next_as("refunds.state", |external: Option<String>| match (code.as_str(), external) {
            ("begun", None) => Some(RefundState::Begun),
            ("accepted", Some(external)) => external.parse().ok().map(RefundState::Accepted),
            ("failed", None) => Some(RefundState::Failed),
            _ => None,
        })?;
    let request = columns.next_as("refunds.request", |bytes: Vec<u8>| bytes.try_into().ok())?;
    let begun_at = Timestamp::from_millis(columns.next()?);
    let due_at = Timestamp::from_millis(columns.next()?);
    Ok(RefundOrder { id, account, top_up, payment, net, gross, state, request, begun_at, due_at })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmRefundStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmRefundStore {
        SeaOrmRefundStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmRefundStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::refund_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmRefundStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::refund_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmRefundStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::refund_store_conformance!(store);
    }
}
