//! Automatic purchases in a table beside the ledger's.

use async_trait::async_trait;
use sea_orm::{QueryResult, Value};

use super::Database;
use super::balances::{AVAILABLE, JOIN, accounts_of};
use super::bulk::for_update;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;
use crate::payment::{
    Charge, Recharge, RechargeChange, RechargeError, RechargePlan, RechargeState, RechargeStore,
    RechargeSwitch,
};

/// What may change, in the order of [`write`].
const COLUMNS: [&str; 14] = [
    "threshold",
    "amount",
    "monthly_max",
    "card",
    "agreed_at",
    "switch",
    "state",
    "top_up",
    "charge",
    "begun_at",
    "due_at",
    "bought",
    "month",
    "failures",
];

/// [`RechargeStore`] in the database of a [`SeaOrmLedger`](super::SeaOrmLedger).
#[derive(Clone, Debug)]
pub struct SeaOrmRechargeStore {
    database: Database,
}

impl SeaOrmRechargeStore {
    /// The automatic purchases of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn select(&self, from: &str) -> Sql {
        let columns = COLUMNS.map(|column| format!("own.{column}")).join(", ");
        let select = format!("SELECT own.account, {columns} FROM recharges{from} WHERE ");
        Sql::new(self.database.backend(), &select)
    }

    async fn all(&self, sql: Sql) -> Result<Vec<Recharge>, RechargeError> {
        let rows = sql.all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    /// Keeps the first state of an account; `false` when it has one.
    async fn insert(&self, first: &Recharge) -> Result<bool, DatabaseError> {
        let [paid, promo] = accounts_of(first.account);
        let insert = format!("INSERT INTO recharges (account, paid, promo, {}) VALUES", COLUMNS.join(", "));
        let mut row = vec![first.account.as_uuid().into(), paid.into(), promo.into()];
        row.extend(write(first));
        match insert_row(self.database.writer(), &insert, row).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == FailureKind::Unique => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn update(
        &self,
        account: AccountId,
        change: &RechargeChange,
    ) -> Result<Option<Recharge>, DatabaseError> {
        let backend = self.database.backend();
        let transaction = self.database.begin().await?;
        let locked = self.select(" own").text("own.account = ").value(account.as_uuid());
        let row = locked.text(for_update(backend)).one(&transaction).await?;
        let known = row.as_ref().map(read).transpose()?;
        let Some(next) = known.and_then(|known| known.after(change)) else { return Ok(None) };
        let mut update = Sql::new(backend, "UPDATE recharges SET ");
        for (place, (column, value)) in COLUMNS.into_iter().zip(write(&next)).enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            update = update.text(separator).text(column).text(" = ").value(value);
        }
        update.text(" WHERE account = ").value(account.as_uuid()).run(&transaction).await?;
        transaction.commit().await?;
        Ok(Some(next))
    }
}

#[async_trait]
impl RechargeStore for SeaOrmRechargeStore {
    async fn find(&self, account: AccountId) -> Result<Option<Recharge>, RechargeError> {
        let select = self.select(" own").text("own.account = ").value(account.as_uuid());
        let row = select.one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn of_card(&self, card: &ExternalId) -> Result<Option<Recharge>, RechargeError> {
        let select = self.select(" own").text("own.card = ").value(card.to_string());
        let row = select.one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn change(
        &self,
        account: AccountId,
        change: RechargeChange,
    ) -> Result<Option<Recharge>, RechargeError> {
        // Before a person agrees for the first time there is no row that could be locked.
        if let Some(first) = Recharge::first(account, &change)
            && self.insert(&first).await?
        {
            return Ok(Some(first));
        }
        Ok(self.update(account, &change).await?)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        let select = self
            .select(JOIN)
            .text("own.state = 'idle' AND own.switch = 'on' AND own.due_at <= ")
            .value(now.millis())
            .text(&format!(" AND {AVAILABLE} < own.threshold ORDER BY own.due_at, own.account LIMIT "))
            .value(i64::from(limit));
        self.all(select).await
    }

    async fn under_way(&self, now: Timestamp, limit: u32) -> Result<Vec<Recharge>, RechargeError> {
        let select = self
            .select(" own")
            .text("own.state IN ('charging', 'confirming') AND own.due_at <= ")
            .value(now.millis())
            .text(" ORDER BY own.due_at, own.account LIMIT ")
            .value(i64::from(limit));
        self.all(select).await
    }
}

const SWITCHES: [(RechargeSwitch, &str); 3] =
    [(RechargeSwitch::On, "on"), (RechargeSwitch::Off, "off"), (RechargeSwitch::Stopped, "stopped")];

const fn switch_code(switch: RechargeSwitch) -> &'static str {
    match switch {
        RechargeSwitch::On => "on",
        RechargeSwitch::Off => "off",
        RechargeSwitch::Stopped => "stopped",
    }
}

const fn state_code(state: &RechargeState) -> &'static str {
    match state {
        RechargeState::Idle => "idle",
        RechargeState::Charging(_) => "charging",
        RechargeState::NeedsConfirmation(_) => "confirming",
    }
}

fn state_from(code: &str, charge: Option<Charge>) -> Option<RechargeState> {
    match (code, charge) {
        ("idle", None) => Some(RechargeState::Idle),
        ("charging", Some(charge)) => Some(RechargeState::Charging(charge)),
        ("confirming", Some(charge)) => Some(RechargeState::NeedsConfirmation(charge)),
        _ => None,
    }
}

/// In the order of [`COLUMNS`].
fn write(recharge: &Recharge) -> [Value; 14] {
    let Recharge { account: _, plan, card, agreed_at, switch, state, due_at, bought, month, failures } =
        recharge;
    let RechargePlan { threshold, amount, monthly_max } = plan;
    let charge = state.charge();
    [
        threshold.nanos().into(),
        amount.nanos().into(),
        monthly_max.nanos().into(),
        card.to_string().into(),
        agreed_at.millis().into(),
        switch_code(*switch).into(),
        state_code(state).into(),
        charge.map(|charge| charge.top_up.as_uuid()).into(),
        charge.map(|charge| charge.amount.nanos()).into(),
        charge.map(|charge| charge.begun_at.millis()).into(),
        due_at.millis().into(),
        bought.nanos().into(),
        month.millis().into(),
        i64::from(*failures).into(),
    ]
}

/// `account` and [`COLUMNS`].
fn read(row: &QueryResult) -> Result<Recharge, DatabaseError> {
    let mut columns = Columns::of(row);
    let account = AccountId::from_uuid(columns.next()?);
    let threshold = Money::from_nanos(columns.next()?);
    let amount = Money::from_nanos(columns.next()?);
    let monthly_max = Money::from_nanos(columns.next()?);
    let card = columns.next_as("recharges.card", |text: String| text.parse().ok())?;
    let agreed_at = Timestamp::from_millis(columns.next()?);
    let switch = columns.next_as("recharges.switch", |code: String| {
        SWITCHES.into_iter().find(|(_switch, known)| *known == code).map(|(switch, _code)| switch)
    })?;
    let code: String = columns.next()?;
    let top_up: Option<uuid::Uuid> = columns.next()?;
    let sum: Option<i64> = columns.next()?;
    let begun_at: Option<i64> = columns.next()?;
    let charge = top_up.zip(sum.zip(begun_at)).map(|(top_up, (sum, begun_at))| Charge {
        top_up: TopUpId::from_uuid(top_up),
        amount: Money::from_nanos(sum),
        begun_at: Timestamp::from_millis(begun_at),
    });
    let state = state_from(&code, charge).ok_or(DatabaseError::Unreadable { column: "recharges.state" })?;
    Ok(Recharge {
        account,
        plan: RechargePlan { threshold, amount, monthly_max },
        card,
        agreed_at,
        switch,
        state,
        due_at: Timestamp::from_millis(columns.next()?),
        bought: Money::from_nanos(columns.next()?),
        month: Timestamp::from_millis(columns.next()?),
        failures: columns.next_as("recharges.failures", |count: i64| u32::try_from(count).ok())?,
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::SeaOrmRechargeStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};
    use crate::backends::sea_orm::{LedgerConfig, SeaOrmLedger};

    type Stores = (SeaOrmRechargeStore, Arc<SeaOrmLedger>);

    fn store(fixture: Fixture) -> Stores {
        let database = fixture.kept();
        let ledger = SeaOrmLedger::start(database.clone(), LedgerConfig::default());
        (SeaOrmRechargeStore::new(database), Arc::new(ledger))
    }

    mod sqlite {
        async fn store() -> Option<super::Stores> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::recharge_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::Stores> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::recharge_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::Stores> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::recharge_store_conformance!(store);
    }
}
