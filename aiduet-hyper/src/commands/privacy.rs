//! `aiduet privacy`, and the verbs of `aiduet user` that erase.

use std::path::Path;
use std::sync::Arc;

use aiduet_core::app;
use aiduet_core::audit::AuditAction;
use aiduet_core::clock::Clock;
use aiduet_core::id::{AccountId, DeletionId, SystemEntropy};
use aiduet_core::operator::{Consent, EraseWish, Erased};
use aiduet_core::privacy::{
    Deletion, DeletionState, Erasure, ErasureProgress, ErasureReceipt, TombstoneFile, UnusedCredit,
};
use serde_json::{Map, Value, json};

use super::{Confirmed, Context, Desk, confirm};
use crate::cli::Privacy;
use crate::failure::Failure;
use crate::output;

/// Tombstones and receipts that are printed at most.
const LIST_MAX: u32 = 1_000_000;

/// What the commands of this noun work with.
struct Tools {
    desk: Desk,
    erasure: Erasure,
    clock: Arc<dyn Clock>,
}

impl Tools {
    async fn ready(context: &Context) -> Result<Self, Failure> {
        let settings = context.settings()?.settings;
        let clock = super::clock();
        let desk = context.desk().await?;
        let erasure = app::erasure(&settings, &desk.stores, &clock);
        Ok(Self { desk, erasure, clock })
    }

    async fn close(self) -> Result<(), Failure> {
        self.desk.close().await
    }

    /// The deletion of an account as if it were due now; its owner may have said what becomes of credit.
    async fn due_now(&self, account: AccountId) -> Result<Deletion, Failure> {
        let known = self.desk.stores.deletions.find(account).await.map_err(|error| Failure::of(&error))?;
        let now = self.clock.now();
        Ok(known.unwrap_or_else(|| Deletion {
            id: DeletionId::generate(self.clock.as_ref(), &SystemEntropy),
            account,
            unused_credit: UnusedCredit::Forfeit,
            frozen_at: None,
            asked_at: now,
            erase_at: now,
            state: DeletionState::Waiting,
        }))
    }

    /// Erases an account again; a wish of its owner that is not due is due now.
    async fn erase(&self, account: AccountId) -> Result<ErasureReceipt, Failure> {
        self.desk.record(AuditAction::AccountErased, account).await?;
        let deletions = &self.desk.stores.deletions;
        let mut wish = self.due_now(account).await?;
        if wish.state == DeletionState::Waiting {
            deletions.cancel(account).await.map_err(|error| Failure::of(&error))?;
            wish.erase_at = wish.erase_at.min(self.clock.now());
            wish = deletions.ask(wish).await.map_err(|error| Failure::of(&error))?;
        }
        self.finish(&wish).await
    }

    /// Erases what is due.
    async fn finish(&self, due: &Deletion) -> Result<ErasureReceipt, Failure> {
        match self.erasure.run(due).await.map_err(|error| Failure::of(&error))? {
            ErasureProgress::Done(receipt) => Ok(receipt),
            ErasureProgress::Waits(obstacle) => Err(Failure::Conflict(format!(
                "it has to wait ({}); the job `deletion` goes on with it",
                obstacle.as_str()
            ))),
            ErasureProgress::NotDue | ErasureProgress::More => {
                Err(Failure::Conflict("somebody else has changed the deletion".to_owned()))
            }
        }
    }
}

pub(super) async fn run(context: &Context, verb: Privacy) -> Result<(), Failure> {
    let tools = Tools::ready(context).await?;
    let deletions = &tools.desk.stores.deletions;
    match verb {
        Privacy::Erase { from_tombstones, dry_run, yes } => {
            let raised = raised(&tools, &from_tombstones).await?;
            let mut rows = Vec::new();
            if dry_run {
                rows.extend(raised.iter().map(|account| json!({"account": account})));
            } else {
                confirm(Confirmed::from(yes), &format!("{} accounts are erased.", raised.len()))?;
                for account in raised {
                    rows.push(receipt_row(&tools.erase(account).await?));
                }
                deletions.scrub().await.map_err(|error| Failure::of(&error))?;
            }
            output::list(context.form, &rows)?;
        }
        Privacy::Tombstones => {
            let all = deletions.tombstones(LIST_MAX).await.map_err(|error| Failure::of(&error))?;
            for tombstone in all {
                output::line(&tombstone.to_string())?;
            }
        }
        Privacy::Receipts { limit, before } => {
            let invalid = |_| Failure::Usage("expected the number of a receipt".to_owned());
            let before = before.map(|id| id.parse::<DeletionId>()).transpose().map_err(invalid)?;
            let receipts = deletions.receipts(before, limit).await.map_err(|error| Failure::of(&error))?;
            output::list(context.form, &receipts.iter().map(receipt_row).collect::<Vec<_>>())?;
        }
    }
    tools.close().await
}

/// `aiduet user deletions`
pub(super) async fn deletions(context: &Context, limit: u32) -> Result<(), Failure> {
    let tools = Tools::ready(context).await?;
    tools.desk.note(AuditAction::DeletionsListed).await?;
    let open = tools.desk.stores.deletions.open(limit).await.map_err(|error| Failure::of(&error))?;
    let mut rows = Vec::new();
    for deletion in &open {
        rows.push(Value::Object(wish_row(&tools, deletion).await?));
    }
    output::list(context.form, &rows)?;
    tools.close().await
}

/// `aiduet user erase --dry-run`
pub(super) async fn plan(context: &Context, user: &str) -> Result<(), Failure> {
    let tools = Tools::ready(context).await?;
    let account = tools.desk.user(user).await?;
    tools.desk.record(AuditAction::AccountViewed, account.id).await?;
    let mut row = wish_row(&tools, &tools.due_now(account.id).await?).await?;
    let plan = tools.desk.stores.deletions.plan(account.id).await.map_err(|error| Failure::of(&error))?;
    let tables: Map<String, Value> = plan.into_iter().map(|rows| (rows.table, json!(rows.rows))).collect();
    row.insert("tables".to_owned(), Value::Object(tables));
    output::object(context.form, &Value::Object(row))?;
    tools.close().await
}

/// `aiduet user erase`
pub(super) async fn ask(context: &Context, user: &str) -> Result<(), Failure> {
    context.says_why()?;
    let desk = context.desk().await?;
    let account = desk.user(user).await?.id;
    let wish = EraseWish { account, name: super::new_name(), consent: Consent::Usual };
    if let Erased::Asked(approval) =
        desk.office.erase(&desk.act, wish).await.map_err(|error| Failure::of(&error))?
    {
        super::approvals::note_waiting();
        output::object(context.form, &super::approvals::row(&approval))?;
    }
    desk.close().await
}

/// `aiduet user erase --break-glass`
pub(super) async fn erase(context: &Context, user: &str, said_yes: Confirmed) -> Result<(), Failure> {
    context.says_why()?;
    let tools = Tools::ready(context).await?;
    let account = tools.desk.user(user).await?.id;
    confirm(said_yes, "Everything about the account is erased for good, by you alone.")?;
    let wish = EraseWish { account, name: super::new_name(), consent: Consent::BrokenGlass };
    let ordered = tools.desk.office.erase(&tools.desk.act, wish).await;
    let Erased::Ordered(deletion) = ordered.map_err(|error| Failure::of(&error))? else {
        return Err(Failure::Failed("it was asked for only".to_owned()));
    };
    let receipt = tools.finish(&deletion).await?;
    tools.desk.stores.deletions.scrub().await.map_err(|error| Failure::of(&error))?;
    output::object(context.form, &receipt_row(&receipt))?;
    tools.close().await
}

async fn raised(tools: &Tools, file: &Path) -> Result<Vec<AccountId>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("the list of tombstones: {error}"));
    let tombstones = TombstoneFile::read(file).map_err(unreadable)?;
    tools.erasure.raised(&tombstones).await.map_err(|error| Failure::of(&error))
}

/// A deletion, with what an operator has to see to before and outside.
async fn wish_row(tools: &Tools, deletion: &Deletion) -> Result<Map<String, Value>, Failure> {
    let Deletion { id, account, unused_credit, frozen_at: _, asked_at, erase_at, state } = deletion;
    let balance = tools.desk.stores.ledger.balance(*account).await.map_err(|error| Failure::of(&error))?;
    let payer = tools.desk.stores.payers.find(*account).await.map_err(|error| Failure::of(&error))?;
    let obstacle = tools.erasure.obstacle(deletion, tools.clock.now()).await;
    let obstacle = obstacle.map_err(|error| Failure::of(&error))?;
    let row = json!({
        "id": id,
        "account": account,
        "state": state.as_str(),
        "asked_at": asked_at.to_string(),
        "erase_at": erase_at.to_string(),
        "unused_credit": unused_credit.as_str(),
        "paid": balance.paid.to_string(),
        "promotional": balance.promotional.to_string(),
        "waits_for": obstacle.map(|obstacle| obstacle.as_str()),
        "payer": payer.map(|payer| payer.to_string()),
    });
    match row {
        Value::Object(row) => Ok(row),
        _ => Ok(Map::new()),
    }
}

fn receipt_row(receipt: &ErasureReceipt) -> Value {
    let ErasureReceipt { id, asked_at, erased_at, tables, unused_credit, paid_left, payer } = receipt;
    let tables: Map<String, Value> =
        tables.iter().map(|rows| (rows.table.clone(), json!(rows.rows))).collect();
    json!({
        "id": id,
        "asked_at": asked_at.to_string(),
        "erased_at": erased_at.to_string(),
        "unused_credit": unused_credit.as_str(),
        "paid_left": paid_left.to_string(),
        "payer": payer,
        "sha256": receipt.digest(),
        "tables": tables,
    })
}
