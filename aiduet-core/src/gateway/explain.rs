//! What the duet would decide about a request: no call, no charge.

use http::HeaderMap;

use super::prepare::ask;
use super::receive::Received;
use super::{Caller, Gateway, GatewayError, GatewayRequest, Refusal};
use crate::content::Content;
use crate::dialect::{Endpoint, body_members};
use crate::duet::{Explanation, RoleChoice};
use crate::id::RequestId;
use crate::limit::Standing;
use crate::money::Money;
use crate::price::quote;

/// A body of which the decision is asked.
pub struct ExplainRequest {
    /// The identifier of the request.
    pub id: RequestId,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body of a generating call, of whichever dialect.
    pub body: Content,
}

impl std::fmt::Debug for ExplainRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExplainRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A decision, and what the call would be.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The decision.
    pub explanation: Explanation,
    /// What the call would come to.
    pub estimate: Estimate,
    /// What is left of the rate limits of the key.
    pub standings: Vec<Standing>,
}

/// What a call would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The endpoint that the body was read as.
    pub endpoint: Endpoint,
    /// About how many tokens the prompt has.
    pub input_tokens: u64,
    /// The output limit, in tokens.
    pub output_tokens_max: u64,
    /// The most that the call can cost.
    pub price_max: Money,
}

impl Gateway {
    /// Decides as for a call that leaves the model to the duet, and tells the decision in full.
    /// What the body names as a model is passed over unless it is a name of the duet.
    ///
    /// # Errors
    /// [`GatewayError`], as for the call itself.
    pub async fn explain(&self, caller: Caller, request: ExplainRequest) -> Result<Explained, GatewayError> {
        let result = self.try_explain(caller, request).await;
        if let Err(error) = &result {
            self.parts.observer.refused(&Refusal::of(error));
        }
        result
    }

    async fn try_explain(&self, caller: Caller, request: ExplainRequest) -> Result<Explained, GatewayError> {
        self.check_account(&caller).await?;
        let ExplainRequest { id, headers, body } = request;
        let endpoint = endpoint_of(&headers, &body)?;
        let mut received = self.read(caller, GatewayRequest { id, endpoint, headers, body })?;
        let standings = self.take_rate(&received, 0).await?;
        let _slot = self.take_slot(&received).await?;
        self.leave_to_duet(&mut received)?;
        if self.wants_ensemble(&received)? {
            let (explanation, estimate) = self.explain_ensemble(&received).await?;
            return Ok(Explained { explanation, estimate, standings });
        }
        let route = self.choose(&received).await?;
        let (_place, candidate, prepared) = self.first_that_serves(&received, &route)?;
        let ask = ask(&received, &candidate, &prepared);
        let Some(duet) = &route.duet else { return Err(GatewayError::Internal) };
        Ok(Explained {
            explanation: duet.explanation(),
            estimate: Estimate {
                endpoint,
                input_tokens: received.head.input_tokens_guess,
                output_tokens_max: ask.output_tokens,
                price_max: quote(&candidate.model, &ask, self.config.margin)?,
            },
            standings,
        })
    }

    /// Forgets the models that a request names, but for names of the duet.
    fn leave_to_duet(&self, received: &mut Received) -> Result<(), GatewayError> {
        received.head.fallbacks.clear();
        let name = received.head.model.as_ref().map(|name| name.expose());
        let choice = name.map(RoleChoice::from_model).transpose();
        let is_named = choice.map_err(|_unknown| GatewayError::ModelNotFound)?.flatten().is_some();
        if !is_named || self.duet_choice(received)?.is_none() {
            received.head.model = None;
        }
        Ok(())
    }
}

/// The endpoint whose body this is: Responses have `input`, and clients of Messages say so in a
/// header or have a `system` text of its own.
fn endpoint_of(headers: &HeaderMap, body: &Content) -> Result<Endpoint, GatewayError> {
    let members = body_members(body.expose()).map_err(GatewayError::Invalid)?;
    let has = |name: &str| members.iter().any(|(member, _value)| member == name);
    Ok(if headers.contains_key("anthropic-version") || has("system") {
        Endpoint::Messages
    } else if has("input") {
        Endpoint::Responses
    } else {
        Endpoint::ChatCompletions
    })
}
