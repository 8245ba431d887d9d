//! The prompt caches of both vendors: prefixes that this process has seen before.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::prompt::{Lifetime, Prompt};
use crate::usage::Usage;

/// Prompts shorter than this are not cached.
const TOKENS_MIN: u64 = 1_024;
/// OpenAI counts cached tokens in steps.
const STEP: u64 = 128;
/// Prefixes that are remembered, and those of one prompt.
const PREFIXES_MAX: usize = 16_384;
const PREFIXES_OF_PROMPT: usize = 64;

type Digest32 = [u8; 32];

/// Prefixes that were written, the oldest forgotten first.
#[derive(Default)]
pub(super) struct PromptCache(Mutex<Written>);

#[derive(Default)]
struct Written {
    prefixes: HashSet<Digest32>,
    order: VecDeque<Digest32>,
}

struct Prefix {
    digest: Digest32,
    tokens: u64,
    lifetime: Option<Lifetime>,
}

impl PromptCache {
    /// The prompt's tokens by class where breakpoints are explicit (Anthropic).
    pub(super) fn explicit(&self, prompt: &Prompt) -> Usage {
        let prefixes = prefixes(prompt);
        let total = prompt.tokens();
        let Some(last) = prefixes.iter().rposition(|prefix| prefix.lifetime.is_some()) else {
            return Usage { input: total, ..Usage::default() };
        };
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cacheable = prefixes.iter().take(last.saturating_add(1));
        let read = cacheable.clone().filter(|prefix| written.prefixes.contains(&prefix.digest));
        let mut usage =
            Usage { cache_read: read.map(|prefix| prefix.tokens).max().unwrap_or(0), ..Usage::default() };
        let mut from = usage.cache_read;
        for prefix in cacheable.filter(|prefix| prefix.lifetime.is_some()) {
            let fresh = prefix.tokens.saturating_sub(from);
            match prefix.lifetime {
                Some(Lifetime::Long) => usage.cache_write_long = usage.cache_write_long.saturating_add(fresh),
                Some(Lifetime::Short) | None => {
                    usage.cache_write_short = usage.cache_write_short.saturating_add(fresh);
                }
            }
            from = from.max(prefix.tokens);
            written.remember(prefix.digest);
        }
        usage.input = total.saturating_sub(from);
        usage
    }

    /// The prompt's tokens by class where every prompt is cached unasked (OpenAI).
    pub(super) fn automatic(&self, prompt: &Prompt) -> Usage {
        let prefixes = prefixes(prompt);
        let total = prompt.tokens();
        let whole_steps = |tokens: u64| tokens.checked_div(STEP).unwrap_or(0).saturating_mul(STEP);
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = prefixes.iter().filter(|prefix| written.prefixes.contains(&prefix.digest));
        let cache_read = whole_steps(read.map(|prefix| prefix.tokens).max().unwrap_or(0));
        let cacheable = if total >= TOKENS_MIN { whole_steps(total) } else { 0 };
        for prefix in prefixes.iter().rev().take(PREFIXES_OF_PROMPT) {
            written.remember(prefix.digest);
        }
        let fresh = if bills_cache_writes(&prompt.model) { cacheable.saturating_sub(cache_read) } else { 0 };
        let (short, long) = if prompt.long_cache { (0, fresh) } else { (fresh, 0) };
        Usage {
            input: total.saturating_sub(cache_read).saturating_sub(fresh),
            cache_read,
            cache_write_short: short,
            cache_write_long: long,
            ..Usage::default()
        }
    }
}

impl Written {
    fn remember(&mut self, digest: Digest32) {
        if self.prefixes.insert(digest) {
            self.order.push_back(digest);
        }
        while self.order.len() > PREFIXES_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.prefixes.remove(&oldest);
            }
        }
    }
}

/// Every beginning of the prompt that ends with a segment and is long enough.
fn prefixes(prompt: &Prompt) -> Vec<Prefix> {
    let mut hasher = Sha256::new().chain_update(prompt.model.as_bytes());
    let mut tokens = 0_u64;
    let mut prefixes = Vec::new();
    for segment in &prompt.segments {
        hasher.update(segment.text.len().to_le_bytes());
        hasher.update(segment.text.as_bytes());
        tokens = tokens.saturating_add(segment.tokens);
        if tokens >= TOKENS_MIN {
            let digest = hasher.clone().finalize().into();
            prefixes.push(Prefix { digest, tokens, lifetime: segment.lifetime });
        }
    }
    prefixes
}

/// Whether writes have a rate: from gpt-5.6 on.
fn bills_cache_writes(model: &str) -> bool {
    ["gpt-5.6", "gpt-5.7", "gpt-6"].iter().any(|family| model.starts_with(family))
}
