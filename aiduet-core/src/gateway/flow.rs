//! An answer as it flows from a provider: chunks are read, usage beside them, and the ledger is kept
//! posted. Who passes the frames on, and settles, is not its concern.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::channel::{Channel, Progress};
use super::health::Visit;
use super::reserve::{Insistence, reserve};
use super::settle::Settler;
use super::tab::{Tab, completed};
use crate::class::{Classify, ErrorClass};
use crate::dialect::{Ending, StreamFault};
use crate::id::HoldId;
use crate::ledger::{Hold, Ledger, LedgerError, Outcome, ReserveRequest};
use crate::provider::{ProviderError, ReplyBody};
use crate::routing::Verdict;

/// Tokens that a model may generate unseen in a second of silence: reasoning that is not shown.
/// See `docs/decisions/0006-unseen-output.md`.
const UNSEEN_TOKENS_PER_SECOND: u64 = 100;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
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

/// What one step of a flow found.
pub(super) enum Step {
    /// Look again: frames may be waiting, or it has ended.
    Again,
    /// Nothing came for a while.
    Silence,
}

/// Work of the ledger that runs beside the stream.
enum Chore {
    Extended(HoldId, u64, Result<Hold, LedgerError>),
    Noted,
}

type ChoreFuture = Pin<Box<dyn Future<Output = Chore> + Send>>;

/// An answer that has begun.
pub(super) struct Flow {
    pub(super) tab: Tab,
    pub(super) channel: Channel,
    visit: Visit,
    body: Option<ReplyBody>,
    /// The body of a complete answer, which is still to be read to its end.
    trailer: Option<ReplyBody>,
    chore: Option<ChoreFuture>,
    pub(super) frames: VecDeque<Bytes>,
    /// The ledger refused to hold more, or nothing more is to be held.
    pub(super) no_more_funds: bool,
    unseen: Unseen,
    noted_at: Duration,
    pub(super) client_left: bool,
    shut_down: Pin<Box<WaitForCancellationFutureOwned>>,
    ending: Option<End>,
}

impl Flow {
    /// An answer that has begun: its body, what may pass of it already, and where it comes from.
    pub(super) fn new(
        settler: &Settler,
        tab: Tab,
        channel: Channel,
        (body, frames, visit): (ReplyBody, Vec<Bytes>, Visit),
    ) -> Self {
        let now = settler.clock().monotonic();
        let mut flow = Self {
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
        };
        flow.look();
        flow
    }

    /// How it has ended, once it has.
    pub(super) const fn ended(&self) -> Option<End> {
        self.ending
    }

    /// Decides how the stream ends; the first decision stands.
    pub(super) fn end(&mut self, end: End) {
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
    pub(super) async fn advance(&mut self, settler: &Settler) -> Step {
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

    /// Waits for the ledger, if it is at work: the holds are to be known before they are settled.
    pub(super) async fn rest(&mut self, settler: &Settler) -> Step {
        let silence = settler.config().keep_alive;
        if let Some(chore) = self.chore.as_mut() {
            let Ok(done) = timeout(silence, chore).await else { return Step::Silence };
            self.apply(done);
        }
        Step::Again
    }

    /// Reads what comes after the end of a complete answer, in the background.
    pub(super) fn read_out(&mut self, settler: &Settler) {
        if let Some(trailer) = self.trailer.take() {
            settler.read_out(trailer);
        }
    }

    /// What the end means for the bill.
    pub(super) fn outcome(&self, end: End) -> Outcome {
        let reading = self.channel.reading();
        match end {
            _ if reading.failed && !reading.output_started => Outcome::UpstreamError,
            _ if reading.failed => Outcome::UpstreamInterrupted,
            End::Interrupted(_fault) if !reading.output_started => Outcome::UpstreamError,
            End::Interrupted(_) | End::ShutDown => Outcome::UpstreamInterrupted,
            End::Exhausted => Outcome::BalanceExhausted,
            End::Complete | End::Abandoned => completed((self.client_left, reading.final_usage)),
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
