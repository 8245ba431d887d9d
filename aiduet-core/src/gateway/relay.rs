//! The stream to the client: bytes pass as they come, usage is read beside them, funds are
//! extended ahead of need, and the last frame waits until the charge is durable.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::runtime::Handle;

use super::AnswerStream;
use super::settle::Settler;
use super::tab::{Closing, Tab};
use crate::class::{Classify, ErrorClass};
use crate::clock::Clock;
use crate::dialect::{Ending, Meter, StreamError, StreamFault};
use crate::id::HoldId;
use crate::ledger::{Hold, Ledger, LedgerError, Outcome, ReserveRequest, SettleRequest};
use crate::provider::{ProviderError, ReplyBody};

/// Tries of an extension while the ledger is not available.
const EXTENSION_TRIES: u32 = 8;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With its terminal frame.
    Complete,
    /// The provider broke off, or sent what is not a stream.
    Interrupted(StreamFault),
    /// Funds ran out.
    Exhausted,
    /// The client left and nobody read on to the end.
    Abandoned,
}

/// What one step of a running stream found.
enum Step {
    /// Look again: frames may be waiting.
    Again,
    /// Nothing came for a while.
    Silence,
    /// Nothing more will come.
    End(End),
}

/// Work of the ledger that runs beside the stream.
enum Chore {
    Extended(HoldId, u64, Result<Hold, LedgerError>),
    Noted,
}

type ChoreFuture = Pin<Box<dyn Future<Output = Chore> + Send>>;

/// A stream to a client. When it is dropped before its end, the rest is read and settled in the
/// background.
pub(super) struct Relay {
    running: Option<Box<Running>>,
    last: VecDeque<Bytes>,
    settler: Arc<Settler>,
    runtime: Handle,
}

struct Running {
    tab: Tab,
    meter: Meter,
    body: Option<ReplyBody>,
    chore: Option<ChoreFuture>,
    frames: VecDeque<Bytes>,
    /// The ledger refused to hold more.
    no_more_funds: bool,
    noted_at: Duration,
    client_left: bool,
    /// Decided once; a repeated settlement says the same.
    settlement: Option<(SettleRequest, End)>,
}

impl Relay {
    pub(super) fn new(settler: Arc<Settler>, tab: Tab, meter: Meter, body: ReplyBody) -> Self {
        settler.observer().streams_changed(1);
        let running = Running {
            noted_at: settler.clock().monotonic(),
            tab,
            meter,
            body: Some(body),
            chore: None,
            frames: VecDeque::new(),
            no_more_funds: false,
            client_left: false,
            settlement: None,
        };
        Self { running: Some(Box::new(running)), last: VecDeque::new(), settler, runtime: Handle::current() }
    }

    pub(super) fn into_stream(self) -> AnswerStream {
        Box::pin(stream::unfold(self, |mut relay| async move {
            let frame = relay.next().await?;
            Some((frame, relay))
        }))
    }

    async fn next(&mut self) -> Option<Bytes> {
        let Some(running) = self.running.as_mut() else { return self.last.pop_front() };
        loop {
            if let Some(frame) = running.frames.pop_front() {
                running.tab.first_byte.get_or_insert_with(|| {
                    self.settler.clock().monotonic().saturating_sub(running.tab.facts.started)
                });
                return Some(frame);
            }
            match running.step(&self.settler).await {
                Step::Again => {}
                Step::Silence => return Some(running.meter.keep_alive()),
                Step::End(end) => {
                    self.last = running.finish(end, &self.settler).await;
                    self.running = None;
                    self.settler.observer().streams_changed(-1);
                    return self.last.pop_front();
                }
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        self.settler.observer().streams_changed(-1);
        running.client_left = true;
        let settler = Arc::clone(&self.settler);
        self.settler.tracker().spawn_on(async move { running.drain(settler).await }, &self.runtime);
    }
}

impl Running {
    /// Reads on after the client has left: at most for the patience of the settler, and at most
    /// to what the holds cover.
    async fn drain(mut self: Box<Self>, settler: Arc<Settler>) {
        self.no_more_funds = true;
        let end = match (&self.settlement, settler.drain_permit()) {
            (Some((_request, end)), _permit) => *end,
            (None, None) => End::Abandoned,
            (None, Some(_permit)) => {
                tokio::select! {
                    biased;
                    () = settler.wait_patiently() => End::Abandoned,
                    end = self.run_out(&settler) => end,
                }
            }
        };
        drop(self.finish(end, &settler).await);
    }

    async fn run_out(&mut self, settler: &Arc<Settler>) -> End {
        loop {
            self.frames.clear();
            if let Step::End(end) = self.step(settler).await {
                return if end == End::Exhausted { End::Abandoned } else { end };
            }
        }
    }

    async fn step(&mut self, settler: &Arc<Settler>) -> Step {
        if let Some((_request, end)) = &self.settlement {
            return Step::End(*end);
        }
        let used = self.meter.reading().output_tokens_estimate();
        self.start_chore(used, settler);
        let must_wait = used >= self.tab.covered && self.tab.covered < self.tab.ask.output_tokens;
        if must_wait {
            let Some(chore) = self.chore.as_mut() else { return Step::End(End::Exhausted) };
            let done = chore.await;
            self.chore = None;
            self.apply(done);
            return Step::Again;
        }
        let Some(body) = self.body.as_mut() else { return Step::End(End::Abandoned) };
        let silence = settler.config().keep_alive;
        let chunk = match self.chore.as_mut() {
            None => tokio::time::timeout(silence, body.next()).await,
            Some(chore) => tokio::select! {
                biased;
                done = chore => {
                    self.chore = None;
                    self.apply(done);
                    return Step::Again;
                }
                chunk = tokio::time::timeout(silence, body.next()) => chunk,
            },
        };
        match chunk {
            Err(_elapsed) => Step::Silence,
            Ok(chunk) => self.take(chunk),
        }
    }

    /// Takes one chunk, or the end, of the provider's body.
    fn take(&mut self, chunk: Option<Result<Bytes, ProviderError>>) -> Step {
        match chunk {
            Some(Ok(chunk)) => {
                self.frames.extend(self.meter.push(chunk));
                if self.meter.is_complete() {
                    Step::End(End::Complete)
                } else if self.meter.reading().failed {
                    Step::End(End::Interrupted(StreamFault::Upstream))
                } else {
                    Step::Again
                }
            }
            Some(Err(ProviderError::Timeout { .. })) => Step::End(End::Interrupted(StreamFault::Timeout)),
            Some(Err(_broken)) => Step::End(End::Interrupted(StreamFault::Upstream)),
            None => match self.meter.end() {
                Ending::Complete => Step::End(End::Complete),
                Ending::Interrupted => Step::End(End::Interrupted(StreamFault::Upstream)),
            },
        }
    }

    /// Starts an extension when half of what is held is used, or notes what was used.
    fn start_chore(&mut self, used: u64, settler: &Arc<Settler>) {
        if self.chore.is_some() {
            return;
        }
        let whole = self.tab.ask.output_tokens;
        if !self.no_more_funds && self.tab.covered < whole && used >= self.tab.covered / 2 {
            let covered = self.tab.covered.saturating_add(settler.config().stream_hold_tokens).min(whole);
            match self.tab.reserve_for(covered, settler.clock().now()) {
                Ok(request) => self.chore = Some(extend(Arc::clone(settler.ledger()), request, covered)),
                Err(_unpriced) => self.no_more_funds = true,
            }
            return;
        }
        let now = settler.clock().monotonic();
        if now.saturating_sub(self.noted_at) >= settler.config().progress {
            self.noted_at = now;
            let Some(first) = self.tab.holds.first().copied() else { return };
            let used = self.tab.used_so_far(self.meter.reading());
            let ledger = Arc::clone(settler.ledger());
            self.chore = Some(Box::pin(async move {
                if let Err(error) = ledger.progress(first, used).await {
                    tracing::warn!(%error, "progress not noted");
                }
                Chore::Noted
            }));
        }
    }

    fn apply(&mut self, chore: Chore) {
        match chore {
            Chore::Noted => {}
            Chore::Extended(id, covered, Ok(hold)) => {
                self.tab.holds.push(id);
                self.tab.held = self.tab.held.checked_add(hold.amount).unwrap_or(self.tab.held);
                self.tab.covered = covered;
            }
            Chore::Extended(id, _covered, Err(error)) => {
                self.no_more_funds = true;
                if error.class() == ErrorClass::Unavailable {
                    tracing::error!(request_id = %self.tab.facts.id, hold = %id, %error, "hold not extended");
                }
            }
        }
    }

    /// Settles, then gives out the last frames.
    async fn finish(&mut self, end: End, settler: &Arc<Settler>) -> VecDeque<Bytes> {
        self.body = None;
        while let Some(chore) = self.chore.as_mut() {
            let done = chore.await;
            self.chore = None;
            self.apply(done);
        }
        let (request, end) = match &self.settlement {
            Some(settlement) => settlement.clone(),
            None => {
                let closing = Closing { outcome: self.outcome(end), status: 200 };
                let request = self.tab.close(self.meter.reading(), closing, settler.clock());
                self.settlement.insert((request, end)).clone()
            }
        };
        let settled = settler.finish(request).await;
        let mut frames = std::mem::take(&mut self.frames);
        let id = self.tab.facts.id.to_string();
        frames.extend(match end {
            End::Complete => self.meter.release(settled.cost),
            End::Interrupted(kind) => self.meter.close_with_error(StreamError {
                kind: self.meter.reading().failure.unwrap_or(kind),
                message: "The provider broke off the answer. What was received until now is charged.",
                request_id: &id,
            }),
            End::Exhausted | End::Abandoned => self.meter.close_at_limit(),
        });
        frames
    }

    fn outcome(&self, end: End) -> Outcome {
        let reading = self.meter.reading();
        let known = reading.final_usage;
        match end {
            _ if reading.failed && !reading.output_started => Outcome::UpstreamError,
            _ if reading.failed => Outcome::UpstreamInterrupted,
            End::Interrupted(_fault) if !reading.output_started => Outcome::UpstreamError,
            End::Interrupted(_fault) => Outcome::UpstreamInterrupted,
            End::Exhausted => Outcome::BalanceExhausted,
            End::Complete | End::Abandoned => match (self.client_left, known) {
                (false, true) => Outcome::Completed,
                (false, false) => Outcome::CompletedEstimated,
                (true, true) => Outcome::ClientDisconnected,
                (true, false) => Outcome::ClientDisconnectedEstimated,
            },
        }
    }
}

/// Reserves more. While the ledger is not available the same reserve is tried again, since only
/// its answer tells whether the hold exists.
fn extend(ledger: Arc<dyn Ledger>, request: ReserveRequest, covered: u64) -> ChoreFuture {
    Box::pin(async move {
        let id = request.id;
        let mut pause = Duration::from_millis(50);
        let mut tries = 1;
        loop {
            let result = ledger.reserve(request.clone()).await;
            let again = matches!(&result, Err(error) if error.class() == ErrorClass::Unavailable);
            if !again || tries == EXTENSION_TRIES {
                return Chore::Extended(id, covered, result);
            }
            tries += 1;
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(Duration::from_secs(2));
        }
    })
}
