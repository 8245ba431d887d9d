//! `aiduet policy`

use aiduet_core::audit::AuditAction;
use aiduet_core::jobs::News;
use aiduet_core::notify::PolicyKind;
use aiduet_core::operator::{Consent, Edition, Effect, PolicyFile, PublishWish, Published};
use aiduet_core::policy::{Policies, Publication};
use serde_json::{Value, json};

use super::{Context, approvals, jobs};
use crate::cli::{Jobs, Policy};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(context: &Context, verb: Policy) -> Result<(), Failure> {
    let desk = context.desk().await?;
    let policies = Policies::embedded().map_err(|error| Failure::Failed(error.to_string()))?;
    match verb {
        Policy::List => {
            let files = desk.office.policies(&desk.act, &policies).await;
            let files = files.map_err(|error| Failure::of(&error))?;
            output::list(context.form, &files.iter().map(row).collect::<Vec<_>>())?;
        }
        Policy::Publish { kind, version, harmless, break_glass } => {
            context.says_why()?;
            let kind = PolicyKind::from_code(&kind)
                .ok_or_else(|| Failure::Usage("expected privacy or terms".to_owned()))?;
            let effect = if harmless { Effect::Harmless } else { Effect::Adverse };
            let edition = Edition { kind, version, effect };
            let consent = if break_glass { Consent::BrokenGlass } else { Consent::Usual };
            let wish = PublishWish { edition, name: super::new_name(), consent };
            let published = desk.office.publish(&desk.act, &policies, wish).await;
            match published.map_err(|error| Failure::of(&error))? {
                Published::Out(publication) => output::object(context.form, &out_row(&publication))?,
                Published::Asked(approval) => {
                    approvals::note_waiting();
                    output::object(context.form, &approvals::row(&approval))?;
                }
            }
        }
        Policy::Notify => {
            desk.note(AuditAction::PolicyNotified).await?;
            desk.close().await?;
            return jobs::run(context, Jobs::Run { name: News::NAME.to_owned() }).await;
        }
    }
    desk.close().await
}

fn out_row(publication: &Publication) -> Value {
    json!({
        "name": format!("{}/{}", publication.kind.as_str(), publication.version),
        "effective_from": publication.effective_from.to_string(),
        "published_at": publication.published_at.to_string(),
        "published_by": publication.published_by.to_string(),
    })
}

fn row(file: &PolicyFile) -> Value {
    let PolicyFile { policy, publication, told } = file;
    json!({
        "name": policy.name(),
        "effective_from": policy.effective_from.to_string(),
        "published_at": publication.as_ref().map(|known| known.published_at.to_string()),
        "published_by": publication.as_ref().map(|known| known.published_by.to_string()),
        "told": told,
    })
}
