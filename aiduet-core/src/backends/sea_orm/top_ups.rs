//! Purchases in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::{for_update, one_of};
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::ExternalId;
use crate::money::Money;
use crate::payment::{
    CardUse, Checkout, DisputeStage, NoteDispute, Receipt, TakePending, TopUp, TopUpError, TopUpPage,
    TopUpState, TopUpStore,
};

const COLUMNS: &str = "id, account, amount, state, payment, tax, paid_at, checkout, url, dispute, created_at, \
    request, keeps_card";

/// [`TopUpStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmTopUpStore {
    database: Database,
}

impl SeaOrmTopUpStore {
    /// The purchases of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM top_ups WHERE "))
    }

    fn by_id(&self, id: TopUpId) -> Sql {
        self.select().text("id = ").value(id.as_uuid())
    }

    /// Reads a purchase that nobody else may change before the transaction ends.
    async fn locked(&self, on: &impl ConnectionTrait, id: TopUpId) -> Result<Option<TopUp>, DatabaseError> {
        let row = self.by_id(id).text(for_update(self.database.backend())).one(on).await?;
        row.as_ref().map(read).transpose()
    }

    /// The purchase that an account's request made.
    async fn of_request(&self, top_up: &TopUp) -> Result<Option<TopUp>, DatabaseError> {
        let Some(request) = top_up.request else { return Ok(None) };
        let select = self.select().text("account = ").value(top_up.account.as_uuid());
        let row = select.text(" AND request = ").value(request.to_vec()).one(self.database.writer()).await?;
        row.as_ref().map(read).transpose()
    }

    async fn all(&self, sql: Sql) -> Result<Vec<TopUp>, DatabaseError> {
        sql.all(self.database.reader()).await?.iter().map(read).collect()
    }
}

#[async_trait]
impl TopUpStore for SeaOrmTopUpStore {
    async fn insert(&self, top_up: TopUp) -> Result<TopUp, TopUpError> {
        let insert = format!("INSERT INTO top_ups ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(&top_up)).await {
            Ok(()) => Ok(top_up),
            Err(error) if error.kind() == FailureKind::Unique => {
                if let Some(other) = self.of_request(&top_up).await? {
                    return Ok(other);
                }
                let existing = self.by_id(top_up.id).one(self.database.writer()).await?;
                let existing = existing.as_ref().map(read).transpose()?;
                let same = existing.filter(|existing| {
                    existing.account == top_up.account && existing.amount == top_up.amount
                });
                same.ok_or(TopUpError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, id: TopUpId) -> Result<Option<TopUp>, TopUpError> {
        let row = self.by_id(id).one(self.database.reader()).await?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    async fn attach(&self, id: TopUpId, checkout: Checkout) -> Result<(), TopUpError> {
        let transaction = self.database.begin().await?;
        let top_up = self.locked(&transaction, id).await?.ok_or(TopUpError::NotFound { id })?;
        match top_up.checkout {
            Some(existing) if existing == checkout => return Ok(()),
            Some(_) => return Err(TopUpError::Conflict),
            None => {}
        }
        Sql::new(self.database.backend(), "UPDATE top_ups SET checkout = ")
            .value(checkout.external.to_string())
            .text(", url = ")
            .value(checkout.url)
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(&transaction)
            .await?;
        Ok(transaction.commit().await.map_err(DatabaseError::from)?)
    }

    async fn advance(&self, id: TopUpId, state: TopUpState) -> Result<TopUp, TopUpError> {
        let transaction = self.database.begin().await?;
        let top_up = self.locked(&transaction, id).await?.ok_or(TopUpError::NotFound { id })?;
        if !top_up.state.may_become(&state) {
            return Ok(top_up);
        }
        let mut update = Sql::new(self.database.backend(), "UPDATE top_ups SET ");
        for (place, (column, value)) in STATE_COLUMNS.into_iter().zip(state_values(&state)).enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            update = update.text(separator).text(column).text(" = ").value(value);
        }
        match update.text(" WHERE id = ").value(id.as_uuid()).run(&transaction).await {
            Ok(_changed) => {}
            Err(error) if error.kind() == FailureKind::Unique => return Err(TopUpError::Conflict),
            Err(error) => return Err(error.into()),
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(TopUp { state, ..top_up })
    }

    async fn note_dispute(&self, note: NoteDispute) -> Result<bool, TopUpError> {
        let id = note.top_up;
        let transaction = self.database.begin().await?;
        let top_up = self.locked(&transaction, id).await?.ok_or(TopUpError::NotFound { id })?;
        let backend = self.database.backend();
        let worst = worst_dispute(&transaction, (&top_up, note)).await?;
        Sql::new(backend, "UPDATE top_ups SET dispute = ")
            .value(stage_code(worst))
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(&transaction)
            .await?;
        let stopping = Sql::new(backend, "SELECT 1 FROM top_ups WHERE account = ")
            .value(top_up.account.as_uuid())
            .text(" AND dispute IN ")
            .tuple(
                STAGES
                    .into_iter()
                    .filter(|stage| stage.stops_spending())
                    .map(|stage| stage_code(stage).into()),
            )
            .text(" LIMIT 1")
            .one(&transaction)
            .await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(stopping.is_some())
    }

    async fn take_pending(&self, request: TakePending) -> Result<Vec<TopUp>, TopUpError> {
        let TakePending { begun_before, taken_until, at, limit } = request;
        let transaction = self.database.begin().await?;
        let select = self
            .select()
            .text("state IN ('open', 'processing') AND checkout IS NOT NULL AND created_at < ")
            .value(begun_before.millis())
            .text(" AND taken_at <= ")
            .value(taken_until.millis())
            .text(" ORDER BY taken_at, id LIMIT ")
            .value(i64::from(limit))
            .text(for_update(self.database.backend()));
        let rows = select.all(&transaction).await?;
        let found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if !found.is_empty() {
            let ids: Vec<Uuid> = found.iter().map(|top_up| top_up.id.as_uuid()).collect();
            let update = Sql::new(self.database.backend(), "UPDATE top_ups SET taken_at = ");
            one_of(update.value(at.millis()).text(" WHERE "), "id", &ids).run(&transaction).await?;
        }
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(found)
    }

    async fn list(&self, page: TopUpPage) -> Result<Vec<TopUp>, TopUpError> {
        let TopUpPage { account, before, limit } = page;
        let sql = self
            .select()
            .text("account = ")
            .value(account.as_uuid())
            .text(" AND id < ")
            .value(before.map_or(Uuid::max(), TopUpId::as_uuid))
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(limit));
        Ok(self.all(sql).await?)
    }
}

const STAGES: [DisputeStage; 4] =
    [DisputeStage::Inquiry, DisputeStage::Open, DisputeStage::Won, DisputeStage::Lost];

const fn stage_code(stage: DisputeStage) -> &'static str {
    match stage {
        DisputeStage::Inquiry => "inquiry",
        DisputeStage::Open => "open",
        DisputeStage::Won => "won",
        DisputeStage::Lost => "lost",
    }
}

const STATE_COLUMNS: [&str; 4] = ["state", "payment", "tax", "paid_at"];

/// In the order of [`STATE_COLUMNS`].
fn state_values(state: &TopUpState) -> [Value; 4] {
    let (code, receipt) = match state {
        TopUpState::Open => ("open", None),
        TopUpState::Processing => ("processing", None),
        TopUpState::Paid(receipt) => ("paid", Some(receipt)),
        TopUpState::Closed => ("closed", None),
        TopUpState::Suspended => ("suspended", None),
    };
    [
        code.into(),
        receipt.map(|receipt| receipt.payment.to_string()).into(),
        receipt.map(|receipt| receipt.tax.nanos()).into(),
        receipt.map(|receipt| receipt.at.millis()).into(),
    ]
}

fn state_from(code: &str, receipt: Option<Receipt>) -> Option<TopUpState> {
    match (code, receipt) {
        ("open", None) => Some(TopUpState::Open),
        ("processing", None) => Some(TopUpState::Processing),
        ("paid", Some(receipt)) => Some(TopUpState::Paid(receipt)),
        ("closed", None) => Some(TopUpState::Closed),
        ("suspended", None) => Some(TopUpState::Suspended),
        _ => None,
    }
}

/// In the order of [`COLUMNS`].
fn write(top_up: &TopUp) -> Vec<Value> {
    let TopUp { id, account, amount, state, request, card, checkout, dispute, created_at } = top_up;
    let mut values = vec![id.as_uuid().into(), account.as_uuid().into(), amount.nanos().into()];
    values.extend(state_values(state));
    values.extend([
        checkout.as_ref().map(|checkout| checkout.external.to_string()).into(),
        checkout.as_ref().map(|checkout| checkout.url.clone()).into(),
        dispute.map(stage_code).into(),
        created_at.millis().into(),
        request.map(|digest| digest.to_vec()).into(),
        i64::from(*card == CardUse::Kept).into(),
    ]);
    values
}

fn read(row: &QueryResult) -> Result<TopUp, DatabaseError> {
    let mut columns = Columns::of(row);
    let id = TopUpId::from_uuid(columns.next()?);
    let account = AccountId::from_uuid(columns.next()?);
    let amount = Money::from_nanos(columns.next()?);
    let code: String = columns.next()?;
    let payment = external(&mut columns, "top_ups.payment")?;
    let tax: Option<i64> = columns.next()?;
    let at: Option<i64> = columns.next()?;
    let receipt = payment.zip(tax.zip(at)).map(|(payment, (tax, at))| Receipt {
        payment,
        tax: Money::from_nanos(tax),
        at: Timestamp::from_millis(at),
    });
    let state = state_from(&code, receipt).ok_or(DatabaseError::Unreadable { column: "top_ups.state" })?;
    let name = external(&mut columns, "top_ups.checkout")?;
    let url: Option<String> = columns.next()?;
    let checkout = name.zip(url).map(|(external, url)| Checkout { external, url });
    let dispute = columns.next_as("top_ups.dispute", |code: Option<String>| match code {
        None => Some(None),
        Some(code) => stage_from(code).map(Some),
    })?;
    let created_at = Timestamp::from_millis(columns.next()?);
    let request = columns.next_as("top_ups.request", |bytes: Option<Vec<u8>>| match bytes {
        None => Some(None),
        Some(bytes) => bytes.try_into().ok().map(Some),
    })?;
    let card = if columns.next::<i64>()? == 0 { CardUse::Once } else { CardUse::Kept };
    Ok(TopUp { id, account, amount, state, request, card, checkout, dispute, created_at })
}

/// Notes how far one dispute of a purchase is, and returns what all of them come to.
async fn worst_dispute(
    on: &impl ConnectionTrait,
    (top_up, note): (&TopUp, NoteDispute),
) -> Result<DisputeStage, DatabaseError> {
    let NoteDispute { top_up: id, dispute, stage } = note;
    let name = dispute.to_string();
    let sql = |text: &str| Sql::new(on.get_database_backend(), text);
    let select = sql("SELECT id, stage FROM disputes WHERE top_up = ").value(id.as_uuid());
    let rows = select.all(on).await?;
    let mut others = None;
    let mut known = None;
    for row in &rows {
        let mut columns = Columns::of(row);
        let (other, found): (String, _) = (columns.next()?, columns.next_as("disputes.stage", stage_from)?);
        if other == name {
            known = Some(found);
        } else {
            others = Some(others.map_or(found, |worst: DisputeStage| worst.or_worse(found)));
        }
    }
    // One from before there was the table is this one.
    let before = known.or(top_up.dispute.filter(|_stage| rows.is_empty()));
    let stage = before.filter(|before| !before.may_become(stage)).unwrap_or(stage);
    if known.is_some() {
        let update = sql("UPDATE disputes SET stage = ").value(stage_code(stage));
        update.text(" WHERE id = ").value(name).run(on).await?;
    } else {
        let row = vec![name.into(), id.as_uuid().into(), stage_code(stage).into()];
        insert_row(on, "INSERT INTO disputes (id, top_up, stage) VALUES", row).await?;
    }
    Ok(others.map_or(stage, |worst| worst.or_worse(stage)))
}

fn stage_from(code: String) -> Option<DisputeStage> {
    STAGES.into_iter().find(|stage| stage_code(*stage) == code)
}

fn external(columns: &mut Columns<'_>, name: &'static str) -> Result<Option<ExternalId>, DatabaseError> {
    columns.next_as(name, |text: Option<String>| match text {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmTopUpStore;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmTopUpStore {
        SeaOrmTopUpStore::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmTopUpStore> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::top_up_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmTopUpStore> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::top_up_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmTopUpStore> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::top_up_store_conformance!(store);
    }
}
