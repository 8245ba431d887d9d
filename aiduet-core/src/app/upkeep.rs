//! What a process does beside its requests, one step at a time: an adapter decides when. What goes
//! wrong is logged here, and tried again at the next step.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{App, Stores};
use crate::class::with_causes;
use crate::jobs::{Job, JobRun, RunCause};
use crate::ledger::{SweepRequest, Swept};
use crate::notify::{Deliveries, Letters};
use crate::payment::UnfundedTeller;
use crate::routing::ProviderHealth;
use crate::status::{StatusReader, StatusRecorder, StatusSubject};

/// Requests that one sweep resolves.
const SWEEP_LIMIT: u32 = 100;
/// Sweeps in a row, so that one node does not keep a database busy for long.
const SWEEPS_MAX: u32 = 100;

/// What is told and noted beside requests.
pub(super) struct Watch {
    pub(super) unfunded: UnfundedTeller,
    pub(super) recorder: StatusRecorder,
    pub(super) reader: StatusReader,
}

impl Watch {
    pub(super) fn of(stores: &Stores, letters: Letters) -> Self {
        let (ledger, alerts) = (Arc::clone(&stores.ledger), Arc::clone(&stores.alerts));
        Self {
            unfunded: UnfundedTeller::new(ledger, alerts, letters),
            recorder: StatusRecorder::new(Arc::clone(&stores.status)),
            reader: StatusReader::new(Arc::clone(&stores.status)),
        }
    }
}

impl App {
    /// Says that this process is alive.
    pub async fn beat(&self) {
        if let Err(error) = self.custody().beat(self.node()).await {
            tracing::error!(error = with_causes(&error), "heartbeat not written");
        }
    }

    /// Resolves the holds of processes that are silent for `dead_after`.
    pub async fn sweep(&self, dead_after: Duration) -> Swept {
        let mut all = Swept::default();
        for _ in 0..SWEEPS_MAX {
            match self.custody().sweep(SweepRequest { dead_after, limit: SWEEP_LIMIT }).await {
                Ok(swept) => {
                    all.recovered = all.recovered.saturating_add(swept.recovered);
                    all.lost = all.lost.saturating_add(swept.lost);
                    if swept == Swept::default() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(error = with_causes(&error), "holds not swept");
                    break;
                }
            }
        }
        if all != Swept::default() {
            self.metrics().swept(all);
            tracing::warn!(
                recovered = all.recovered,
                lost = all.lost,
                "requests of a dead process were resolved"
            );
        }
        all
    }

    /// Writes down which keys were used.
    pub async fn flush_used_keys(&self) {
        if let Err(error) = self.gateway().flush_used_keys().await {
            tracing::warn!(error = with_causes(&error), "used keys not written");
        }
    }

    /// Tells people whose calls were refused for lack of funds.
    pub async fn tell_unfunded(&self) {
        let calls = self.gateway().take_unfunded();
        if let Err(error) = self.unfunded().tell(calls, self.clock().now()).await {
            tracing::warn!(error = with_causes(&error), "people not told of refused requests");
        }
    }

    /// Notes how the providers are, and that the gateway works.
    pub async fn note_status(&self) {
        let gateway = self.gateway();
        let providers = gateway
            .vendors()
            .map(|vendor| (StatusSubject::Provider(vendor), gateway.provider_health(vendor)));
        let own = (StatusSubject::Gateway, ProviderHealth::Up);
        let seen: Vec<_> = std::iter::once(own).chain(providers).collect();
        if let Err(error) = self.status_recorder().record(&seen, self.clock().now()).await {
            tracing::warn!(error = with_causes(&error), "how everything is was not noted");
        }
    }

    /// Delivers messages to people, batch by batch, until none is due or `stop`; a batch that has
    /// begun is finished, since nobody would know what became of it.
    pub async fn deliver_due(&self, stop: &CancellationToken) -> Deliveries {
        let mut all = Deliveries::default();
        let Some(courier) = self.courier() else { return all };
        while !stop.is_cancelled() {
            match courier.deliver_due().await {
                Ok(deliveries) if deliveries.taken() == 0 => break,
                Ok(deliveries) => {
                    self.metrics().delivered(deliveries);
                    all = all.plus(deliveries);
                }
                Err(error) => {
                    tracing::error!(error = with_causes(&error), "messages not delivered");
                    break;
                }
            }
        }
        all
    }

    /// Does a job if it is due and no other node does it; a batch that has begun is finished.
    pub async fn run_due(&self, job: &dyn Job, stop: &CancellationToken) -> Option<JobRun> {
        match self.jobs().run(job, RunCause::Schedule, stop).await {
            Ok(run) => run.inspect(|run| self.metrics().job_ran(run)),
            Err(error) => {
                tracing::error!(error = with_causes(&error), "job not begun");
                None
            }
        }
    }
}
