//! The stream to the client: bytes pass as they come, and the last frame waits until the charge is
//! durable.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::channel::Channel;
use super::flow::{self, End, Flow};
use super::health::Visit;
use super::settle::{Settled, Settler};
use super::tab::{Closing, Tab};
use super::{AnswerStream, GatewayError};
use crate::dialect::{StreamError, StreamFault};
use crate::provider::ReplyBody;

/// What one step of a stream found.
enum Step {
    /// Look again: frames may be waiting.
    Again,
    /// Nothing came for a while.
    Silence,
    /// The charge is durable and the last frames are waiting.
    Closed,
}

type SettleFuture = Pin<Box<dyn Future<Output = Result<Settled, GatewayError>> + Send>>;

impl From<flow::Step> for Step {
    fn from(step: flow::Step) -> Self {
        match step {
            flow::Step::Again => Self::Again,
            flow::Step::Silence => Self::Silence,
        }
    }
}

/// A stream to a client. When it is dropped before its end, the rest is read and settled in the
/// background.
pub(super) struct Relay {
    running: Option<Box<Running>>,
    last: VecDeque<Bytes>,
    settler: Arc<Settler>,
    runtime: Handle,
}

struct Running {
    flow: Flow,
    settlement: Option<SettleFuture>,
}

impl Relay {
    /// A stream that has begun: its body, what may pass of it already, and where it comes from.
    pub(super) fn new(
        settler: Arc<Settler>,
        tab: Tab,
        channel: Channel,
        begun: (ReplyBody, Vec<Bytes>, Visit),
    ) -> Self {
        settler.observer().streams_changed(1);
        let running = Running { flow: Flow::new(&settler, tab, channel, begun), settlement: None };
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
            if let Some(frame) = running.flow.frames.pop_front() {
                running.flow.tab.first_byte.get_or_insert_with(|| {
                    self.settler.clock().monotonic().saturating_sub(running.flow.tab.facts.started)
                });
                return Some(frame);
            }
            match running.step(&self.settler).await {
                Step::Again => {}
                Step::Silence => return Some(running.flow.channel.keep_alive()),
                Step::Closed => {
                    self.last = std::mem::take(&mut running.flow.frames);
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
        running.flow.client_left = true;
        let settler = Arc::clone(&self.settler);
        self.settler.tracker().spawn_on(async move { running.drain(settler).await }, &self.runtime);
    }
}

impl Running {
    /// Reads on after the client has left: at most for the patience of the settler, and at most
    /// to what the holds cover.
    async fn drain(mut self: Box<Self>, settler: Arc<Settler>) {
        self.flow.no_more_funds = true;
        let permit = settler.drain_permit();
        if permit.is_none() {
            self.flow.end(End::Abandoned);
        }
        let mut patience = std::pin::pin!(settler.wait_patiently());
        loop {
            self.flow.frames.clear();
            tokio::select! {
                biased;
                () = &mut patience, if self.flow.ended().is_none() => self.flow.end(End::Abandoned),
                step = self.step(&settler) => if matches!(step, Step::Closed) { return },
            }
        }
    }

    async fn step(&mut self, settler: &Arc<Settler>) -> Step {
        match self.flow.ended() {
            Some(end) => self.close(end, settler).await,
            None => self.flow.advance(settler).await.into(),
        }
    }

    /// Settles, then lays out the last frames.
    async fn close(&mut self, end: End, settler: &Arc<Settler>) -> Step {
        let silence = settler.config().keep_alive;
        if let flow::Step::Silence = self.flow.rest(settler).await {
            return Step::Silence;
        }
        let outcome = self.flow.outcome(end);
        let settlement = self.settlement.get_or_insert_with(|| {
            let closing = Closing { outcome, status: 200 };
            let request = self.flow.tab.close(self.flow.channel.reading(), closing, settler.clock());
            let settler = Arc::clone(settler);
            Box::pin(async move { settler.finish(request).await })
        });
        let Ok(settled) = timeout(silence, settlement).await else { return Step::Silence };
        self.flow.read_out(settler);
        let last = self.last_frames(end, settled.ok());
        self.flow.frames.extend(last);
        Step::Closed
    }

    /// What ends the stream in its dialect. Without a durable charge the answer is not ended as if
    /// it were whole.
    fn last_frames(&mut self, end: End, settled: Option<Settled>) -> Vec<Bytes> {
        let (kind, message) = match (end, settled) {
            (End::Complete, Some(Settled { cost, usage, .. })) => {
                return self.flow.channel.release(cost, &usage);
            }
            (End::Exhausted | End::Abandoned, Some(Settled { cost, usage, .. })) => {
                return self.flow.channel.close_at_limit(cost, &usage);
            }
            (End::Interrupted(kind), _) => (
                self.flow.channel.reading().failure.unwrap_or(kind),
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
        let request_id = self.flow.tab.facts.id.to_string();
        self.flow.channel.close_with_error(StreamError { kind, message, request_id: &request_id })
    }
}
