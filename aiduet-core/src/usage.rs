//! What a call consumed, in disjoint token classes.

use serde::{Deserialize, Serialize};

use crate::price::ModelId;

/// A class of tokens with a rate of its own; the classes do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenClass {
    /// Prompt tokens that were neither read from nor written to a cache.
    Input,
    /// Prompt tokens read from a cache.
    CacheRead,
    /// Prompt tokens written to the cache with the short life (Anthropic 5 minutes, OpenAI 30).
    CacheWriteShort,
    /// Prompt tokens written to the cache with the long life (Anthropic 1 hour, OpenAI 12).
    CacheWriteLong,
    /// Generated tokens, reasoning included.
    Output,
}

impl TokenClass {
    /// Every class, in the order of a bill.
    pub const ALL: [Self; 5] =
        [Self::Input, Self::CacheRead, Self::CacheWriteShort, Self::CacheWriteLong, Self::Output];

    /// The name on a receipt and in a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWriteShort => "cache_write_short",
            Self::CacheWriteLong => "cache_write_long",
            Self::Output => "output",
        }
    }
}

/// Counts of one call, or of one part of a call.
///
/// # Units
/// Tokens, except `web_searches` (calls). `reasoning` is a subset of `output`, for information;
/// the other token fields are disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Uncached prompt tokens.
    pub input: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written with the short life.
    pub cache_write_short: u64,
    /// Prompt tokens written with the long life.
    pub cache_write_long: u64,
    /// Generated tokens, reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
    /// Web searches that the provider ran and bills by the call.
    pub web_searches: u64,
}

impl Usage {
    /// The tokens of one class.
    pub const fn of(&self, class: TokenClass) -> u64 {
        match class {
            TokenClass::Input => self.input,
            TokenClass::CacheRead => self.cache_read,
            TokenClass::CacheWriteShort => self.cache_write_short,
            TokenClass::CacheWriteLong => self.cache_write_long,
            TokenClass::Output => self.output,
        }
    }

    /// All prompt tokens: the number that size tiers look at. Saturates.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_short)
            .saturating_add(self.cache_write_long)
    }

    /// The counts with at most this many prompt tokens, output tokens and searches. A prompt that
    /// is too long loses tokens from its last classes, in the order of a bill.
    #[must_use]
    pub fn at_most(&self, prompt: u64, output: u64, web_searches: u64) -> Self {
        let mut prompt_left = prompt;
        let mut take = |class| {
            let taken = self.of(class).min(prompt_left);
            prompt_left = prompt_left.saturating_sub(taken);
            taken
        };
        let output = self.output.min(output);
        Self {
            input: take(TokenClass::Input),
            cache_read: take(TokenClass::CacheRead),
            cache_write_short: take(TokenClass::CacheWriteShort),
            cache_write_long: take(TokenClass::CacheWriteLong),
            output,
            reasoning: self.reasoning.min(output),
            web_searches: self.web_searches.min(web_searches),
        }
    }

    /// The field-wise sum. Saturates.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_short: self.cache_write_short.saturating_add(other.cache_write_short),
            cache_write_long: self.cache_write_long.saturating_add(other.cache_write_long),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            web_searches: self.web_searches.saturating_add(other.web_searches),
        }
    }
}

/// A stage of an ensemble: a call of its own on the way to one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A plan is made.
    Plan,
    /// What was asked for is written.
    Code,
    /// It is judged.
    Review,
    /// It is written again, because of the review.
    Repair,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Code, Self::Review, Self::Repair];

    /// The name on a receipt.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Code => "code",
            Self::Review => "review",
            Self::Repair => "repair",
        }
    }

    /// Whether what it writes is the answer, and not something about it.
    pub const fn answers(self) -> bool {
        matches!(self, Self::Code | Self::Repair)
    }
}

/// What a stage of an ensemble has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageUsage {
    /// The stage.
    pub stage: Stage,
    /// The model that was billed.
    pub model: ModelId,
    /// The counts.
    pub usage: Usage,
}

/// The service tier, which changes the rates.
///
/// `fast` of the OpenAI dialect is reported back as `priority` and means the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// The list price.
    #[default]
    Standard,
    /// Asynchronous batches.
    Batch,
    /// Cheaper and slower.
    Flex,
    /// Dearer and faster.
    Priority,
    /// Dearest and fastest.
    Ultrafast,
}

impl ServiceTier {
    /// Every tier, the standard one first.
    pub const ALL: [Self; 5] = [Self::Standard, Self::Batch, Self::Flex, Self::Priority, Self::Ultrafast];

    /// The name on a receipt and in the price file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
        }
    }
}

/// What changes the price of all tokens of a part: tier, speed, place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modifiers {
    /// The service tier that served (before the call: that was asked for).
    pub tier: ServiceTier,
    /// Anthropic's `speed: fast`.
    pub fast: bool,
    /// Anthropic's `inference_geo: us`.
    pub us_inference: bool,
}

/// Usage of one model within a call. A call has several parts when the provider itself ran
/// more than one model or pass (Anthropic's `usage.iterations`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsagePart {
    /// The model as the provider named it; user-visible text of a provider, so it is only ever
    /// looked up in the price sheet, never stored. `None`: the routed model.
    pub served_model: Option<Box<str>>,
    /// The counts.
    pub usage: Usage,
    /// What served.
    pub modifiers: Modifiers,
}

/// Doubts about reported numbers, kept on the receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageFlags {
    /// The counts are ours, not the provider's.
    pub estimated: bool,
    /// A reported number was impossible and was clamped.
    pub clamped: bool,
    /// The provider named a model that the price sheet does not know; the routed one was billed.
    pub unknown_model: bool,
}

/// Why generation ended, in one vocabulary for both dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or met a stop sequence.
    Stop,
    /// A length limit.
    Length,
    /// The model called a tool.
    ToolCalls,
    /// The provider's policy stopped it.
    Refusal,
    /// A server-tool loop paused (Anthropic).
    Pause,
    /// A reason this version does not know.
    Other,
}

impl FinishReason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Stop, Self::Length, Self::ToolCalls, Self::Refusal, Self::Pause, Self::Other];

    /// The code in records and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Other => "other",
        }
    }

    /// The reason with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}
