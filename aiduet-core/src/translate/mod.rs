//! Any client speaks to any model: requests, answers and streams from one dialect to another.
//!
//! Everything here is a pure function: the same bytes give the same bytes, without a clock,
//! randomness or the network. A request is read into the words of neither vendor (`conversation`)
//! and written from them, and so is an answer, so that three dialects need three readers and three
//! writers, and not a translator for every pair.
//!
//! - What would change the result, the cost or the contract and cannot be said in the other dialect
//!   is refused: [`RequestFault`] names the field. Hints are dropped. `docs/translation.md` has
//!   the table.
//! - The translation of a history begins the translation of its continuation, byte for byte, up to
//!   the closing brackets: prompt caches and signatures depend on it.
//! - Numbers, schemas and the inputs of tools pass as they were written.
//! - Reasoning goes back to its maker word for word, and never to the other vendor.

mod ability;
mod anthropic;
mod composer;
mod conversation;
mod free;
mod ids;
mod json;
mod names;
mod openai;
mod plain;
mod refusal;
mod reply;
mod resolve;
mod route;
mod scrub;
mod seal;
mod sequence;
mod stages;
mod stop;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;

pub use ability::reasons;
pub(crate) use ability::{takes_forced_tools, takes_no_thinking};
pub(crate) use composer::{Composer, HowEnded};
pub use refusal::refusal;
pub use route::upstream_endpoint;
pub use scrub::scrub;
pub(crate) use seal::PREFIX as SEALED;
pub use stream::{Opened, Settled, Stream};
pub use target::{Caching, Plan, Target};

use self::conversation::Conversation;
use self::json::Text;
use self::names::ToolNames;
use self::openai::{chat, responses};
use self::reply::Reply;
use crate::content::Content;
use crate::dialect::{Endpoint, RequestFault};
use crate::usage::{StageUsage, Usage};

/// The provider's answer is not what its dialect says. Says nothing about the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer of the provider cannot be translated")]
pub struct Unreadable;

/// A request in the provider's dialect, and what its answer needs on the way back.
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Translated {
    /// The body.
    pub body: Content,
    /// For [`answer`] and [`Stream`].
    pub plan: Plan,
}

/// What an answer says beside the model's words.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The time of the answer, in seconds since 1970.
    pub created: u64,
    /// Stands in identifiers when the provider gives none.
    pub fallback_id: &'a str,
    /// What was used, as the provider counted it.
    pub usage: &'a Usage,
    /// The stages of an ensemble, of which that is the sum.
    pub stages: &'a [StageUsage],
}

/// Translates a request body that [`inspect`](crate::dialect::inspect) has accepted.
///
/// # Errors
/// Names the field that is malformed, or that the chosen model cannot honour.
pub fn request(
    from: Endpoint,
    to: Endpoint,
    body: &Content,
    target: &Target<'_>,
) -> Result<Translated, RequestFault> {
    let bytes = body.expose();
    let mut talk = match from {
        Endpoint::ChatCompletions => chat::read_request(bytes)?,
        Endpoint::Messages => anthropic::read_request(bytes)?,
        Endpoint::Responses | Endpoint::InputTokens => responses::read_request(bytes)?,
        Endpoint::Embeddings | Endpoint::CountTokens => {
            return Err(RequestFault::untranslatable());
        }
    };
    talk.length = bytes.len();
    let length_max = match to {
        Endpoint::Messages | Endpoint::CountTokens => anthropic::TOOL_NAME_MAX,
        Endpoint::ChatCompletions | Endpoint::Responses | Endpoint::Embeddings | Endpoint::InputTokens => {
            openai::settings::TOOL_NAME_MAX
        }
    };
    let mut plan = Plan {
        client: from,
        upstream: to,
        model: target.model.to_owned(),
        answer_model: target.answer_model.to_owned(),
        names: ToolNames::new(length_max),
        stop: stops_to_enforce(to, target, &talk)?,
        delivery: talk.delivery,
        form: talk.format.as_ref().map(|_format| talk.words.format),
        prompt_estimate: estimate(bytes.len(), &talk),
        echo: std::mem::take(&mut talk.echo),
    };
    let body = match to {
        Endpoint::Messages => anthropic::write_request(talk, target, &mut plan.names)?,
        Endpoint::Responses => responses::write_request(talk, target, &mut plan.names)?,
        Endpoint::ChatCompletions => chat::write_request(talk, target, &mut plan.names)?,
        Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => {
            return Err(RequestFault::untranslatable());
        }
    };
    Ok(Translated { body: Content::new(Bytes::from(body)), plan })
}

/// Translates an answer that does not stream.
///
/// # Errors
/// [`Unreadable`] when it is not an answer of its dialect.
pub fn answer(plan: &Plan, body: &Content, facts: &Facts<'_>) -> Result<Content, Unreadable> {
    let bytes = body.expose();
    let mut reply: Reply = match plan.upstream {
        Endpoint::Messages => anthropic::read_answer(bytes)?,
        Endpoint::Responses => responses::read_answer(bytes)?,
        Endpoint::ChatCompletions => chat::read_answer(bytes)?,
        Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => {
            return Err(Unreadable);
        }
    };
    stop::cut(&mut reply, &plan.stop);
    resolve::resolve(&mut reply, &plan.names);
    let body = match plan.client {
        Endpoint::ChatCompletions => chat::write_answer(reply, plan, facts),
        Endpoint::Messages => anthropic::write_answer(reply, plan, facts),
        Endpoint::Responses => responses::write_answer(reply, plan, facts),
        Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => {
            return Err(Unreadable);
        }
    };
    Ok(Content::new(Bytes::from(body)))
}

/// Bytes of a prompt per token, when nobody has counted.
const BYTES_PER_TOKEN: u64 = 4;

/// About how many tokens a prompt has: its bytes without those of images and documents.
fn estimate(bytes: usize, talk: &Conversation<'_>) -> u64 {
    let text = bytes.saturating_sub(talk.media_bytes());
    u64::try_from(text).unwrap_or(u64::MAX) / BYTES_PER_TOKEN + 1
}

/// Stop sequences that the provider's dialect cannot say.
fn stops_to_enforce(
    to: Endpoint,
    target: &Target<'_>,
    talk: &Conversation<'_>,
) -> Result<Vec<String>, RequestFault> {
    if talk.stop.iter().any(Text::is_empty) {
        return Err(RequestFault::wrong(talk.words.stop, "a stop sequence must not be empty"));
    }
    let native = match to {
        Endpoint::ChatCompletions => chat::stops_natively(target.model, talk.stop.len()),
        Endpoint::Responses => false,
        Endpoint::Messages | Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::InputTokens => true,
    };
    let enforced = talk.stop.iter().filter(|_stop| !native);
    Ok(enforced.map(|stop| stop.decode().into_owned()).collect())
}
