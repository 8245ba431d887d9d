//! The last step of every request: the charge becomes durable.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use super::shield::Presence;
use super::tab::{Closing, Tab};
use super::{DisconnectPolicy, GatewayConfig, GatewayError, GatewayParts, Observer};
use crate::class::{Classify, ErrorClass};
use crate::clock::Clock;
use crate::dialect::Reading;
use crate::id::{AccountId, HoldId, RequestId};
use crate::ledger::{Ledger, LedgerError, Outcome, RequestRecord, SettleRequest, Settlement, VoidRequest};
use crate::money::Money;
use crate::provider::ReplyBody;
use crate::usage::Usage;

/// First pause before a settlement is tried again.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// Longest pause between two tries.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How long the end of a body may come after the end of its answer.
const TRAILER_PATIENCE: Duration = Duration::from_secs(1);
/// How many chunks may come there.
const TRAILER_CHUNKS_MAX: usize = 16;

/// What a settlement came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) cost: Money,
    pub(super) available: Money,
    /// What the bill counts.
    pub(super) usage: Usage,
}

/// Settles requests, and owns the work that goes on after a client has left.
#[derive(Debug)]
pub(super) struct Settler {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    config: GatewayConfig,
    tracker: TaskTracker,
    drains: Arc<Semaphore>,
    doubts: Mutex<VecDeque<VoidRequest>>,
    closing: CancellationToken,
    shut_down: CancellationToken,
}

impl Settler {
    pub(super) fn new(parts: &GatewayParts, config: GatewayConfig) -> Self {
        Self {
            ledger: Arc::clone(&parts.ledger),
            clock: Arc::clone(&parts.clock),
            observer: Arc::clone(&parts.observer),
            drains: Arc::new(Semaphore::new(config.drains_max)),
            config,
            tracker: TaskTracker::new(),
            doubts: Mutex::default(),
            closing: CancellationToken::new(),
            shut_down: CancellationToken::new(),
        }
    }

    pub(super) const fn tracker(&self) -> &TaskTracker {
        &self.tracker
    }

    pub(super) const fn config(&self) -> &GatewayConfig {
        &self.config
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(super) fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    pub(super) const fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.ledger
    }

    /// Resolves when nobody wants to read on: the client has left and nothing is read on, too many
    /// abandoned answers are being read, or patience is over; or the process stops.
    pub(super) async fn patience_over(&self, presence: &Presence) {
        let client_left = async {
            presence.gone().await;
            let Some(_permit) = self.drain_permit() else { return };
            self.wait_patiently().await;
        };
        tokio::select! {
            () = client_left => {}
            () = self.shut_down.cancelled() => {}
        }
    }

    /// Waits as long as an abandoned answer may be read on.
    pub(super) async fn wait_patiently(&self) {
        tokio::select! {
            () = tokio::time::sleep(self.config.drain) => {}
            () = self.closing.cancelled() => {}
        }
    }

    /// A place among the abandoned answers that are read on; `None` when there is none left, or
    /// nothing is to be read on.
    pub(super) fn drain_permit(&self) -> Option<OwnedSemaphorePermit> {
        match self.config.disconnect {
            DisconnectPolicy::Drain => Arc::clone(&self.drains).try_acquire_owned().ok(),
            DisconnectPolicy::Cancel => None,
        }
    }

    /// Reads what comes after the end of an answer, so that the connection serves the next call:
    /// one whose body was not read to its end is closed. Mostly the end is already here.
    pub(super) fn read_out(&self, mut body: ReplyBody) {
        if let Some(None | Some(Err(_))) = body.next().now_or_never() {
            return;
        }
        let closing = self.closing.clone();
        self.tracker.spawn(async move {
            let rest = body.take(TRAILER_CHUNKS_MAX).for_each(|_chunk| std::future::ready(()));
            tokio::select! {
                () = rest => {}
                () = tokio::time::sleep(TRAILER_PATIENCE) => {}
                () = closing.cancelled() => {}
            }
        });
    }

    /// Closes a tab: see [`finish`](Self::finish).
    pub(super) async fn settle(
        self: &Arc<Self>,
        tab: &Tab,
        reading: &Reading,
        closing: Closing,
    ) -> Result<Settled, GatewayError> {
        self.finish(tab.close(reading, closing, self.clock())).await
    }

    /// Makes a charge durable. While the ledger is not available it is repeated: first in the
    /// caller's time, then in the background until it is written, since the holds keep the funds.
    ///
    /// # Errors
    /// [`GatewayError::NotBooked`] when it is not durable yet, [`GatewayError::Internal`] when the
    /// ledger refuses it for good.
    pub(super) async fn finish(self: &Arc<Self>, request: SettleRequest) -> Result<Settled, GatewayError> {
        let patience = tokio::time::timeout(self.config.settle_wait, self.write_until_done(&request)).await;
        match patience {
            Ok(Some(settlement)) => {
                let usage = request.record.usage;
                Ok(Settled { cost: settlement.charged, available: settlement.balance.available, usage })
            }
            Ok(None) => Err(GatewayError::Internal),
            Err(_elapsed) => {
                tracing::error!(request_id = %request.record.id, "settlement queued");
                let settler = Arc::clone(self);
                self.tracker.spawn(async move { settler.write_until_done(&request).await });
                Err(GatewayError::NotBooked)
            }
        }
    }

    /// `None` when the ledger refuses for good.
    async fn write_until_done(&self, request: &SettleRequest) -> Option<Settlement> {
        let mut pause = RETRY_FIRST;
        loop {
            match self.write(request).await {
                Ok(settlement) => {
                    self.announce(&request.record, &settlement);
                    return Some(settlement);
                }
                Err(error) if error.class() == ErrorClass::Unavailable => {
                    self.observer.settlement_delayed();
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(RETRY_MAX);
                }
                Err(error) => {
                    tracing::error!(request_id = %request.record.id, %error, "settlement refused");
                    return None;
                }
            }
        }
    }

    /// Releases whatever a request holds, if it holds anything, without a record: in the
    /// background, until the ledger has said that nothing is left. For holds of which nobody knows
    /// whether they exist, because a reserve was not answered, and those of calls not made.
    pub(super) fn release_in_doubt(self: &Arc<Self>, account: AccountId, request: RequestId) {
        // Without a runtime the process is ending, and what it held will be swept.
        let Ok(runtime) = Handle::try_current() else { return };
        let holds = vec![HoldId::of_request(request, 0)];
        let void = VoidRequest { account, request, holds, record: None, at: self.clock.now() };
        let mut doubts = self.doubts();
        doubts.push_back(void);
        if doubts.len() == 1 {
            let settler = Arc::clone(self);
            self.tracker.spawn_on(async move { settler.resolve_doubts().await }, &runtime);
        }
    }

    /// Works through the doubts, one after the other; the first one stays until it is resolved.
    async fn resolve_doubts(&self) {
        let mut pause = RETRY_FIRST;
        loop {
            let Some(request) = self.doubts().front().cloned() else { return };
            match self.ledger.void(request).await {
                Err(error) if error.class() == ErrorClass::Unavailable => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(RETRY_MAX);
                    continue;
                }
                Err(error) => tracing::error!(%error, "hold in doubt not released"),
                Ok(_settlement) => {}
            }
            pause = RETRY_FIRST;
            let mut doubts = self.doubts();
            doubts.pop_front();
            if doubts.is_empty() {
                return;
            }
        }
    }

    fn doubts(&self) -> MutexGuard<'_, VecDeque<VoidRequest>> {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, request: &SettleRequest) -> Result<Settlement, LedgerError> {
        if request.record.outcome != Outcome::UpstreamError {
            return self.ledger.settle(request.clone()).await;
        }
        let record = &request.record;
        let void = VoidRequest {
            account: record.account,
            request: record.id,
            holds: request.holds.clone(),
            record: Some(record.clone()),
            at: request.at,
        };
        self.ledger.void(void).await
    }

    fn announce(&self, record: &RequestRecord, settlement: &Settlement) {
        self.observer.settled(record, settlement);
        tracing::info!(
            target: "aiduet::request",
            request_id = %record.id,
            account_id = %record.account,
            key_id = %record.key,
            endpoint = record.endpoint.as_str(),
            stream = record.stream,
            model = record.model.as_str(),
            provider = record.vendor.as_str(),
            role = record.duet.map(|duet| duet.role.as_str()),
            status = record.status,
            outcome = record.outcome.as_str(),
            tokens_input = record.usage.input,
            tokens_cache_read = record.usage.cache_read,
            tokens_cache_write = record.usage.cache_write_short.saturating_add(record.usage.cache_write_long),
            tokens_output = record.usage.output,
            cost_nano = settlement.charged.nanos(),
            overage_nano = settlement.overage.nanos(),
            first_byte_ms = record.first_byte.map(whole_millis),
            duration_ms = whole_millis(record.duration),
            "request"
        );
    }

    /// Resolves when running streams are to end at once.
    pub(super) fn shut_down(&self) -> WaitForCancellationFutureOwned {
        self.shut_down.clone().cancelled_owned()
    }

    /// Ends running streams at once, and stops waiting for providers.
    pub(super) fn interrupt(&self) {
        self.closing.cancel();
        self.shut_down.cancel();
    }

    /// Waits until nothing is under way in the background; new work may begin afterwards.
    pub(super) async fn idle(&self) {
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }

    /// Waits for everything that is under way; abandoned answers are no longer read on.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
