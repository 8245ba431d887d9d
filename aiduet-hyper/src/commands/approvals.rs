//! `aiduet approvals`

use aiduet_core::id::ApprovalId;
use aiduet_core::operator::{Approval, ApprovalPage, ApprovalState};
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
            let granted = desk.office.approve(&desk.act, parsed(&id)?).await;
            output::object(context.form, &row(&granted.map_err(|error| Failure::of(&error))?))?;
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

/// As people see what was asked for, and what came of it.
pub(super) fn row(approval: &Approval) -> Value {
    let Approval { id, transfer, account, amount, expires_at, reason, asked_by, asked_at, state } = approval;
    let (name, decided_by) = match state {
        ApprovalState::Waiting if approval.is_lapsed(clock().now()) => ("lapsed", None),
        ApprovalState::Waiting => ("waiting", None),
        ApprovalState::Granted { by, at: _ } => ("granted", Some(by.to_string())),
        ApprovalState::Refused { by, at: _ } => ("refused", Some(by.to_string())),
    };
    json!({
        "id": id,
        "transfer": transfer,
        "account": account,
        "amount": amount.to_string(),
        "amount_nano": amount,
        "expires_at": expires_at.map(|at| at.to_string()),
        "reason": reason.as_str(),
        "asked_by": asked_by.to_string(),
        "asked_at": asked_at.to_string(),
        "state": name,
        "decided_by": decided_by,
    })
}
