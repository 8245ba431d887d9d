//! Alerts about spending, in a table beside the sums of usage.

use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult};

use super::Database;
use super::bulk::for_update;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::money::Money;
use crate::notify::SpendSpan;
use crate::payment::{AlertChannel, AlertError, SpendAlert, SpendAlertStore, SpendAlertWish, ToldStep};

const COLUMNS: &str = "account, span, amount, channel, told_period, told_step, round";
/// Only who has used something for so long can have reached another step.
const ACTIVE: Duration = Duration::from_hours(24);
/// The step that comes next, of those of [`SpendSpan::steps`]; 101: there is none.
const NEXT_STEP: &str = "CASE WHEN told_period > since THEN 101 WHEN told_period <> since THEN first_step WHEN told_step < first_step THEN first_step \
    WHEN told_step < 75 THEN 75 WHEN told_step < 90 THEN 90 WHEN told_step < 100 THEN 100 ELSE 101 END";

/// [`SpendAlertStore`] in the database of a [`SeaOrmLedger`](super::SeaOrmLedger).
#[derive(Clone, Debug)]
pub struct SeaOrmSpendAlerts {
    database: Database,
}

impl SeaOrmSpendAlerts {
    /// The alerts of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn sql(&self, text: &str) -> Sql {
        Sql::new(self.database.backend(), text)
    }

    fn by_account(&self, account: AccountId) -> Sql {
        self.sql(&format!("SELECT {COLUMNS} FROM spend_alerts WHERE account = ")).value(account.as_uuid())
    }

    /// Makes the first alert of a span; `false` when there is one already.
    async fn insert(&self, alert: &SpendAlert) -> Result<bool, DatabaseError> {
        let SpendAlert { account, span, amount, channel, told, round } = alert;
        let row = vec![
            account.as_uuid().into(),
            span.as_str().into(),
            amount.nanos().into(),
            channel.as_str().into(),
            told.map_or(0, |told| told.period.millis()).into(),
            told.map_or(0, |told| i64::from(told.step)).into(),
            i64::from(*round).into(),
        ];
        let before = format!("INSERT INTO spend_alerts ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &before, row).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == FailureKind::Unique => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, on: &impl ConnectionTrait, alert: &SpendAlert) -> Result<(), DatabaseError> {
        let SpendAlert { account, span, amount, channel, told, round } = alert;
        self.sql("UPDATE spend_alerts SET amount = ")
            .value(amount.nanos())
            .text(", channel = ")
            .value(channel.as_str())
            .text(", told_period = ")
            .value(told.map_or(0, |told| told.period.millis()))
            .text(", told_step = ")
            .value(told.map_or(0, |told| i64::from(told.step)))
            .text(", round = ")
            .value(i64::from(*round))
            .text(" WHERE account = ")
            .value(account.as_uuid())
            .text(" AND span = ")
            .value(span.as_str())
            .run(on)
            .await
            .map(drop)
    }

    /// Changes an alert, if there is one and `change` says how.
    async fn changed(
        &self,
        (account, span): (AccountId, SpendSpan),
        change: impl FnOnce(&SpendAlert) -> Option<SpendAlert> + Send,
    ) -> Result<Option<SpendAlert>, DatabaseError> {
        let transaction = self.database.begin().await?;
        let select = self.by_account(account).text(" AND span = ").value(span.as_str());
        let row = select.text(for_update(self.database.backend())).one(&transaction).await?;
        let known = row.as_ref().map(read).transpose()?;
        let Some(alert) = known.as_ref().and_then(change) else { return Ok(None) };
        self.write(&transaction, &alert).await?;
        transaction.commit().await?;
        Ok(Some(alert))
    }

    /// As [`SpendAlert::next`] says. The sums are looked up by the primary key of `usage_quarters`, and
    /// only of those who have used something of late.
    fn due_statement(&self, at: Timestamp, limit: u32) -> Sql {
        let of_span = |sql: Sql, [day, month]: [i64; 2]| {
            sql.text("CASE WHEN own.span = 'day' THEN ").value(day).text(" ELSE ").value(month).text(" END")
        };
        let spans = [SpendSpan::Day, SpendSpan::Month].map(SpendSpan::period);
        let starts = spans.map(|period| period.start(at).millis());
        let ends = spans.map(|period| period.end(at).map_or(i64::MAX, Timestamp::millis));
        let select = of_span(self.sql(&format!("SELECT {COLUMNS} FROM (SELECT own.*, ")), starts);
        let select = select.text(
            " AS since, CASE WHEN own.span = 'day' THEN 100 ELSE 50 END AS first_step, \
             (SELECT COALESCE(SUM(cost), 0) FROM usage_quarters WHERE account = own.account AND bucket >= ",
        );
        let select = of_span(select, starts).text(" AND bucket < ");
        of_span(select, ends)
            .text(
                ") AS spent FROM spend_alerts own WHERE own.channel <> 'off' AND EXISTS \
                 (SELECT 1 FROM usage_quarters WHERE account = own.account AND bucket >= ",
            )
            .value(at.minus(ACTIVE).millis())
            .text(&format!(")) seen WHERE spent * 100 >= amount * ({NEXT_STEP}) AND ({NEXT_STEP}) <= 100"))
            .text(" ORDER BY account, span LIMIT ")
            .value(i64::from(limit))
    }
}

#[async_trait]
impl SpendAlertStore for SeaOrmSpendAlerts {
    async fn of_account(&self, account: AccountId) -> Result<Vec<SpendAlert>, AlertError> {
        let rows = self.by_account(account).text(" ORDER BY span").all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn set(&self, account: AccountId, wish: SpendAlertWish) -> Result<SpendAlert, AlertError> {
        // Before the first change of an alert there is no row that could be locked.
        let first = SpendAlert::new(account, wish);
        if self.insert(&first).await? {
            return Ok(first);
        }
        let changed = self.changed((account, wish.span), |known| Some(known.changed(wish))).await?;
        Ok(changed.unwrap_or(first))
    }

    async fn due(&self, at: Timestamp, limit: u32) -> Result<Vec<SpendAlert>, AlertError> {
        let rows = self.due_statement(at, limit).all(self.database.reader()).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn advance(&self, was: &SpendAlert, told: ToldStep) -> Result<bool, AlertError> {
        let next =
            |known: &SpendAlert| (known == was).then(|| SpendAlert { told: Some(told), ..was.clone() });
        Ok(self.changed((was.account, was.span), next).await?.is_some())
    }
}

/// In the order of [`COLUMNS`].
fn read(row: &QueryResult) -> Result<SpendAlert, DatabaseError> {
    let mut columns = Columns::of(row);
    let account = AccountId::from_uuid(columns.next()?);
    let span = columns.next_as("spend_alerts.span", |code: String| SpendSpan::from_code(&code))?;
    let amount = Money::from_nanos(columns.next()?);
    let channel = columns.next_as("spend_alerts.channel", |code: String| AlertChannel::from_code(&code))?;
    let period = Timestamp::from_millis(columns.next()?);
    let step = columns.next_as("spend_alerts.told_step", |step: i64| u8::try_from(step).ok())?;
    let round = columns.next_as("spend_alerts.round", |round: i64| u32::try_from(round).ok())?;
    // Before the first choice after this was kept.
    let told = (period.millis() != 0).then_some(ToldStep { period, step });
    Ok(SpendAlert { account, span, amount, channel, told, round })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::Arc;

    use super::SeaOrmSpendAlerts;
    use crate::backends::sea_orm::fixture::{self, Fixture};
    use crate::backends::sea_orm::{LedgerConfig, SeaOrmLedger};

    fn store(fixture: Fixture) -> (SeaOrmSpendAlerts, Arc<SeaOrmLedger>) {
        let database = fixture.kept();
        let ledger = SeaOrmLedger::start(database.clone(), LedgerConfig::default());
        (SeaOrmSpendAlerts::new(database), Arc::new(ledger))
    }

    mod sqlite {
        type Stores = (super::SeaOrmSpendAlerts, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::spend_alert_store_conformance!(store);
    }
    mod postgres {
        type Stores = (super::SeaOrmSpendAlerts, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::spend_alert_store_conformance!(store);
    }
    mod mysql {
        type Stores = (super::SeaOrmSpendAlerts, std::sync::Arc<super::SeaOrmLedger>);
        async fn store() -> Option<Stores> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::spend_alert_store_conformance!(store);
    }
}
