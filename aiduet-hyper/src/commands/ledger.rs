//! `aiduet ledger`

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app;
use aiduet_core::audit::AuditAction;
use aiduet_core::clock::Timestamp;
use aiduet_core::cost::{DayComparison, Owed, TokenComparison};
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

/// Compares a day with the card company, and with providers.
async fn reconcile(context: &Context, desk: &Desk, day: Option<String>) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let clock = super::clock();
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let payments = app::payments(&settings, &desk.stores, (&clock, &entropy));
    let payments = payments.map_err(|error| Failure::of(&error))?;
    let costs = app::cost_comparer(&settings, &desk.stores, &clock).map_err(|error| Failure::of(&error))?;
    if payments.is_none() && costs.is_none() {
        let told = "neither payment.stripe.secret_key nor an admin key in [costs] is set";
        return Err(Failure::Usage(told.to_owned()));
    }
    let at = match day {
        Some(day) => moment(&day)?,
        None => clock.now().minus(Duration::from_hours(24)),
    };
    let recorded = desk.office.record(&desk.act, AuditAction::LedgerReconciled, None).await;
    recorded.map_err(|error| Failure::of(&error))?;
    let mut rows = serde_json::Map::new();
    let mut is_clean = true;
    if let Some(payments) = payments {
        let report = payments.reconciler.reconcile(at).await.map_err(|error| Failure::of(&error))?;
        is_clean = report.is_clean();
        rows.extend(row(&report));
    }
    if let Some(costs) = costs {
        for comparison in costs.compare(at).await.map_err(|error| Failure::of(&error))? {
            is_clean = is_clean && comparison.is_clean();
            rows.extend(cost_row(&comparison));
        }
    }
    rows.insert("passed".to_owned(), is_clean.into());
    output::object(context.form, &serde_json::Value::Object(rows))?;
    if is_clean { Ok(()) } else { Err(Failure::Problems) }
}

/// The first moment of a day in UTC.
fn moment(day: &str) -> Result<Timestamp, Failure> {
    format!("{day}T00:00:00Z")
        .parse()
        .map_err(|_invalid| Failure::Usage("expected a day such as 2026-11-25".to_owned()))
}

fn row(report: &Reconciliation) -> impl Iterator<Item = (String, serde_json::Value)> {
    let members = [
        ("day", json!(report.day.to_string())),
        ("at", json!(report.at.to_string())),
        ("movements", json!(report.movements)),
        ("made_up", json!(report.made_up)),
        ("unexplained", json!(report.unexplained)),
        ("named", json!(report.named.join(" "))),
        ("clearing", json!(report.clearing.to_string())),
        ("balance", json!(report.balance.to_string())),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value))
}

fn cost_row(comparison: &DayComparison) -> impl Iterator<Item = (String, serde_json::Value)> {
    let DayComparison { cost, tokens } = comparison;
    let vendor = cost.vendor.as_str();
    let Owed { requests, sum, estimated } = cost.owed;
    let differing: Vec<_> = comparison.differing().map(|model| model.model.as_str()).collect();
    let members = [
        ("reported", json!(cost.reported.to_string())),
        ("recorded", json!(sum.to_string())),
        ("estimated", json!(estimated.to_string())),
        ("requests", json!(requests)),
        ("difference", json!(cost.difference().to_string())),
        ("tokens", json!(tokens.iter().map(token_row).collect::<Vec<_>>())),
        ("differing_models", json!(differing)),
    ];
    let day = ("day".to_owned(), json!(cost.day.to_string()));
    let members = members.into_iter().map(move |(name, value)| (format!("{vendor}_{name}"), value));
    std::iter::once(day).chain(members)
}

fn token_row(comparison: &TokenComparison) -> serde_json::Value {
    let TokenComparison { model, reported, recorded, estimated, worth, .. } = comparison;
    json!({
        "model": model,
        "reported_input": reported.input,
        "recorded_input": recorded.input,
        "estimated_input": estimated.input,
        "reported_output": reported.output,
        "recorded_output": recorded.output,
        "estimated_output": estimated.output,
        "worth": worth.map(|worth| worth.to_string()),
    })
}
