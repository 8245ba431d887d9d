//! Work that is done now and then: the sign of life, the holds of the dead, keys that were used.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::jobs::{Job, RunCause};
use aiduet_core::ledger::{SweepRequest, Swept};
use aiduet_core::settings::GatewaySettings;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Requests that one sweep resolves.
const SWEEP_LIMIT: u32 = 100;
/// Sweeps in a row, so that one node does not keep a database busy for long.
const SWEEPS_MAX: u32 = 100;
/// How often it is written down which keys were used.
const FLUSH_EVERY: Duration = Duration::from_mins(1);

/// How often it is looked for jobs that are due.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked for messages that are due.
const DELIVER_EVERY: Duration = Duration::from_secs(2);

/// Beats, sweeps and writes down until stopped. A beat never waits for a sweep: a node that
/// seems dead would lose its holds.
pub(crate) async fn run(app: App, settings: GatewaySettings, stop: CancellationToken) {
    let beating = async {
        let mut every = ticking(settings.heartbeat);
        loop {
            every.tick().await;
            beat(&app).await;
        }
    };
    let sweeping = async {
        let mut every = ticking(settings.heartbeat);
        loop {
            every.tick().await;
            sweep(&app, settings.dead_after).await;
        }
    };
    let flushing = async {
        let mut every = ticking(FLUSH_EVERY);
        loop {
            every.tick().await;
            flush(&app).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = beating => {}
        () = sweeping => {}
        () = flushing => {}
    }
}

/// Delivers messages to people until stopped; what has begun is finished, since nobody would know
/// what became of it.
pub(crate) async fn deliver(app: App, stop: CancellationToken) {
    let Some(courier) = app.courier() else { return };
    let mut every = ticking(DELIVER_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        while !stop.is_cancelled() {
            match courier.deliver_due().await {
                Ok(deliveries) if deliveries.taken() == 0 => break,
                Ok(deliveries) => app.metrics().delivered(deliveries),
                Err(error) => {
                    tracing::error!(error = crate::failure::with_causes(&error), "messages not delivered");
                    break;
                }
            }
        }
    }
}

/// Does a job whenever it is due and no other node does it, until stopped; a batch that has begun is
/// finished.
pub(crate) async fn keep_doing(app: App, job: Arc<dyn Job>, stop: CancellationToken) {
    let mut every = ticking(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        match app.jobs().run(job.as_ref(), RunCause::Schedule, &stop).await {
            Ok(Some(run)) => app.metrics().job_ran(&run),
            Ok(None) => {}
            Err(error) => tracing::error!(error = crate::failure::with_causes(&error), "job not begun"),
        }
    }
}

fn ticking(period: Duration) -> tokio::time::Interval {
    let mut every = interval(period);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

/// Says that this process is alive.
pub(crate) async fn beat(app: &App) {
    if let Err(error) = app.custody().beat(app.node()).await {
        tracing::error!(error = crate::failure::with_causes(&error), "heartbeat not written");
    }
}

/// Resolves the holds of processes that are silent for `dead_after`.
pub(crate) async fn sweep(app: &App, dead_after: Duration) {
    let mut all = Swept::default();
    for _ in 0..SWEEPS_MAX {
        match app.custody().sweep(SweepRequest { dead_after, limit: SWEEP_LIMIT }).await {
            Ok(swept) => {
                all.recovered = all.recovered.saturating_add(swept.recovered);
                all.lost = all.lost.saturating_add(swept.lost);
                if swept.recovered.saturating_add(swept.lost) == 0 {
                    break;
                }
            }
            Err(error) => {
                tracing::error!(error = crate::failure::with_causes(&error), "holds not swept");
                break;
            }
        }
    }
    if all != Swept::default() {
        app.metrics().swept(all);
        tracing::warn!(
            recovered = all.recovered,
            lost = all.lost,
            "requests of a dead process were resolved"
        );
    }
}

/// Writes down which keys were used.
pub(crate) async fn flush(app: &App) {
    if let Err(error) = app.gateway().flush_used_keys().await {
        tracing::warn!(error = crate::failure::with_causes(&error), "used keys not written");
    }
}
