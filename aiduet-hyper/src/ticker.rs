//! Work that is done now and then: the sign of life, the holds of the dead, keys that were used.

use std::sync::Arc;
use std::time::Duration;

use aiduet_core::app::App;
use aiduet_core::jobs::Job;
use aiduet_core::settings::GatewaySettings;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often it is written down which keys were used, told whose calls were refused, and noted how everything is.
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
            app.beat().await;
        }
    };
    let sweeping = async {
        let mut every = ticking(settings.heartbeat);
        loop {
            every.tick().await;
            app.sweep(settings.dead_after).await;
        }
    };
    let flushing = async {
        let mut every = ticking(FLUSH_EVERY);
        loop {
            every.tick().await;
            app.flush_used_keys().await;
            app.tell_unfunded().await;
            app.note_status().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = beating => {}
        () = sweeping => {}
        () = flushing => {}
    }
}

/// Delivers messages to people until stopped.
pub(crate) async fn deliver(app: App, stop: CancellationToken) {
    let mut every = ticking(DELIVER_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        app.deliver_due(&stop).await;
    }
}

/// Does a job whenever it is due and no other node does it, until stopped.
pub(crate) async fn keep_doing(app: App, job: Arc<dyn Job>, stop: CancellationToken) {
    let mut every = ticking(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        drop(app.run_due(job.as_ref(), &stop).await);
    }
}

fn ticking(period: Duration) -> tokio::time::Interval {
    let mut every = interval(period);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}
