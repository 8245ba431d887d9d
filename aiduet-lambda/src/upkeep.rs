//! What a server does by its clock, done once per scheduled event.

use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::jobs::JobRun;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Resolves the holds of dead processes, delivers messages and does the jobs that are due; begins
/// nothing after `until`. Returns what was done, as JSON without a word of any message.
pub(crate) async fn run(app: &App, dead_after: Duration, until: Instant) -> String {
    let stop = CancellationToken::new();
    tokio::select! {
        told = work(app, dead_after, &stop) => told,
        never = stop_at(until, &stop) => match never {},
    }
}

async fn stop_at(moment: Instant, stop: &CancellationToken) -> std::convert::Infallible {
    sleep_until(moment).await;
    stop.cancel();
    std::future::pending().await
}

async fn work(app: &App, dead_after: Duration, stop: &CancellationToken) -> String {
    let swept = app.sweep(dead_after).await;
    app.tell_unfunded().await;
    app.note_status().await;
    let messages = app.deliver_due(stop).await;
    let mut runs = Vec::new();
    for job in &app.jobs().all {
        if stop.is_cancelled() {
            tracing::warn!(
                next = job.name(),
                "the time of an invocation is over: jobs are left for the next"
            );
            break;
        }
        runs.extend(app.run_due(job.as_ref(), stop).await);
    }
    // A job may have written messages.
    let messages = messages.plus(app.deliver_due(stop).await);
    app.flush_used_keys().await;
    tracing::info!(
        recovered = swept.recovered,
        lost = swept.lost,
        messages = messages.taken(),
        jobs = runs.len(),
        "scheduled work"
    );
    let told = json!({
        "holds": {"recovered": swept.recovered, "lost": swept.lost},
        "messages": {
            "delivered": messages.delivered,
            "postponed": messages.postponed,
            "failed": messages.failed,
            "unknown": messages.unknown,
        },
        "jobs": runs.iter().map(row).collect::<Vec<_>>(),
    });
    told.to_string()
}

fn row(run: &JobRun) -> Value {
    json!({"name": run.job, "outcome": run.outcome.as_str(), "done": run.done})
}
