//! What goes to a provider: the client's bytes with a few edits, or their translation.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::Gateway;
use super::receive::Received;
use super::route::Candidate;
use crate::content::Content;
use crate::dialect::{Edits, Endpoint, RequestFault, RequestHead, count_request, edit};
use crate::id::AccountId;
use crate::price::{Ask, PricedModel};
use crate::provider::{UpstreamCall, forwardable};
use crate::translate::{Caching, Plan, Target, request, scrub};
use crate::usage::Modifiers;

/// Output limit that is forwarded when neither the client nor the catalogue knows one.
const OUTPUT_LIMIT_UNKNOWN: u64 = 128_000;

/// The least that the Responses API takes as an output limit, in tokens; a translation raises a
/// lower one to it.
const TRANSLATED_OUTPUT_MIN: u64 = 16;

/// A call that can be made any number of times.
pub(super) struct Prepared {
    pub(super) endpoint: Endpoint,
    headers: HeaderMap,
    pub(super) body: Content,
    stream: bool,
    /// What the answer needs on its way back; `None` where the client speaks the same dialect.
    pub(super) plan: Option<Plan>,
}

impl Prepared {
    pub(super) fn call(&self, received: &Received) -> UpstreamCall {
        UpstreamCall {
            endpoint: self.endpoint,
            request: received.id,
            headers: self.headers.clone(),
            body: self.body.clone(),
            stream: self.stream,
        }
    }

    /// The call that counts the prompt of this one, which is translated to Messages.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn counting(self) -> Result<Self, RequestFault> {
        let body = count_request(&self.body).ok_or(RequestFault::untranslatable())?;
        Ok(Self { endpoint: Endpoint::CountTokens, body, stream: false, ..self })
    }
}

impl Gateway {
    /// The call that asks a candidate. `lowered` is the output limit of one choice if it had to be
    /// lowered.
    ///
    /// # Errors
    /// Names the field that the candidate cannot honour.
    pub(super) fn prepare(
        &self,
        received: &Received,
        candidate: &Candidate,
        lowered: Option<u64>,
    ) -> Result<Prepared, RequestFault> {
        let Received { endpoint, head, body, .. } = received;
        // The answer to a stage is read, whatever dialect it comes in.
        if received.is_stage || candidate.endpoint != *endpoint {
            return translate(received, candidate, lowered);
        }
        let end_user = head.names_user().then(|| end_user(received.caller.key().account));
        let edits = Edits {
            model: candidate.name.as_ref(),
            output_limit: lowered.or_else(|| unsaid_limit(received, &candidate.model)),
            include_usage: *endpoint == Endpoint::ChatCompletions && head.stream,
            store_false: matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Responses),
            end_user: end_user.as_deref(),
        };
        let edited = edit(*endpoint, body, head, &edits);
        Ok(Prepared {
            endpoint: *endpoint,
            headers: forwardable(*endpoint, &received.headers),
            body: scrub(*endpoint, &edited).unwrap_or(edited),
            stream: head.stream,
            plan: None,
        })
    }
}

pub(super) fn translate(
    received: &Received,
    candidate: &Candidate,
    lowered: Option<u64>,
) -> Result<Prepared, RequestFault> {
    let Received { endpoint, head, body, .. } = received;
    let end_user = end_user(received.caller.key().account);
    let written = head.model.as_ref().map_or(candidate.model.id.as_str(), |name| name.expose());
    let model = candidate.name.as_ref().map_or(written, |name| name.as_str());
    let most = candidate.model.limits.max_output.unwrap_or(OUTPUT_LIMIT_UNKNOWN);
    let target = Target {
        model,
        answer_model: model,
        output_limit: lowered.unwrap_or(most),
        end_user: Some(&end_user),
        cache_key: None,
        caching: Caching::AsAsked,
    };
    let body = edit(*endpoint, body, head, &Edits::default());
    let translated = request(*endpoint, candidate.endpoint, &body, &target)?;
    Ok(Prepared {
        endpoint: candidate.endpoint,
        headers: HeaderMap::new(),
        body: translated.body,
        stream: head.stream,
        plan: Some(translated.plan),
    })
}

/// The output limit of one choice, in tokens; zero where nothing is generated.
pub(super) fn output_limit(received: &Received, candidate: &Candidate) -> u64 {
    if received.endpoint == Endpoint::Embeddings {
        return 0;
    }
    let limit = match (received.head.output_limit, candidate.model.limits.max_output) {
        (Some(asked), Some(most)) => asked.min(most),
        (Some(limit), None) | (None, Some(limit)) => limit,
        (None, None) => OUTPUT_LIMIT_UNKNOWN,
    };
    if candidate.endpoint == received.endpoint { limit } else { limit.max(TRANSLATED_OUTPUT_MIN) }
}

/// The limit that is forwarded when nobody knows one.
fn unsaid_limit(received: &Received, model: &PricedModel) -> Option<u64> {
    let is_unknown = received.head.output_limit.is_none() && model.limits.max_output.is_none();
    (is_unknown && received.endpoint != Endpoint::Embeddings).then_some(OUTPUT_LIMIT_UNKNOWN)
}

/// The most that a candidate can use.
pub(super) fn ask(received: &Received, candidate: &Candidate, prepared: &Prepared) -> Ask {
    let RequestHead { modifiers, web_searches, long_cache, choices, .. } = received.head;
    let is_translated = prepared.plan.is_some();
    let same_vendor = prepared.endpoint.dialect() == received.endpoint.dialect();
    Ask {
        input_tokens: input_bound(received, candidate, prepared),
        output_tokens: output_limit(received, candidate).saturating_mul(choices),
        // What changes the price at one vendor is refused or left out on the way to the other.
        modifiers: if same_vendor { modifiers } else { Modifiers::default() },
        web_searches: if is_translated { 0 } else { web_searches },
        long_cache,
    }
}

/// An upper bound of the prompt, in tokens.
fn input_bound(received: &Received, candidate: &Candidate, prepared: &Prepared) -> u64 {
    let limits = candidate.model.limits;
    let most = limits.max_input.or(limits.context_window).unwrap_or(u64::MAX);
    let bound = match &prepared.plan {
        None => received.head.input_tokens_bound,
        // A translation says some things at greater length, and leaves out what a provider runs.
        Some(_plan) => {
            let grown = prepared.body.len().saturating_sub(received.body.len());
            let grown = u64::try_from(grown).unwrap_or(u64::MAX);
            received.head.input_tokens_bound_without_tools().saturating_add(grown)
        }
    };
    bound.min(most.saturating_mul(received.head.inputs))
}

/// What a provider is told in place of whatever a client calls its own users: a name per account
/// that does not change and says nothing.
fn end_user(account: AccountId) -> String {
    let digest =
        Sha256::new().chain_update("end user at a provider").chain_update(account.as_uuid()).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
