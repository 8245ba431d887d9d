//! Calls that cost nothing: counting tokens. No hold, no record, never blocked by the balance.

use super::exchange::collect;
use super::forward::{failure_of, judge};
use super::receive::Received;
use super::{Answer, AnswerBody, Gateway, GatewayError, UpstreamFailure};
use crate::content::Content;
use crate::dialect::{Edits, edit};
use crate::money::Money;
use crate::provider::{UpstreamCall, forwardable};

/// Largest answer of a free call, in bytes.
const FREE_BYTES_MAX: usize = 64 << 10;

impl Gateway {
    pub(super) async fn pass_free(&self, received: Received) -> Result<Answer, GatewayError> {
        let chosen = self.choose(&received).await?;
        let standings = self.take_rate(&received, 0).await?;
        let _slot = self.take_slot(&received).await?;
        let edits = Edits { model: chosen.model_edit.as_ref(), ..Edits::default() };
        let call = UpstreamCall {
            endpoint: received.endpoint,
            request: received.id,
            headers: forwardable(received.endpoint, &received.headers),
            body: edit(received.endpoint, &received.body, &received.head, &edits),
            stream: false,
        };
        let vendor = chosen.model.vendor;
        let failed = |failure: UpstreamFailure| {
            self.parts.observer.upstream_failed(vendor, failure);
            GatewayError::Upstream(failure)
        };
        let reply = chosen.upstream.provider.send(call).await.map_err(|error| failed(failure_of(error)))?;
        let body = collect(reply.body, FREE_BYTES_MAX).await.map_err(|error| failed(failure_of(error)))?;
        if !reply.status.is_success()
            && let Some(failure) = judge(reply.status, reply.retry_after, &body)
        {
            return Err(failed(failure));
        }
        Ok(Answer {
            id: received.id,
            status: reply.status,
            model: chosen.model.id.clone(),
            vendor,
            upstream_request_id: reply.upstream_request_id,
            cost: Some(Money::ZERO),
            balance: None,
            lowered_limit: None,
            standings,
            body: AnswerBody::Whole(Content::new(body)),
        })
    }
}
