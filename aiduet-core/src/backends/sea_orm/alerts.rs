//! Alerts in a table beside the ledger's.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult};

use super::Database;
use super::balances::{AVAILABLE, CREDITED, JOIN, accounts_of};
use super::bulk::for_update;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::id::AccountId;
use crate::money::Money;
use crate::payment::{AlertChannel, AlertError, AlertState, AlertStore, AlertWish, LowBalanceAlert};

const COLUMNS: &str = "own.account, own.threshold, own.channel, own.told_credited, own.round";

/// [`AlertStore`] in the database of a [`SeaOrmLedger`](super::SeaOrmLedger).
#[derive(Clone, Debug)]
pub struct SeaOrmAlertStore {
    database: Database,
}

impl SeaOrmAlertStore {
    /// The alerts of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn by_account(&self, account: AccountId) -> Sql {
        let select = format!("SELECT {COLUMNS} FROM alerts own WHERE own.account = ");
        Sql::new(self.database.backend(), &select).value(account.as_uuid())
    }

    async fn write(&self, on: &impl ConnectionTrait, alert: &LowBalanceAlert) -> Result<(), DatabaseError> {
        let LowBalanceAlert { account, threshold, channel, state, round } = alert;
        Sql::new(self.database.backend(), "UPDATE alerts SET threshold = ")
            .value(threshold.nanos())
            .text(", channel = ")
            .value(channel.as_str())
            .text(", told_credited = ")
            .value(credited(*state))
            .text(", round = ")
            .value(i64::from(*round))
            .text(" WHERE account = ")
            .value(account.as_uuid())
            .run(on)
            .await
            .map(drop)
    }

    /// Makes the first alert of an account; `false` when there is one already.
    async fn insert(&self, alert: &LowBalanceAlert) -> Result<bool, DatabaseError> {
        let LowBalanceAlert { account, threshold, channel, state, round } = alert;
        let [paid, promo] = accounts_of(*account);
        let before =
            "INSERT INTO alerts (account, paid, promo, threshold, channel, told_credited, round) VALUES";
        let row = vec![
            account.as_uuid().into(),
            paid.into(),
            promo.into(),
            threshold.nanos().into(),
            channel.as_str().into(),
            credited(*state).into(),
            i64::from(*round).into(),
        ];
        match insert_row(self.database.writer(), before, row).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == FailureKind::Unique => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes the alert of an account, if there is one and `change` says how.
    async fn changed(
        &self,
        account: AccountId,
        change: impl FnOnce(&LowBalanceAlert) -> Option<LowBalanceAlert> + Send,
    ) -> Result<Option<LowBalanceAlert>, DatabaseError> {
        let transaction = self.database.begin().await?;
        let row =
            self.by_account(account).text(for_update(self.database.backend())).one(&transaction).await?;
        let known = row.as_ref().map(read).transpose()?;
        let Some(alert) = known.as_ref().and_then(change) else { return Ok(None) };
        self.write(&transaction, &alert).await?;
        transaction.commit().await?;
        Ok(Some(alert))
    }
}

#[async_trait]
impl AlertStore for SeaOrmAlertStore {
    async fn find(&self, account: AccountId) -> Result<Option<LowBalanceAlert>, AlertError> {
        let row = self.by_account(account).one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn set(&self, account: AccountId, wish: AlertWish) -> Result<LowBalanceAlert, AlertError> {
        // Before the first change of an alert there is no row that could be locked.
        let first = LowBalanceAlert::new(account, wish);
        if self.insert(&first).await? {
            return Ok(first);
        }
        let changed = self.changed(account, |known| Some(known.changed(wish))).await?;
        Ok(changed.unwrap_or(first))
    }

    async fn due(&self, limit: u32) -> Result<Vec<LowBalanceAlert>, AlertError> {
        // As `LowBalanceAlert::next` says.
        let select = format!(
            "SELECT {COLUMNS} FROM alerts{JOIN} WHERE own.channel <> 'off' AND (\
             (own.told_credited IS NULL AND {AVAILABLE} < own.threshold) \
             OR {CREDITED} < own.told_credited \
             OR ({CREDITED} > own.told_credited AND {AVAILABLE} >= own.threshold)) \
             ORDER BY own.account LIMIT "
        );
        let select = Sql::new(self.database.backend(), &select).value(i64::from(limit));
        let rows = select.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn advance(&self, was: &LowBalanceAlert, state: AlertState) -> Result<bool, AlertError> {
        let next = |known: &LowBalanceAlert| (known == was).then(|| was.with(state));
        Ok(self.changed(was.account, next).await?.is_some())
    }
}

fn credited(state: AlertState) -> Option<i64> {
    match state {
        AlertState::Ready => None,
        AlertState::Told { credited } => Some(credited.nanos()),
    }
}

fn read(row: &QueryResult) -> Result<LowBalanceAlert, DatabaseError> {
    let mut columns = Columns::of(row);
    let account = AccountId::from_uuid(columns.next()?);
    let threshold = Money::from_nanos(columns.next()?);
    let channel = columns.next_as("alerts.channel", |code: String| AlertChannel::from_code(&code))?;
    let credited: Option<i64> = columns.next()?;
    let state = credited
        .map_or(AlertState::Ready, |credited| AlertState::Told { credited: Money::from_nanos(credited) });
    let round = columns.next_as("alerts.round", |round: i64| u32::try_from(round).ok())?;
    Ok(LowBalanceAlert { account, threshold, channel, state, round })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::SeaOrmAlertStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};
    use crate::backends::sea_orm::{LedgerConfig, SeaOrmLedger};

    fn store(fixture: Fixture) -> (SeaOrmAlertStore, Arc<SeaOrmLedger>) {
        let database = fixture.kept();
        let ledger = SeaOrmLedger::start(database.clone(), LedgerConfig::default());
        (SeaOrmAlertStore::new(database), Arc::new(ledger))
    }

    mod sqlite {
        type Stores = (super::SeaOrmAlertStore, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::alert_store_conformance!(store);
    }
    mod postgres {
        type Stores = (super::SeaOrmAlertStore, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::alert_store_conformance!(store);
    }
    mod mysql {
        type Stores = (super::SeaOrmAlertStore, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::alert_store_conformance!(store);
    }
}
