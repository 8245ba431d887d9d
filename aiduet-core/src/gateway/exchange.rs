//! An answer on its way from the provider to the client.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::attempt::{Begun, BegunBody};
use super::health::Visit;
use super::judge::Failure;
use super::relay::Relay;
use super::settle::Settled;
use super::shield::Presence;
use super::tab::{Closing, Tab, completed};
use super::{Answer, AnswerBody, Gateway, GatewayError};
use crate::content::Content;
use crate::provider::{ProviderError, ReplyBody};

/// A provider's answer that has begun.
pub(super) struct Exchange {
    pub(super) gateway: Arc<Gateway>,
    pub(super) tab: Tab,
    pub(super) begun: Begun,
    pub(super) visit: Visit,
    pub(super) presence: Presence,
    pub(super) lowered_limit: Option<u64>,
}

impl Exchange {
    pub(super) async fn answer(self) -> Result<Answer, GatewayError> {
        let Self { gateway, mut tab, begun, visit, presence, lowered_limit } = self;
        let Begun { status, channel, body } = begun;
        let mut answer = Answer { lowered_limit, ..Answer::head(&tab, status) };
        let whole = match body {
            BegunBody::Stream(body, frames) => {
                let relay = Relay::new(Arc::clone(&gateway.settler), tab, channel, (body, frames, visit));
                answer.body = AnswerBody::Stream(relay.into_stream());
                return Ok(answer);
            }
            BegunBody::Whole(whole) => whole,
        };
        tab.first_byte = Some(gateway.parts.clock.monotonic().saturating_sub(tab.facts.started));
        let reading = channel.reading();
        let outcome = completed((presence.is_gone(), reading.final_usage));
        let closing = Closing { outcome, status: status.as_u16() };
        let request = tab.close(reading, closing, gateway.settler.clock());
        let Ok(told) = channel.write_whole(Content::new(whole), &request.record.usage) else {
            return Err(gateway.fail(tab, Failure::nonsense().kind).await);
        };
        let Settled { cost, available, .. } = gateway.settler.finish(request).await?;
        answer.cost = Some(cost);
        answer.balance = Some(available);
        answer.body = AnswerBody::Whole(told);
        Ok(answer)
    }
}

impl Answer {
    /// What is known of an answer before its body, of the model that the bill is for.
    pub(super) fn head(tab: &Tab, status: http::StatusCode) -> Self {
        Self {
            id: tab.facts.id,
            status,
            model: tab.facts.model.id.clone(),
            vendor: tab.facts.model.vendor,
            duet: tab.routed(),
            upstream_request_id: tab.upstream_request_id.clone(),
            cost: None,
            balance: None,
            lowered_limit: None,
            standings: tab.standings.clone(),
            body: AnswerBody::Whole(Content::from_static(b"")),
        }
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
