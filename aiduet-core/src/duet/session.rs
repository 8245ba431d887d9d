//! What is remembered of a conversation, to keep caches warm. Losing it changes cost, never validity.

use std::time::Duration;

use super::role::Role;
use crate::clock::Timestamp;
use crate::price::{ModelId, PricedModel};
use crate::provider::Vendor;

/// How long a conversation is remembered without use.
pub(super) const IDLE_MAX: Duration = Duration::from_hours(1);

/// A model that has read the conversation, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warm {
    /// The model.
    pub model: ModelId,
    /// The tokens of the prompt.
    pub tokens: u64,
    /// When.
    pub read_at: Timestamp,
}

/// What is remembered of a conversation. No text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The role of its last request.
    pub role: Role,
    /// The model that answered.
    pub model: ModelId,
    /// The tokens of that prompt.
    pub tokens: u64,
    /// When.
    pub used_at: Timestamp,
    /// The model that answered before that one.
    pub before: Option<Warm>,
}

impl Session {
    /// Whether it is still remembered.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        now.since(self.used_at) <= IDLE_MAX
    }

    /// How many tokens of the conversation are in the cache of a model.
    pub(super) fn warm_tokens(&self, model: &PricedModel, now: Timestamp) -> u64 {
        let life = cache_life(model.vendor);
        let current = (&self.model, self.tokens, self.used_at);
        let before = self.before.as_ref().map(|warm| (&warm.model, warm.tokens, warm.read_at));
        let warm = std::iter::once(current)
            .chain(before)
            .find(|(id, _tokens, at)| **id == model.id && now.since(*at) <= life);
        warm.map_or(0, |(_id, tokens, _at)| tokens)
    }
}

/// How long a cached prefix lives without use.
///
/// # Source
/// Anthropic: prompt caching, the short life; OpenAI: prompt caching, `cache_write_30m`; both read
/// November 2026.
const fn cache_life(vendor: Vendor) -> Duration {
    match vendor {
        Vendor::Anthropic => Duration::from_mins(5),
        Vendor::OpenAi => Duration::from_mins(30),
    }
}
