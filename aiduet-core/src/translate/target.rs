//! What a translation must know beside the request.

use super::names::ToolNames;
use crate::dialect::Endpoint;

/// The model that is to answer, and what is decided outside of the request.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The model's name at the provider; the rules of its generation follow from it.
    pub model: &'a str,
    /// The model's name in the answer.
    pub answer_model: &'a str,
    /// The most that the model can write, in tokens: the limit where the client gave none and
    /// the provider's dialect demands one, and never exceeded.
    pub output_limit: u64,
    /// The pseudonym of the caller at the provider.
    pub end_user: Option<&'a str>,
    /// Names the conversation to a provider that caches by such a name, in place of the client's
    /// own name for it.
    pub cache_key: Option<&'a str>,
    /// Whether prompts are cached without being asked to.
    pub caching: Caching,
}

/// Whether prompts of clients that know only automatic caching are marked for a vendor that
/// caches what is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caching {
    /// Only what the client marks. A prompt that is sent once is not dearer than without a cache.
    #[default]
    AsAsked,
    /// The whole prompt is marked. A conversation of several turns is cheaper.
    Automatic,
}

/// What the translation of the answer must know of the request. Holds names of the client's tools
/// and stop sequences, so it has no `Debug` and is not stored.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "holds text of the request")]
pub struct Plan {
    pub(super) client: Endpoint,
    pub(super) upstream: Endpoint,
    /// The model at the provider.
    pub(super) model: String,
    /// The model in the answer.
    pub(super) answer_model: String,
    pub(super) names: ToolNames,
    /// Stop sequences that the provider's dialect cannot say.
    pub(super) stop: Vec<String>,
    pub(super) delivery: super::conversation::Delivery,
    /// The field in which the client demands a form of the answer, if it does.
    pub(super) form: Option<&'static str>,
    /// About how many tokens the prompt has, for clients that want a number at the beginning.
    pub(super) prompt_estimate: u64,
    /// Members of an answer that repeat the request, written, each with a comma before it.
    pub(super) echo: String,
}

impl Plan {
    /// The dialect of the client.
    pub const fn client(&self) -> Endpoint {
        self.client
    }

    /// The field in which the client demands a form of the answer, JSON of some kind, if it does.
    pub const fn form(&self) -> Option<&'static str> {
        self.form
    }

    /// The dialect of the provider.
    pub const fn upstream(&self) -> Endpoint {
        self.upstream
    }
}
