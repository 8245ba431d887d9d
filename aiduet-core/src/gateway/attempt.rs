//! One attempt at an upstream: from the call to the first byte that may go to the client.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use tokio::time::{Instant, timeout_at};

use super::channel::{Channel, Form, Progress};
use super::exchange::collect;
use super::health::Visit;
use super::judge::{Failure, judge};
use super::prepare::Prepared;
use super::receive::Received;
use super::shield::Presence;
use super::{Gateway, UpstreamFailure};
use crate::dialect::{Ending, MeterConfig, StreamFault};
use crate::id::RequestId;
use crate::ledger::{Attempt, AttemptResult};
use crate::provider::{ReplyBody, UpstreamReply, UpstreamRequestId};
use crate::routing::{Upstream, Verdict};
use crate::translate::Opened;

/// Largest error body that is read and passed on, in bytes.
const ERROR_BYTES_MAX: usize = 64 << 10;
/// How long the body of an error may take.
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// What an attempt needs to know.
#[derive(Clone, Copy)]
pub(super) struct Leg<'a> {
    pub(super) received: &'a Received,
    pub(super) prepared: &'a Prepared,
    pub(super) presence: &'a Presence,
    /// When an answer must have begun.
    pub(super) limit: Instant,
    pub(super) recourse: Recourse,
}

/// Whether something else can be done when an attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recourse {
    /// There is another upstream or model.
    Elsewhere,
    /// The same call may be repeated.
    Again,
    /// Nothing.
    None,
}

/// What came of an attempt.
pub(super) enum Attempted {
    /// An answer has begun, or is here.
    Begun(Box<Begun>),
    /// The provider refuses the request itself.
    Declined(StatusCode, Bytes),
    /// It failed; nothing went to the client.
    Failed(Failure),
    /// The client left, and patience is over.
    Abandoned,
}

/// An answer on its way.
pub(super) struct Begun {
    pub(super) status: StatusCode,
    pub(super) channel: Channel,
    pub(super) body: BegunBody,
}

/// The body of an answer that has begun.
pub(super) enum BegunBody {
    /// A stream, and what may pass of it already.
    Stream(ReplyBody, Vec<Bytes>),
    /// All of it.
    Whole(Bytes),
}

/// How an attempt went, for its record.
struct Log {
    begun: Duration,
    head: Option<Duration>,
    upstream_request_id: Option<UpstreamRequestId>,
}

impl Gateway {
    /// Makes one attempt, judges the upstream by it, and returns what the record says of it.
    pub(super) async fn attempt(
        &self,
        leg: Leg<'_>,
        visit: &mut Visit,
    ) -> (Attempted, Attempt, Option<UpstreamRequestId>) {
        let clock = &self.parts.clock;
        let mut log = Log { begun: clock.monotonic(), head: None, upstream_request_id: None };
        let attempted = tokio::select! {
            attempted = self.exchange(leg, visit, &mut log) => attempted,
            () = self.settler.patience_over(leg.presence) => Attempted::Abandoned,
        };
        let (result, verdict) = match &attempted {
            Attempted::Begun(begun) => (AttemptResult::Status(begun.status.as_u16()), Verdict::Works),
            Attempted::Declined(status, _body) => (AttemptResult::Status(status.as_u16()), Verdict::Works),
            Attempted::Failed(failure) => (failure.result, failure.verdict),
            Attempted::Abandoned => (AttemptResult::Timeout, Verdict::Nothing),
        };
        visit.report(verdict);
        let took = log.head.unwrap_or_else(|| clock.monotonic().saturating_sub(log.begun));
        let attempt = Attempt {
            upstream: visit.upstream().name.clone(),
            result,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        (attempted, attempt, log.upstream_request_id)
    }

    async fn exchange(&self, leg: Leg<'_>, visit: &Visit, log: &mut Log) -> Attempted {
        let call = leg.prepared.call(leg.received);
        let reply = match timeout_at(leg.limit, visit.upstream().provider.send(call)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Attempted::Failed(Failure::of_error(error)),
            Err(_elapsed) => return Attempted::Failed(Failure::late()),
        };
        log.head = Some(self.parts.clock.monotonic().saturating_sub(log.begun));
        log.upstream_request_id = reply.upstream_request_id.clone();
        if !reply.status.is_success() {
            return error_reply(reply).await;
        }
        match (leg.received.head.stream, reply.is_event_stream) {
            (true, true) => self.begin_stream(leg, reply).await,
            (_, false) if !leg.received.is_stage => self.take_whole(leg, reply).await,
            (false, true) | (_, false) => Attempted::Failed(Failure::nonsense()),
        }
    }

    /// Waits for the first frame while something else can still be done.
    async fn begin_stream(&self, leg: Leg<'_>, reply: UpstreamReply) -> Attempted {
        let UpstreamReply { status, mut body, .. } = reply;
        let form = if leg.received.is_stage { Form::Plain } else { Form::Stream };
        let mut channel = self.channel(leg, form);
        let first = match leg.recourse {
            Recourse::Elsewhere => first_frames(&mut body, &mut channel, leg.limit).await,
            Recourse::Again => {
                let silence = Instant::now().checked_add(self.config.keep_alive).unwrap_or(leg.limit);
                first_frames(&mut body, &mut channel, silence.min(leg.limit)).await
            }
            Recourse::None => Ok(Some(Vec::new())),
        };
        let frames = match (first, leg.recourse) {
            (Ok(Some(frames)), _) => frames,
            (Ok(None), Recourse::Elsewhere) => return Attempted::Failed(Failure::late()),
            // It may only be slow: the client gets keep-alives from here on.
            (Ok(None), Recourse::Again | Recourse::None) => Vec::new(),
            (Err(failure), _) => return Attempted::Failed(failure),
        };
        Attempted::Begun(Box::new(Begun { status, channel, body: BegunBody::Stream(body, frames) }))
    }

    /// Reads an answer to its end.
    async fn take_whole(&self, leg: Leg<'_>, reply: UpstreamReply) -> Attempted {
        let UpstreamReply { status, body, .. } = reply;
        let body = match timeout_at(leg.limit, collect(body, self.config.answer_bytes_max)).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => return Attempted::Failed(Failure::of_error(error)),
            Err(_elapsed) => return Attempted::Failed(Failure::late()),
        };
        let mut channel = self.channel(leg, Form::Whole);
        if channel.read_whole(&body).is_err() {
            return Attempted::Failed(Failure::nonsense());
        }
        let reading = channel.reading();
        match reading.failure {
            Some(StreamFault::Request) => {
                // A response object says for itself that it failed; elsewhere the status must.
                let is_response = leg.received.endpoint == crate::dialect::Endpoint::Responses
                    && leg.prepared.plan.is_none();
                Attempted::Declined(if is_response { status } else { StatusCode::BAD_REQUEST }, body)
            }
            Some(fault) => Attempted::Failed(Failure::of_fault(fault)),
            None => Attempted::Begun(Box::new(Begun { status, channel, body: BegunBody::Whole(body) })),
        }
    }

    fn channel(&self, leg: Leg<'_>, form: Form) -> Channel {
        let Leg { received, prepared, .. } = leg;
        let config = MeterConfig {
            endpoint: prepared.endpoint,
            relay_usage: received.head.wants_usage,
            long_cache: received.head.long_cache,
            asked: received.head.modifiers,
        };
        let Some(plan) = &prepared.plan else { return Channel::plain(config) };
        Channel::translating(config, form, (plan.clone(), self.opened(received.id)))
    }

    /// What a translated answer to a request begins with.
    pub(super) fn opened(&self, id: RequestId) -> Opened {
        Opened {
            created: u64::try_from(self.parts.clock.now().seconds()).unwrap_or_default(),
            fallback_id: id.as_uuid().simple().to_string(),
        }
    }
}

/// The first frames that may pass; `None` when none came in time.
async fn first_frames(
    body: &mut ReplyBody,
    channel: &mut Channel,
    limit: Instant,
) -> Result<Option<Vec<Bytes>>, Failure> {
    loop {
        let Ok(chunk) = timeout_at(limit, body.next()).await else { return Ok(None) };
        let frames = match chunk {
            Some(Ok(chunk)) => channel.push(chunk),
            Some(Err(error)) => return Err(Failure::of_error(error)),
            None => match channel.end() {
                (frames, Ending::Complete) => return Ok(Some(frames)),
                (_frames, Ending::Interrupted) => return Err(failure_in(channel)),
            },
        };
        match channel.progress() {
            // What is about the request itself is passed on, by whoever relays.
            Progress::Failed if is_about_the_request(channel) => return Ok(Some(frames)),
            Progress::Failed if frames.is_empty() => return Err(failure_in(channel)),
            Progress::Complete | Progress::Failed => return Ok(Some(frames)),
            Progress::Running if frames.is_empty() => {}
            Progress::Running => return Ok(Some(frames)),
        }
    }
}

fn is_about_the_request(channel: &Channel) -> bool {
    channel.reading().failure == Some(StreamFault::Request)
}

fn failure_in(channel: &Channel) -> Failure {
    channel.reading().failure.map_or_else(Failure::nonsense, Failure::of_fault)
}

/// An error of the provider: about the request itself, or trouble of its own.
async fn error_reply(reply: UpstreamReply) -> Attempted {
    let UpstreamReply { status, retry_after, body, .. } = reply;
    let body = tokio::time::timeout(ERROR_PATIENCE, collect(body, ERROR_BYTES_MAX)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    match judge(status, retry_after, &body) {
        Some(failure) => Attempted::Failed(failure),
        None => Attempted::Declined(status, body),
    }
}

impl Gateway {
    /// Tells the operator of a failed attempt.
    pub(super) fn note_failure(&self, request: RequestId, upstream: &Upstream, failure: Failure) {
        self.parts.observer.upstream_failed(upstream.vendor, failure.kind);
        if failure.kind == UpstreamFailure::Operator {
            tracing::error!(
                request_id = %request,
                upstream = upstream.name.as_str(),
                "the provider refuses the operator's credential or credit"
            );
        }
    }
}
