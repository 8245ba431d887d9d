//! Counts as Chat Completions writes them.

use serde::Serialize;

use crate::usage::Usage;

/// Cached and written tokens are inside the prompt, reasoning is inside the completion.
#[derive(Serialize)]
pub(super) struct UsageWire {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
    audio_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl From<&Usage> for UsageWire {
    fn from(usage: &Usage) -> Self {
        let Usage { cache_read, cache_write_short, cache_write_long, output, reasoning, .. } = *usage;
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: output,
            total_tokens: usage.prompt().saturating_add(output),
            prompt_tokens_details: PromptDetails {
                cached_tokens: cache_read,
                cache_write_tokens: cache_write_short.saturating_add(cache_write_long),
                audio_tokens: 0,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: reasoning,
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
        }
    }
}
