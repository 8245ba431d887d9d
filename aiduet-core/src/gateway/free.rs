//! Calls that cost nothing: counting tokens, in either dialect. No hold, no record, never blocked by
//! the balance.

use super::exchange::collect;
use super::judge::{Failure, judge};
use super::prepare::Prepared;
use super::receive::Received;
use super::route::{Candidate, Route};
use super::{Answer, AnswerBody, Gateway, GatewayError};
use crate::content::Content;
use crate::dialect::{Endpoint, counted_tokens};
use crate::limit::Standing;
use crate::money::Money;
use crate::provider::{UpstreamReply, UpstreamRequestId, Vendor};
use crate::routing::{Tried, Verdict};
use crate::translate::refusal;

/// Largest answer of a free call, in bytes.
const FREE_BYTES_MAX: usize = 64 << 10;

/// An answer as it came.
struct Counted {
    status: http::StatusCode,
    upstream_request_id: Option<UpstreamRequestId>,
    body: Content,
}

impl Gateway {
    pub(super) async fn pass_free(&self, received: Received) -> Result<Answer, GatewayError> {
        self.check_account(&received.caller).await?;
        let route = self.choose(&received).await?;
        let standings = self.take_rate(&received, 0).await?;
        let _slot = self.take_slot(&received).await?;
        let Some(candidate) = route.candidate(0) else { return Err(GatewayError::Internal) };
        let counted = match (received.endpoint, candidate.model.vendor) {
            (Endpoint::CountTokens, Vendor::OpenAi) => estimate(&received),
            _ => self.ask_for_count(&received, &route, candidate).await?,
        };
        let duet = route.duet.as_ref().map(|duet| duet.told(&candidate.model.id));
        Ok(Answer { duet, ..answer(&received, candidate, standings, counted) })
    }

    /// Asks the upstreams of the vendor, one after the other.
    async fn ask_for_count(
        &self,
        received: &Received,
        route: &Route,
        candidate: &Candidate,
    ) -> Result<Counted, GatewayError> {
        let mut prepared = self.prepare(received, candidate, None).map_err(GatewayError::Invalid)?;
        if prepared.plan.is_some() {
            prepared = prepared.counting().map_err(GatewayError::Invalid)?;
        }
        let vendor = candidate.model.vendor;
        let mut tried = Tried::default();
        let mut failed = None;
        while let Some(mut visit) = self.health.visit(vendor, route.affinity, &mut tried) {
            let result = try_count(received, &prepared, visit.upstream().provider.as_ref()).await;
            match result {
                Ok(counted) => {
                    visit.report(Verdict::Works);
                    return Ok(counted);
                }
                Err(failure) => {
                    visit.report(failure.verdict);
                    self.note_failure(received.id, visit.upstream(), failure);
                    failed.get_or_insert(failure.kind);
                    if !failure.moves_on() {
                        break;
                    }
                }
            }
        }
        Err(GatewayError::Upstream(failed.unwrap_or_else(|| self.health.resting(vendor))))
    }
}

async fn try_count(
    received: &Received,
    prepared: &Prepared,
    provider: &dyn crate::provider::Provider,
) -> Result<Counted, Failure> {
    let reply = provider.send(prepared.call(received)).await.map_err(Failure::of_error)?;
    let UpstreamReply { status, retry_after, upstream_request_id, body, .. } = reply;
    let body = collect(body, FREE_BYTES_MAX).await.map_err(Failure::of_error)?;
    if let Some(failure) = judge(status, retry_after, &body).filter(|_failure| !status.is_success()) {
        return Err(failure);
    }
    let body = match &prepared.plan {
        None => Content::new(body),
        Some(_plan) if status.is_success() => told(counted_tokens(&body).ok_or(Failure::nonsense())?),
        Some(plan) => {
            let (body, id) = (Content::new(body), received.id.to_string());
            refusal(plan.client(), plan.upstream(), status.as_u16(), (&body, &id))
        }
    };
    Ok(Counted { status, upstream_request_id, body })
}

/// A number of tokens as the Responses API tells it.
///
/// # Source
/// OpenAI API reference, "Get input token counts", read 2026-11-27.
fn told(tokens: u64) -> Content {
    Content::new(format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}").into())
}

/// Models that have nothing to count with: a quarter of the bytes, and a fixed number for each image
/// or document.
fn estimate(received: &Received) -> Counted {
    let body = format!("{{\"input_tokens\":{}}}", received.head.input_tokens_guess.max(1));
    Counted { status: http::StatusCode::OK, upstream_request_id: None, body: Content::new(body.into()) }
}

fn answer(received: &Received, candidate: &Candidate, standings: Vec<Standing>, counted: Counted) -> Answer {
    let Counted { status, upstream_request_id, body } = counted;
    Answer {
        id: received.id,
        status,
        model: candidate.model.id.clone(),
        vendor: candidate.model.vendor,
        duet: None,
        upstream_request_id,
        cost: Some(Money::ZERO),
        balance: None,
        lowered_limit: None,
        standings,
        body: AnswerBody::Whole(body),
    }
}
