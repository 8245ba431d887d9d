//! `aiduet audit`

use aiduet_core::audit::{AuditAction, AuditSearch, Audited, InvalidAuditText};
use aiduet_core::clock::Timestamp;
use serde_json::{Value, json};

use super::{Context, duration};
use crate::cli::{Audit, AuditFilter};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Audit) -> Result<(), Failure> {
    let search = match &verb {
        Audit::List(filter) => Some(asked(filter)?),
        Audit::Verify { .. } => None,
    };
    let desk = context.desk().await?;
    match (verb, search) {
        (Audit::List(_), search) => {
            let found = desk.office.search_audit(&desk.act, search.unwrap_or_default()).await;
            let found = found.map_err(|error| Failure::of(&error))?;
            output::list(context.form, &found.iter().map(row).collect::<Vec<_>>())?;
        }
        (Audit::Verify { head }, _) => {
            let kept = head.map(|text| text.parse()).transpose();
            let kept = kept.map_err(|error| Failure::Usage(format!("--head: {error}")))?;
            let check =
                desk.office.verify_audit(&desk.act, kept).await.map_err(|error| Failure::of(&error))?;
            let faults = check.faults.iter();
            let faults =
                faults.map(|fault| json!({"sequence": fault.sequence, "fault": fault.kind.as_str()}));
            let told = json!({
                "entries": check.entries,
                "head": check.head.map(|head| head.to_string()),
                "faults": faults.collect::<Vec<_>>(),
            });
            output::object(context.form, &told)?;
            if !check.faults.is_empty() {
                return Err(Failure::Problems);
            }
        }
    }
    desk.close().await
}

/// What the command line asks for.
fn asked(filter: &AuditFilter) -> Result<AuditSearch, Failure> {
    let AuditFilter { actor, action, subject, since, before, limit } = filter;
    let invalid = |option: &'static str| {
        move |_: InvalidAuditText| Failure::Usage(format!("{option} expects what the list shows"))
    };
    let action = action.as_deref().map(|code| {
        AuditAction::from_code(code).ok_or_else(|| {
            let known: Vec<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
            Failure::Usage(format!("--action is one of {}", known.join(", ")))
        })
    });
    let since = since.as_deref().map(duration).transpose()?;
    Ok(AuditSearch {
        actor: actor.as_deref().map(str::parse).transpose().map_err(invalid("--actor"))?,
        action: action.transpose()?,
        subject: subject.as_deref().map(str::parse).transpose().map_err(invalid("--subject"))?,
        since: since.map(|age| super::clock().now().minus(age)),
        until: None,
        before: *before,
        limit: *limit,
    })
}

fn row(audited: &Audited) -> Value {
    let Audited { sequence, digest, entry } = audited;
    json!({
        "sequence": sequence,
        "at": Timestamp::to_string(&entry.at),
        "actor": entry.actor.to_string(),
        "action": entry.action.as_str(),
        "subject": entry.subject.as_ref().map(ToString::to_string),
        "reference": entry.reference.as_ref().map(ToString::to_string),
        "amount": entry.amount.map(|amount| amount.to_string()),
        "reason": entry.reason.as_ref().map(|reason| reason.as_str()),
        "request": entry.request,
        "digest": digest.to_string(),
    })
}
