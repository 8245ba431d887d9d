//! `aiduet jobs`

use std::sync::Arc;

use aiduet_core::app::{self, JobParts};
use aiduet_core::clock::Timestamp;
use aiduet_core::http::metrics::Metrics;
use aiduet_core::id::{Entropy, NodeId, SystemEntropy};
use aiduet_core::jobs::{JobState, RunCause};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Context;
use crate::cli::Jobs;
use crate::failure::{Failure, with_causes};
use crate::output;

pub(super) async fn run(context: &Context, verb: Jobs) -> Result<(), Failure> {
    let settings = context.settings()?.settings;
    let clock = super::clock();
    let stores = app::Stores::ready(&settings.database, Arc::clone(&clock));
    let stores = stores.await.map_err(|error| Failure::of(&error))?;
    let node = NodeId::generate(clock.as_ref(), &SystemEntropy);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let payments =
        app::payments(&settings, &stores, (&clock, &entropy)).map_err(|error| Failure::of(&error))?;
    let costs = app::cost_comparer(&settings, &stores, &clock).map_err(|error| Failure::of(&error))?;
    let parts = JobParts { clock, entropy, node, retention: Arc::new(Metrics::new()), payments, costs };
    let jobs = app::jobs(&settings, &stores, parts);
    match verb {
        Jobs::List => {
            let states = jobs.states().await.map_err(|error| Failure::of(&error))?;
            let rows = jobs.all.iter().map(|job| {
                let state = states.iter().find(|state| state.job == job.name());
                row(job.name(), job.schedule().every.as_secs(), state)
            });
            output::list(context.form, &rows.collect::<Vec<_>>())?;
        }
        Jobs::Run { name } => {
            let job = jobs.find(&name).ok_or_else(|| Failure::NotFound("there is no such job".to_owned()))?;
            let run = jobs.run(job.as_ref(), RunCause::Request, &CancellationToken::new()).await;
            let run = run.map_err(|error| Failure::of(&error))?;
            let run = run.ok_or_else(|| Failure::Conflict("another node does it just now".to_owned()))?;
            let told = json!({"job": run.job, "outcome": run.outcome.as_str(), "done": run.done});
            output::object(context.form, &told)?;
            if let Some(error) = run.error {
                return Err(Failure::Failed(with_causes(&error)));
            }
        }
    }
    stores.close().await.map_err(|error| Failure::of(&error))
}

fn row(name: &str, every: u64, state: Option<&JobState>) -> serde_json::Value {
    let told = |moment: Option<Timestamp>| moment.map(|at| at.to_string());
    json!({
        "name": name,
        "every_seconds": every,
        "started_at": told(state.map(|state| state.started_at)),
        "finished_at": told(state.and_then(|state| state.finished_at)),
        "succeeded_at": told(state.and_then(|state| state.succeeded_at)),
        "outcome": state.and_then(|state| state.outcome).map(|outcome| outcome.as_str()),
        "done": state.map(|state| state.done),
        "leased_until": told(state.and_then(|state| state.leased).map(|(_node, until)| until)),
    })
}
