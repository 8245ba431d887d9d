//! Counts as Messages writes them.

use serde::Serialize;

use crate::usage::Usage;

/// The classes are disjoint; thinking is inside the output.
#[derive(Serialize)]
pub(super) struct UsageWire {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl UsageWire {
    /// Everything, as a whole answer says it.
    pub(super) fn whole(usage: &Usage) -> Self {
        Self {
            cache_creation: Some(CacheCreation {
                ephemeral_5m_input_tokens: usage.cache_write_short,
                ephemeral_1h_input_tokens: usage.cache_write_long,
            }),
            service_tier: Some("standard"),
            ..Self::last(usage)
        }
    }

    /// What the end of a stream says.
    pub(super) fn last(usage: &Usage) -> Self {
        let Usage { input, cache_read, cache_write_short, cache_write_long, output, reasoning, .. } = *usage;
        Self {
            input_tokens: input,
            cache_creation_input_tokens: cache_write_short.saturating_add(cache_write_long),
            cache_read_input_tokens: cache_read,
            cache_creation: None,
            output_tokens: output,
            output_tokens_details: Some(OutputDetails { thinking_tokens: reasoning }),
            service_tier: None,
        }
    }

    /// What the beginning of a stream says, when only the prompt is known, and that about.
    pub(super) const fn first(prompt_estimate: u64) -> Self {
        Self {
            input_tokens: prompt_estimate,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            cache_creation: None,
            output_tokens: 1,
            output_tokens_details: None,
            service_tier: Some("standard"),
        }
    }
}
