//! An answer on its way from the provider to the client.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::StatusCode;

use super::relay::Relay;
use super::settle::Settled;
use super::shield::Presence;
use super::tab::{Closing, Tab};
use super::{Answer, AnswerBody, Gateway, GatewayError, UpstreamFailure};
use crate::content::Content;
use crate::dialect::{Endpoint, Meter, Reading, StreamFault};
use crate::ledger::Outcome;
use crate::provider::{ProviderError, ReplyBody, UpstreamReply};

/// A provider's answer whose body is still to come.
pub(super) struct Exchange {
    pub(super) gateway: Arc<Gateway>,
    pub(super) tab: Tab,
    pub(super) meter: Meter,
    pub(super) reply: UpstreamReply,
    pub(super) presence: Presence,
    pub(super) lowered_limit: Option<u64>,
}

impl Exchange {
    pub(super) async fn answer(self) -> Result<Answer, GatewayError> {
        match (self.tab.facts.stream, self.reply.is_event_stream) {
            (true, true) => Ok(self.relay()),
            (_, false) => self.whole().await,
            (false, true) => Err(self.gateway.fail(self.tab, UpstreamFailure::Error).await),
        }
    }

    fn relay(self) -> Answer {
        let Self { gateway, tab, meter, reply, lowered_limit, .. } = self;
        let mut answer = head(&tab, &reply, lowered_limit);
        let relay = Relay::new(Arc::clone(&gateway.settler), tab, meter, reply.body);
        answer.body = AnswerBody::Stream(relay.into_stream());
        answer
    }

    async fn whole(self) -> Result<Answer, GatewayError> {
        let Self { gateway, mut tab, mut meter, reply, presence, lowered_limit } = self;
        let mut answer = head(&tab, &reply, lowered_limit);
        let body = tokio::select! {
            body = collect(reply.body, gateway.config.answer_bytes_max) => body,
            () = gateway.settler.patience_over(&presence) => return Err(gateway.abandon(tab, &presence).await),
        };
        let body = match body {
            Ok(body) => body,
            Err(error) => return Err(gateway.fail(tab, super::forward::failure_of(error)).await),
        };
        if meter.read_whole(&body).is_err() {
            return Err(gateway.fail(tab, UpstreamFailure::Error).await);
        }
        tab.first_byte = Some(gateway.parts.clock.monotonic().saturating_sub(tab.facts.started));
        let reading = meter.reading();
        if reading.failed {
            return gateway.whole_failure(tab, reading.failure, body).await;
        }
        let outcome = match (presence.is_gone(), reading.final_usage) {
            (false, true) => Outcome::Completed,
            (false, false) => Outcome::CompletedEstimated,
            (true, true) => Outcome::ClientDisconnected,
            (true, false) => Outcome::ClientDisconnectedEstimated,
        };
        let closing = Closing { outcome, status: answer.status.as_u16() };
        let Settled { cost, available } = gateway.settler.settle(&tab, reading, closing).await?;
        answer.cost = Some(cost);
        answer.balance = Some(available);
        answer.body = AnswerBody::Whole(Content::new(body));
        Ok(answer)
    }
}

impl Gateway {
    /// Nobody waits for an answer of which nothing was passed on: the client has left and patience
    /// is over, which costs the prompt; or the process stops, which costs nothing.
    pub(super) async fn abandon(&self, tab: Tab, presence: &Presence) -> GatewayError {
        let (outcome, status) = match presence.is_gone() {
            true => (Outcome::ClientDisconnectedEstimated, 499),
            false => (Outcome::UpstreamError, 503),
        };
        drop(self.settler.settle(&tab, &Reading::default(), Closing { outcome, status }).await);
        GatewayError::Stopping
    }

    /// An answer with the status of a success that says that the provider failed. Nothing was
    /// delivered, so nothing is charged. What is about the request itself passes.
    async fn whole_failure(
        self: &Arc<Self>,
        tab: Tab,
        fault: Option<StreamFault>,
        body: Bytes,
    ) -> Result<Answer, GatewayError> {
        let failure = match fault {
            Some(StreamFault::Request) => {
                // A response object says for itself that it failed; elsewhere the status must.
                let is_response = tab.facts.endpoint == Endpoint::Responses;
                let status = if is_response { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                return Ok(self.pass_error(tab, status, body).await);
            }
            Some(StreamFault::Timeout) => UpstreamFailure::Timeout,
            Some(StreamFault::Overloaded) => UpstreamFailure::Overloaded,
            Some(StreamFault::Unavailable) => UpstreamFailure::Operator,
            Some(StreamFault::Upstream) | None => UpstreamFailure::Error,
        };
        Err(self.fail(tab, failure).await)
    }
}

fn head(tab: &Tab, reply: &UpstreamReply, lowered_limit: Option<u64>) -> Answer {
    Answer {
        id: tab.facts.id,
        status: reply.status,
        model: tab.facts.model.id.clone(),
        vendor: tab.facts.model.vendor,
        upstream_request_id: reply.upstream_request_id.clone(),
        cost: None,
        balance: None,
        lowered_limit,
        standings: tab.standings.clone(),
        body: AnswerBody::Whole(Content::from_static(b"")),
    }
}

/// Reads a body to its end.
///
/// # Errors
/// [`ProviderError::TooLarge`] above `bytes_max`, and whatever the provider fails with.
pub(super) async fn collect(mut body: ReplyBody, bytes_max: usize) -> Result<Bytes, ProviderError> {
    let Some(first) = body.next().await.transpose()? else { return Ok(Bytes::new()) };
    let Some(second) = body.next().await.transpose()? else {
        return if first.len() <= bytes_max { Ok(first) } else { Err(ProviderError::TooLarge) };
    };
    let mut whole = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if whole.len().saturating_add(chunk.len()) > bytes_max {
            return Err(ProviderError::TooLarge);
        }
        whole.extend_from_slice(&chunk);
        next = body.next().await.transpose()?;
    }
    Ok(whole.freeze())
}
