//! Calls that cost nothing: counting tokens. No hold, no record, never blocked by the balance.

use super::exchange::collect;
use super::forward::{failure_of, failure_of_status};
use super::receive::Received;
use super::{Answer, AnswerBody, Gateway, GatewayError, UpstreamFailure};
use crate::content::Content;
use crate::dialect::{Edits, edit};
use crate::limit::{Claim, LimitKey, Quota};
use crate::money::Money;
use crate::provider::{Provider as _, UpstreamCall, forwardable};

/// Largest answer of a free call, in bytes.
const FREE_BYTES_MAX: usize = 64 << 10;

impl Gateway {
    pub(super) async fn pass_free(&self, received: Received) -> Result<Answer, GatewayError> {
        let chosen = self.choose(&received).await?;
        let key = received.caller.key();
        if let Some(requests) = key.limits.requests_per_minute {
            let quota = Quota::per_minute(requests.into());
            self.parts.limiter.take(&[Claim { key: LimitKey::KeyRequests(key.id), quota, cost: 1 }]).await?;
        }
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
        if !reply.status.is_success() {
            if let Some(failure) = failure_of_status(reply.status, reply.retry_after) {
                return Err(failed(failure));
            }
        }
        let body = collect(reply.body, FREE_BYTES_MAX).await.map_err(|error| failed(failure_of(error)))?;
        Ok(Answer {
            id: received.id,
            status: reply.status,
            model: chosen.model.id.clone(),
            vendor,
            upstream_request_id: reply.upstream_request_id,
            cost: Some(Money::ZERO),
            balance: None,
            lowered_limit: None,
            retry_after: None,
            body: AnswerBody::Whole(Content::new(body)),
        })
    }
}
