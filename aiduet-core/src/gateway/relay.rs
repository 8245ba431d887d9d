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
use tokio::time::timeout;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::channel::{Channel, Progress};
use super::health::Visit;
use super::reserve::{Insistence, reserve};
use super::settle::{Settled, Settler};
use super::tab::{Closing, Tab};
use super::{AnswerStream, GatewayError};
use crate::class::{Classify, ErrorClass};
use crate::dialect::{Ending, StreamError, StreamFault};
use crate::id::HoldId;
use crate::ledger::{Hold, Ledger, LedgerError, Outcome, ReserveRequest};
use crate::provider::{ProviderError, ReplyBody};
use crate::routing::Verdict;

/// Tokens that a model may generate unseen in a second of silence: reasoning that is not shown.
/// See `docs/decisions/0006-unseen-output.md`.
const UNSEEN_TOKENS_PER_SECOND: u64 = 100;

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
    /// The process stops.
    ShutDown,
}

/// What one step of a stream found.
enum Step {
    /// Look again: frames may be waiting.
    Again,
    /// Nothing came for a while.
    Silence,
    /// The charge is durable and the last frames are waiting.
    Closed,
}

/// Work of the ledger that runs beside the stream.
enum Chore {
    Extended(HoldId, u64, Result<Hold, LedgerError>),
    Noted,
}

type ChoreFuture = Pin<Box<dyn Future<Output = Chore> + Send>>;
type SettleFuture = Pin<Box<dyn Future<Output = Result<Settled, GatewayError>> + Send>>;

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
    channel: Channel,
    visit: Visit,
    body: Option<ReplyBody>,
    /// The body of a complete answer, which is still to be read to its end.
    trailer: Option<ReplyBody>,
    chore: Option<ChoreFuture>,
    frames: VecDeque<Bytes>,
    /// The ledger refused to hold more.
    no_more_funds: bool,
    unseen: Unseen,
    noted_at: Duration,
    client_left: bool,
    shut_down: Pin<Box<WaitForCancellationFutureOwned>>,
    ending: Option<End>,
    settlement: Option<SettleFuture>,
}

impl Relay {
    /// A stream that has begun: its body, what may pass of it already, and where it comes from.
    pub(super) fn new(
        settler: Arc<Settler>,
        tab: Tab,
        channel: Channel,
        (body, frames, visit): (ReplyBody, Vec<Bytes>, Visit),
    ) -> Self {
        settler.observer().streams_changed(1);
        let now = settler.clock().monotonic();
        let mut running = Running {
            tab,
            channel,
            visit,
            body: Some(body),
            trailer: None,
            chore: None,
            frames: frames.into(),
            no_more_funds: false,
            unseen: Unseen { seen: 0, looked_at: now, silence: Duration::ZERO },
            noted_at: now,
            client_left: false,
            shut_down: Box::pin(settler.shut_down()),
            ending: None,
            settlement: None,
        };
        running.look();
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
                Step::Silence => return Some(running.channel.keep_alive()),
                Step::Closed => {
                    self.last = std::mem::take(&mut running.frames);
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
        let permit = settler.drain_permit();
        if permit.is_none() {
            self.end(End::Abandoned);
        }
        let mut patience = std::pin::pin!(settler.wait_patiently());
        loop {
            self.frames.clear();
            tokio::select! {
                biased;
                () = &mut patience, if self.ending.is_none() => self.end(End::Abandoned),
                step = self.step(&settler) => if matches!(step, Step::Closed) { return },
            }
        }
    }

    async fn step(&mut self, settler: &Arc<Settler>) -> Step {
        match self.ending {
            Some(end) => self.close(end, settler).await,
            None => self.advance(settler).await,
        }
    }

    /// Decides how the stream ends; the first decision stands.
    fn end(&mut self, end: End) {
        let end = if self.client_left && end == End::Exhausted { End::Abandoned } else { end };
        if self.ending.is_none() && matches!(end, End::Interrupted(_)) && !self.is_about_the_request() {
            self.visit.report(Verdict::Failed);
        }
        self.ending.get_or_insert(end);
        let body = self.body.take();
        if end == End::Complete {
            self.trailer = body;
        }
    }

    /// Whether the provider refuses the request itself, although it had accepted it.
    fn is_about_the_request(&self) -> bool {
        self.channel.reading().failure == Some(StreamFault::Request)
    }

    /// Takes what comes next: a chunk of the provider, or an answer of the ledger.
    async fn advance(&mut self, settler: &Arc<Settler>) -> Step {
        let used = self.used(settler);
        self.start_chore(used, settler);
        let silence = settler.config().keep_alive;
        if used >= self.tab.covered && self.tab.covered < self.tab.ask.output_tokens {
            let Some(chore) = self.chore.as_mut() else {
                self.end(End::Exhausted);
                return Step::Again;
            };
            let Ok(done) = timeout(silence, chore).await else { return Step::Silence };
            self.apply(done);
            return Step::Again;
        }
        let Self { body, chore, shut_down, .. } = self;
        let next = async {
            match body.as_mut() {
                Some(body) => body.next().await,
                None => None,
            }
        };
        tokio::select! {
            biased;
            done = finished(chore) => self.apply(done),
            () = shut_down => self.end(End::ShutDown),
            chunk = timeout(silence, next) => match chunk {
                Ok(chunk) => self.take(chunk),
                Err(_elapsed) => return Step::Silence,
            },
        }
        Step::Again
    }

    /// Output tokens until now: those that were seen, and those that may have been generated
    /// while nothing was to be seen.
    fn used(&mut self, settler: &Settler) -> u64 {
        let seen = self.channel.reading().output_tokens_estimate();
        seen.saturating_add(self.unseen.look(seen, settler.clock().monotonic()))
    }

    /// Takes one chunk, or the end, of the provider's body.
    fn take(&mut self, chunk: Option<Result<Bytes, ProviderError>>) {
        match chunk {
            Some(Ok(chunk)) => {
                #[cfg(leak_mutants)]
                crate::leak::answer(&chunk);
                self.frames.extend(self.channel.push(chunk));
                self.look();
            }
            Some(Err(ProviderError::Timeout { .. })) => self.end(End::Interrupted(StreamFault::Timeout)),
            Some(Err(_broken)) => self.end(End::Interrupted(StreamFault::Upstream)),
            None => {
                let (frames, ending) = self.channel.end();
                self.frames.extend(frames);
                self.end(match ending {
                    Ending::Complete => End::Complete,
                    Ending::Interrupted => End::Interrupted(StreamFault::Upstream),
                });
            }
        }
    }

    /// Looks whether what has come is the end.
    fn look(&mut self) {
        match self.channel.progress() {
            Progress::Running => {}
            Progress::Complete => self.end(End::Complete),
            Progress::Failed => self.end(End::Interrupted(StreamFault::Upstream)),
        }
    }

    /// Starts an extension when half of what is held is used, or notes what was used.
    fn start_chore(&mut self, used: u64, settler: &Settler) {
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
            let used = self.tab.used_so_far(self.channel.reading());
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
        self.chore = None;
        match chore {
            Chore::Noted => {}
            Chore::Extended(_id, covered, Ok(hold)) => {
                self.no_more_funds |= self.tab.add_hold(&hold, covered).is_err();
            }
            Chore::Extended(id, _covered, Err(error)) => {
                self.no_more_funds = true;
                if error.class() == ErrorClass::Unavailable {
                    tracing::error!(request_id = %self.tab.facts.id, hold = %id, %error, "hold not extended");
                }
            }
        }
    }

    /// Settles, then lays out the last frames.
    async fn close(&mut self, end: End, settler: &Arc<Settler>) -> Step {
        let silence = settler.config().keep_alive;
        if let Some(chore) = self.chore.as_mut() {
            let Ok(done) = timeout(silence, chore).await else { return Step::Silence };
            self.apply(done);
        }
        let outcome = self.outcome(end);
        let settlement = self.settlement.get_or_insert_with(|| {
            let closing = Closing { outcome, status: 200 };
            let request = self.tab.close(self.channel.reading(), closing, settler.clock());
            let settler = Arc::clone(settler);
            Box::pin(async move { settler.finish(request).await })
        });
        let Ok(settled) = timeout(silence, settlement).await else { return Step::Silence };
        if let Some(trailer) = self.trailer.take() {
            settler.read_out(trailer);
        }
        let last = self.last_frames(end, settled.ok());
        self.frames.extend(last);
        Step::Closed
    }

    /// What ends the stream in its dialect. Without a durable charge the answer is not ended as if
    /// it were whole.
    fn last_frames(&mut self, end: End, settled: Option<Settled>) -> Vec<Bytes> {
        let (kind, message) = match (end, settled) {
            (End::Complete, Some(Settled { cost, usage, .. })) => return self.channel.release(cost, &usage),
            (End::Exhausted | End::Abandoned, Some(Settled { cost, usage, .. })) => {
                return self.channel.close_at_limit(cost, &usage);
            }
            (End::Interrupted(kind), _) => (
                self.channel.reading().failure.unwrap_or(kind),
                "The provider broke off the answer. What was received until now is charged.",
            ),
            (End::ShutDown, _) => (
                StreamFault::Unavailable,
                "The server is restarting. What was received until now is charged.",
            ),
            (End::Complete | End::Exhausted | End::Abandoned, None) => (
                StreamFault::Unavailable,
                "The end of the answer is withheld: its charge could not be recorded in time. See its receipt.",
            ),
        };
        let request_id = self.tab.facts.id.to_string();
        self.channel.close_with_error(StreamError { kind, message, request_id: &request_id })
    }

    fn outcome(&self, end: End) -> Outcome {
        let reading = self.channel.reading();
        let known = reading.final_usage;
        match end {
            _ if reading.failed && !reading.output_started => Outcome::UpstreamError,
            _ if reading.failed => Outcome::UpstreamInterrupted,
            End::Interrupted(_fault) if !reading.output_started => Outcome::UpstreamError,
            End::Interrupted(_) | End::ShutDown => Outcome::UpstreamInterrupted,
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

/// Watches for output that cannot be seen: while a model reasons in silence it is assumed to
/// generate at a steady rate, so that the holds grow ahead of the bill.
#[derive(Debug)]
struct Unseen {
    /// Tokens seen at the last look.
    seen: u64,
    looked_at: Duration,
    /// Time in which nothing new was seen.
    silence: Duration,
}

impl Unseen {
    /// Tokens that may have been generated unseen until now.
    fn look(&mut self, seen: u64, now: Duration) -> u64 {
        if seen == self.seen {
            self.silence = self.silence.saturating_add(now.saturating_sub(self.looked_at));
        }
        self.seen = seen;
        self.looked_at = now;
        self.silence.as_secs().saturating_mul(UNSEEN_TOKENS_PER_SECOND)
    }
}

async fn finished(chore: &mut Option<ChoreFuture>) -> Chore {
    match chore {
        Some(chore) => chore.await,
        None => std::future::pending().await,
    }
}

/// Reserves more; only the answer tells whether the hold exists.
fn extend(ledger: Arc<dyn Ledger>, request: ReserveRequest, covered: u64) -> ChoreFuture {
    Box::pin(async move {
        let result = reserve(ledger.as_ref(), &request, Insistence::Long).await;
        Chore::Extended(request.id, covered, result)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_counts_as_unseen_output() {
        let mut unseen = Unseen { seen: 0, looked_at: Duration::ZERO, silence: Duration::ZERO };
        assert_eq!(unseen.look(0, Duration::from_secs(3)), 300);
        assert_eq!(unseen.look(5, Duration::from_secs(60)), 300, "text came");
        assert_eq!(unseen.look(5, Duration::from_secs(61)), 400);
    }
}
