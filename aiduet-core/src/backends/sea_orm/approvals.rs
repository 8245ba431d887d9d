//! What waits for a second operator, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use uuid::Uuid;

use super::Database;
use super::bulk::for_update;
use super::error::{DatabaseError, FailureKind};
use super::sql::{Columns, Sql, insert_row};
use crate::audit::AuditActor;
use crate::clock::Timestamp;
use crate::id::{AccountId, ApprovalId, TransferId};
use crate::money::Money;
use crate::notify::PolicyKind;
use crate::operator::{
    Approval, ApprovalError, ApprovalPage, ApprovalState, ApprovalStore, Decision, Edition, Effect,
    GrantTerms, Matter, PriceDecision, PriceStep,
};
use crate::price::PriceVersion;

const COLUMNS: &str = "id, transfer, account, amount, expires_at, reason, asked_by, asked_at, state, \
    decided_by, decided_at, kind, policy, effect, sheet";

/// [`ApprovalStore`] in a database.
#[derive(Clone, Debug)]
pub struct SeaOrmApprovals {
    database: Database,
}

impl SeaOrmApprovals {
    /// The approvals of a migrated database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    fn select(&self) -> Sql {
        Sql::new(self.database.backend(), &format!("SELECT {COLUMNS} FROM approvals WHERE "))
    }

    async fn one(&self, sql: Sql, on: &impl ConnectionTrait) -> Result<Option<Approval>, DatabaseError> {
        sql.one(on).await?.as_ref().map(read).transpose()
    }
}

#[async_trait]
impl ApprovalStore for SeaOrmApprovals {
    async fn ask(&self, approval: Approval) -> Result<Approval, ApprovalError> {
        let insert = format!("INSERT INTO approvals ({COLUMNS}) VALUES");
        match insert_row(self.database.writer(), &insert, write(&approval)).await {
            Ok(()) => Ok(approval),
            Err(error) if error.kind() == FailureKind::Unique => {
                let same = self.select().text("transfer = ").value(approval.name);
                let kept = self.one(same, self.database.writer()).await?;
                kept.filter(|kept| kept.is_same(&approval)).ok_or(ApprovalError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find(&self, id: ApprovalId) -> Result<Option<Approval>, ApprovalError> {
        let select = self.select().text("id = ").value(id.as_uuid());
        Ok(self.one(select, self.database.reader()).await?)
    }

    async fn list(&self, page: ApprovalPage) -> Result<Vec<Approval>, ApprovalError> {
        let ApprovalPage { before, limit } = page;
        let rows = self
            .select()
            .text("id < ")
            .value(before.map_or(Uuid::max(), ApprovalId::as_uuid))
            .text(" ORDER BY id DESC LIMIT ")
            .value(i64::from(limit))
            .all(self.database.reader())
            .await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    async fn decide(&self, decision: Decision) -> Result<Approval, ApprovalError> {
        let id = decision.id;
        let transaction = self.database.begin().await?;
        let locked = self.select().text("id = ").value(id.as_uuid());
        let locked = locked.text(for_update(self.database.backend()));
        let kept = self.one(locked, &transaction).await?.ok_or(ApprovalError::NotFound { id })?;
        let decided = kept.decided(&decision)?;
        let (state, by, at) = state_columns(&decided.state);
        Sql::new(self.database.backend(), "UPDATE approvals SET state = ")
            .value(state)
            .text(", decided_by = ")
            .value(by)
            .text(", decided_at = ")
            .value(at)
            .text(" WHERE id = ")
            .value(id.as_uuid())
            .run(&transaction)
            .await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(decided)
    }
}

fn state_columns(state: &ApprovalState) -> (&'static str, Option<String>, Option<i64>) {
    match state {
        ApprovalState::Waiting => ("waiting", None, None),
        ApprovalState::Granted { by, at } => ("granted", Some(by.to_string()), Some(at.millis())),
        ApprovalState::Refused { by, at } => ("refused", Some(by.to_string()), Some(at.millis())),
    }
}

fn state_from(code: &str, by: Option<AuditActor>, at: Option<Timestamp>) -> Option<ApprovalState> {
    match (code, by, at) {
        ("waiting", None, None) => Some(ApprovalState::Waiting),
        ("granted", Some(by), Some(at)) => Some(ApprovalState::Granted { by, at }),
        ("refused", Some(by), Some(at)) => Some(ApprovalState::Refused { by, at }),
        _ => None,
    }
}

/// What is asked for, in columns.
#[derive(Default)]
struct MatterColumns {
    account: Option<Uuid>,
    amount: Option<i64>,
    expires_at: Option<i64>,
    kind: &'static str,
    policy: Option<String>,
    effect: Option<String>,
    sheet: Option<String>,
}

fn matter_columns(matter: &Matter) -> MatterColumns {
    match matter {
        Matter::Credit(GrantTerms { transfer: _, account, amount, expires_at }) => MatterColumns {
            account: Some(account.as_uuid()),
            amount: Some(amount.nanos()),
            expires_at: expires_at.map(Timestamp::millis),
            kind: "credit",
            ..MatterColumns::default()
        },
        Matter::Publication(edition) => MatterColumns {
            kind: "publication",
            policy: Some(edition.name()),
            effect: Some(edition.effect.as_str().to_owned()),
            ..MatterColumns::default()
        },
        Matter::Prices(PriceDecision { step, version, digest }) => MatterColumns {
            kind: match step {
                PriceStep::Publish => "price_publication",
                PriceStep::Withdraw => "price_withdrawal",
            },
            sheet: Some(format!("{}/{digest}", version.0)),
            ..MatterColumns::default()
        },
        Matter::Erasure { account } => {
            MatterColumns { account: Some(account.as_uuid()), kind: "erasure", ..MatterColumns::default() }
        }
    }
}

fn decision_from(step: PriceStep, sheet: &str) -> Option<PriceDecision> {
    let (version, digest) = sheet.split_once('/')?;
    let version = PriceVersion(version.parse().ok()?);
    Some(PriceDecision { step, version, digest: digest.parse().ok()? })
}

fn edition_from(policy: &str, effect: &str) -> Option<Edition> {
    let (kind, version) = policy.split_once('/')?;
    let (kind, effect) = (PolicyKind::from_code(kind)?, Effect::from_code(effect)?);
    Some(Edition { kind, version: version.to_owned(), effect })
}

/// In the order of [`COLUMNS`].
fn write(approval: &Approval) -> Vec<Value> {
    let Approval { id, name, matter, reason, asked_by, asked_at, state } = approval;
    let (state, by, at) = state_columns(state);
    let MatterColumns { account, amount, expires_at, kind, policy, effect, sheet } = matter_columns(matter);
    vec![
        id.as_uuid().into(),
        (*name).into(),
        account.into(),
        amount.into(),
        expires_at.into(),
        reason.as_str().into(),
        asked_by.to_string().into(),
        asked_at.millis().into(),
        state.into(),
        by.into(),
        at.into(),
        kind.into(),
        policy.into(),
        effect.into(),
        sheet.into(),
    ]
}

fn read(row: &QueryResult) -> Result<Approval, DatabaseError> {
    let mut columns = Columns::of(row);
    let (id, name) = (ApprovalId::from_uuid(columns.next()?), columns.next()?);
    let account = columns.next::<Option<Uuid>>()?.map(AccountId::from_uuid);
    let amount = columns.next::<Option<i64>>()?.map(Money::from_nanos);
    let expires_at = columns.next::<Option<i64>>()?.map(Timestamp::from_millis);
    let reason = columns.next_as("approvals.reason", |text: String| text.parse().ok())?;
    let asked_by = columns.next_as("approvals.asked_by", |text: String| text.parse().ok())?;
    let asked_at = Timestamp::from_millis(columns.next()?);
    let code: String = columns.next()?;
    let by = columns.next_as("approvals.decided_by", |text: Option<String>| {
        text.map(|text| text.parse::<AuditActor>()).transpose().ok()
    })?;
    let at = |at: Option<i64>| state_from(&code, by, at.map(Timestamp::from_millis));
    let state = columns.next_as("approvals.state", at)?;
    let kind: Option<String> = columns.next()?;
    let [policy, effect, sheet] = [columns.next()?, columns.next()?, columns.next()?]
        .map(|text: Option<String>| text.unwrap_or_default());
    let matter = match (kind.as_deref().unwrap_or("credit"), account, amount) {
        ("credit", Some(account), Some(amount)) => {
            let transfer = TransferId::from_uuid(name);
            Some(Matter::Credit(GrantTerms { transfer, account, amount, expires_at }))
        }
        ("publication", None, None) => edition_from(&policy, &effect).map(Matter::Publication),
        ("price_publication", None, None) => decision_from(PriceStep::Publish, &sheet).map(Matter::Prices),
        ("price_withdrawal", None, None) => decision_from(PriceStep::Withdraw, &sheet).map(Matter::Prices),
        ("erasure", Some(account), None) => Some(Matter::Erasure { account }),
        _ => None,
    };
    let matter = matter.ok_or(DatabaseError::Unreadable { column: "approvals.kind" })?;
    Ok(Approval { id, name, matter, reason, asked_by, asked_at, state })
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::SeaOrmApprovals;
    use crate::backends::sea_orm::fixture::{self, Fixture};

    fn store(fixture: Fixture) -> SeaOrmApprovals {
        SeaOrmApprovals::new(fixture.kept())
    }

    mod sqlite {
        async fn store() -> Option<super::SeaOrmApprovals> {
            Some(super::store(super::fixture::sqlite().await))
        }
        crate::approval_store_conformance!(store);
    }
    mod postgres {
        async fn store() -> Option<super::SeaOrmApprovals> {
            super::fixture::postgres().await.map(super::store)
        }
        crate::approval_store_conformance!(store);
    }
    mod mysql {
        async fn store() -> Option<super::SeaOrmApprovals> {
            super::fixture::mysql().await.map(super::store)
        }
        crate::approval_store_conformance!(store);
    }
}
