//! `aiduet approvals`

use aiduet_core::id::ApprovalId;
use aiduet_core::operator::{Approval, ApprovalPage, ApprovalState, Edition, Matter, PriceStep};
use aiduet_core::policy::Policies;
use serde_json::{Value, json};

use super::{Context, clock};
use crate::cli::Approvals;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Approvals) -> Result<(), Failure> {
    let desk = context.desk().await?;
    match verb {
        Approvals::List { limit } => {
            let page = ApprovalPage { before: None, limit };
            let all = desk.office.approvals(&desk.act, page).await.map_err(|error| Failure::of(&error))?;
            output::list(context.form, &all.iter().map(row).collect::<Vec<_>>())?;
        }
        Approvals::Grant { id } => {
            let policies = Policies::embedded().map_err(|error| Failure::Failed(error.to_string()))?;
            let granted = desk.office.approve(&desk.act, &policies, parsed(&id)?).await;
            let granted = granted.map_err(|error| Failure::of(&error))?;
            if matches!(granted.matter, Matter::Erasure { .. }) {
                output::note("The job `deletion` erases it; where no server runs: aiduet jobs run deletion");
            }
            output::object(context.form, &row(&granted))?;
        }
        Approvals::Refuse { id } => {
            let refused = desk.office.refuse(&desk.act, parsed(&id)?).await;
            output::object(context.form, &row(&refused.map_err(|error| Failure::of(&error))?))?;
        }
    }
    desk.close().await
}

fn parsed(id: &str) -> Result<ApprovalId, Failure> {
    id.parse().map_err(|error| Failure::Usage(format!("{error}")))
}

/// Says what happens next to what was asked for.
pub(super) fn note_waiting() {
    output::note("A second operator must agree: aiduet approvals grant ID");
}

/// As people see what was asked for, and what came of it.
pub(super) fn row(approval: &Approval) -> Value {
    let Approval { id, name: _, matter, reason, asked_by, asked_at, state } = approval;
    let (state, decided_by) = match state {
        ApprovalState::Waiting if approval.is_lapsed(clock().now()) => ("lapsed", None),
        ApprovalState::Waiting => ("waiting", None),
        ApprovalState::Granted { by, at: _ } => ("granted", Some(by.to_string())),
        ApprovalState::Refused { by, at: _ } => ("refused", Some(by.to_string())),
    };
    let (kind, terms, edition, sheet) = match matter {
        Matter::Credit(terms) => ("credit", Some(terms), None, None),
        Matter::Publication(edition) => ("publication", None, Some(edition), None),
        Matter::Prices(sheet) => match sheet.step {
            PriceStep::Publish => ("price_publication", None, None, Some(sheet)),
            PriceStep::Withdraw => ("price_withdrawal", None, None, Some(sheet)),
        },
        Matter::Erasure { account: _ } => ("erasure", None, None, None),
    };
    json!({
        "id": id,
        "kind": kind,
        "transfer": terms.map(|terms| terms.transfer),
        "account": matter.account(),
        "amount": terms.map(|terms| terms.amount.to_string()),
        "amount_nano": terms.map(|terms| terms.amount),
        "expires_at": terms.and_then(|terms| terms.expires_at).map(|at| at.to_string()),
        "policy": edition.map(Edition::name),
        "effect": edition.map(|edition| edition.effect.as_str()),
        "price_version": sheet.map(|sheet| sheet.version),
        "sha256": sheet.map(|sheet| sheet.digest.to_string()),
        "reason": reason.as_str(),
        "asked_by": asked_by.to_string(),
        "asked_at": asked_at.to_string(),
        "state": state,
        "decided_by": decided_by,
    })
}
