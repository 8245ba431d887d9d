//! `aiduet ledger`

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app;
use aiduet_core::audit::AuditAction;
use aiduet_core::clock::Timestamp;
use aiduet_core::id::{Entropy, SystemEntropy};
use aiduet_core::payment::Reconciliation;
use serde_json::json;

use super::{Context, Desk};
use crate::cli::Ledger;
use crate::failure::Failure;
use crate::output::{self, Form};

pub(super) async fn run(context: &Context, verb: Ledger) -> Result<(), Failure> {
    let desk = context.desk().await?;
    match verb {
        Ledger::Reconcile { day } => reconcile(context, &desk, day).await?,
        Ledger::Balance(who) => {
            let account = desk.user(&who.user).await?;
            desk.record(AuditAction::BalanceViewed, account.id).await?;
            let balance =
                desk.stores.ledger.balance(account.id).await.map_err(|error| Failure::of(&error))?;
            output::object(context.form, &super::user::balance_row(&balance))?;
        }
        Ledger::Verify => {
            let violations =
                desk.office.verify_ledger(&desk.act).await.map_err(|error| Failure::of(&error))?;
            match context.form {
                Form::Json => {
                    let answer = json!({"passed": violations.is_empty(), "violations": violations});
                    output::object(context.form, &answer)?;
                }
                Form::Table if violations.is_empty() => output::line("the books are right")?,
                Form::Table => output::list(context.form, &violations)?,
            }
            if !violations.is_empty() {
                return Err(Failure::Problems);
            }
        }
    }
    desk.close().await
}

/// Compares a day with the card company.
async fn reconcile(context: &Context, desk: &Desk, day: Option<String>) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let clock = super::clock();
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let payments = app::payments(&settings, &desk.stores, (&clock, &entropy));
    let payments = payments.map_err(|error| Failure::of(&error))?;
    let payments =
        payments.ok_or_else(|| Failure::Usage("payment.stripe.secret_key is not set".to_owned()))?;
    let at = match day {
        Some(day) => moment(&day)?,
        None => clock.now().minus(Duration::from_hours(24)),
    };
    let recorded = desk.office.record(&desk.act, AuditAction::LedgerReconciled, None).await;
    recorded.map_err(|error| Failure::of(&error))?;
    let report = payments.reconciler.reconcile(at).await.map_err(|error| Failure::of(&error))?;
    output::object(context.form, &row(&report))?;
    if report.is_clean() { Ok(()) } else { Err(Failure::Problems) }
}

/// The first moment of a day in UTC.
fn moment(day: &str) -> Result<Timestamp, Failure> {
    format!("{day}T00:00:00Z")
        .parse()
        .map_err(|_invalid| Failure::Usage("expected a day such as 2026-11-25".to_owned()))
}

fn row(report: &Reconciliation) -> serde_json::Value {
    json!({
        "day": report.day.to_string(),
        "at": report.at.to_string(),
        "movements": report.movements,
        "made_up": report.made_up,
        "unexplained": report.unexplained,
        "named": report.named.join(" "),
        "clearing": report.clearing.to_string(),
        "balance": report.balance.to_string(),
        "passed": report.is_clean(),
    })
}
