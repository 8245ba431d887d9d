//! The call to the provider, and what its status means for the caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use sha2::{Digest, Sha256};

use super::admit::Admitted;
use super::exchange::{Exchange, collect};
use super::shield::Presence;
use super::tab::{Closing, Tab};
use super::{Answer, AnswerBody, Gateway, GatewayError, UpstreamFailure};
use crate::content::Content;
use crate::dialect::{Dialect, Edits, Endpoint, Meter, MeterConfig, Reading, edit, is_credit_trouble};
use crate::id::AccountId;
use crate::ledger::{Attempt, AttemptResult, Outcome};
use crate::money::Money;
use crate::provider::{ProviderError, Stage, UpstreamCall, UpstreamReply, forwardable};

/// Largest error body that is read and passed on, in bytes.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// What came of a call: an answer that is still to be relayed, or an error of the provider about
/// the request itself, ready to be passed on.
pub(super) enum Forwarded {
    /// The provider answers.
    Answering(Box<Exchange>),
    /// The provider refuses the request.
    Declined(Answer),
}

impl Gateway {
    pub(super) async fn forward(
        self: &Arc<Self>,
        admitted: Admitted,
        presence: Presence,
    ) -> Result<Forwarded, GatewayError> {
        let call = Self::call(&admitted);
        let Admitted { received, upstream, mut tab, lowered_limit, .. } = admitted;
        let begun = self.parts.clock.monotonic();
        let result = tokio::select! {
            result = upstream.provider.send(call) => result,
            () = self.settler.patience_over(&presence) => return Err(self.abandon(tab, &presence).await),
        };
        let duration = self.parts.clock.monotonic().saturating_sub(begun);
        tab.attempts.push(Attempt {
            upstream: upstream.name.clone(),
            result: attempt_result(&result),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => return Err(self.fail(tab, failure_of(error)).await),
        };
        tab.upstream_request_id = reply.upstream_request_id.clone();
        if !reply.status.is_success() {
            return self.decline(tab, reply).await.map(Forwarded::Declined);
        }
        let meter = Meter::new(MeterConfig {
            endpoint: received.endpoint,
            relay_usage: received.head.wants_usage,
            long_cache: received.head.long_cache,
            asked: received.head.modifiers,
        });
        let exchange = Exchange { gateway: Arc::clone(self), tab, meter, reply, presence, lowered_limit };
        Ok(Forwarded::Answering(Box::new(exchange)))
    }

    fn call(admitted: &Admitted) -> UpstreamCall {
        let Admitted { received, model_edit, limit_edit, .. } = admitted;
        let end_user = end_user(received.caller.key().account);
        let edits = Edits {
            model: model_edit.as_ref(),
            output_limit: *limit_edit,
            include_usage: received.endpoint == Endpoint::ChatCompletions && received.head.stream,
            store_false: received.endpoint.dialect() == Dialect::OpenAi
                && received.endpoint != Endpoint::Embeddings,
            end_user: Some(&end_user),
        };
        UpstreamCall {
            endpoint: received.endpoint,
            request: received.id,
            headers: forwardable(received.endpoint, &received.headers),
            body: edit(received.endpoint, &received.body, &received.head, &edits),
            stream: received.head.stream,
        }
    }

    /// The provider failed before any output: nothing is charged.
    pub(super) async fn fail(&self, tab: Tab, failure: UpstreamFailure) -> GatewayError {
        self.parts.observer.upstream_failed(tab.facts.model.vendor, failure);
        if failure == UpstreamFailure::Operator {
            let upstream = tab.attempts.last().map(|attempt| attempt.upstream.as_str().to_owned());
            tracing::error!(request_id = %tab.facts.id, upstream, "the provider refuses the operator's credential or credit");
        }
        let error = GatewayError::Upstream(failure);
        let closing = Closing { outcome: Outcome::UpstreamError, status: status_of(failure) };
        // Nothing is charged, so a release that is not durable yet changes nothing for the caller.
        drop(self.settler.settle(&tab, &Reading::default(), closing).await);
        error
    }

    /// An error of the provider: passed on if it is about the request, else in our own words.
    async fn decline(&self, tab: Tab, reply: UpstreamReply) -> Result<Answer, GatewayError> {
        let (status, retry_after) = (reply.status, reply.retry_after);
        let body = collect(reply.body, ERROR_BYTES_MAX).await.unwrap_or_default();
        let Some(failure) = judge(status, retry_after, &body) else {
            return Ok(self.pass_error(tab, status, body).await);
        };
        Err(self.fail(tab, failure).await)
    }

    pub(super) async fn pass_error(&self, tab: Tab, status: StatusCode, body: Bytes) -> Answer {
        let closing = Closing { outcome: Outcome::UpstreamError, status: status.as_u16() };
        let settled = self.settler.settle(&tab, &Reading::default(), closing).await.ok();
        Answer {
            id: tab.facts.id,
            status,
            model: tab.facts.model.id.clone(),
            vendor: tab.facts.model.vendor,
            upstream_request_id: tab.upstream_request_id,
            cost: Some(Money::ZERO),
            balance: settled.map(|settled| settled.available),
            lowered_limit: None,
            standings: tab.standings,
            body: AnswerBody::Whole(Content::new(body)),
        }
    }
}

/// What a provider is told in place of whatever a client calls its own users: a name per account
/// that does not change and says nothing.
fn end_user(account: AccountId) -> String {
    let digest =
        Sha256::new().chain_update("end user at a provider").chain_update(account.as_uuid()).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

const fn attempt_result(result: &Result<UpstreamReply, ProviderError>) -> AttemptResult {
    match result {
        Ok(reply) => AttemptResult::Status(reply.status.as_u16()),
        Err(ProviderError::Connect) => AttemptResult::Connect,
        Err(ProviderError::Timeout { .. }) => AttemptResult::Timeout,
        Err(ProviderError::Broken { .. } | ProviderError::TooLarge) => AttemptResult::Broken,
    }
}

/// What a broken exchange means for the caller.
pub(super) const fn failure_of(error: ProviderError) -> UpstreamFailure {
    match error {
        ProviderError::Connect | ProviderError::Timeout { stage: Stage::Connect } => {
            UpstreamFailure::Unreachable
        }
        ProviderError::Timeout { .. } => UpstreamFailure::Timeout,
        ProviderError::Broken { .. } | ProviderError::TooLarge => UpstreamFailure::Error,
    }
}

/// What an error of the provider means for the caller; `None`: it is about the request and passes.
pub(super) fn judge(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
) -> Option<UpstreamFailure> {
    if is_credit_trouble(body) {
        return Some(UpstreamFailure::Operator);
    }
    let unreadable = || (!is_json_object(body)).then_some(UpstreamFailure::Error);
    failure_of_status(status, retry_after).or_else(unreadable)
}

fn failure_of_status(status: StatusCode, retry_after: Option<Duration>) -> Option<UpstreamFailure> {
    match status.as_u16() {
        401..=403 => Some(UpstreamFailure::Operator),
        404 => Some(UpstreamFailure::UnknownModel),
        408 | 504 => Some(UpstreamFailure::Timeout),
        413 => Some(UpstreamFailure::TooLarge),
        429 => Some(UpstreamFailure::RateLimited { retry_after }),
        503 | 529 => Some(UpstreamFailure::Overloaded),
        400..=499 => None,
        _ => Some(UpstreamFailure::Error),
    }
}

/// The status that a failure is recorded with; what the client gets is decided by its dialect.
const fn status_of(failure: UpstreamFailure) -> u16 {
    match failure {
        UpstreamFailure::Error => 502,
        UpstreamFailure::Unreachable | UpstreamFailure::Operator | UpstreamFailure::Overloaded => 503,
        UpstreamFailure::Timeout => 504,
        UpstreamFailure::RateLimited { .. } => 429,
        UpstreamFailure::TooLarge => 413,
        UpstreamFailure::UnknownModel => 404,
    }
}

fn is_json_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}
