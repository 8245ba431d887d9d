//! Rates in whole 10⁻¹² dollars.

use serde::{Deserialize, Serialize};

/// A price per token, or per call.
///
/// # Units
/// Pico-USD per unit: 1 USD per million tokens is 1,000,000. Every list price of the catalogue,
/// with every multiplier, is a whole number of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(u64);

impl Rate {
    /// A rate in pico-USD per unit.
    pub const fn from_pico(pico: u64) -> Self {
        Self(pico)
    }

    /// Pico-USD per unit.
    pub const fn pico(self) -> u64 {
        self.0
    }
}

/// The rates of one service tier at one prompt size. `None`: the class has no rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Uncached prompt tokens.
    pub input: Rate,
    /// Cache reads.
    pub cache_read: Option<Rate>,
    /// Cache writes with the short life.
    pub cache_write_short: Option<Rate>,
    /// Cache writes with the long life.
    pub cache_write_long: Option<Rate>,
    /// Generated tokens; `None` for embeddings.
    pub output: Option<Rate>,
}

/// The rates above a prompt size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeTier {
    /// Applies to the whole request when the prompt has strictly more tokens than this.
    pub above_prompt_tokens: u64,
    /// The rates.
    pub rates: Rates,
}

/// All rates of one service tier of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCard {
    /// The rates of small prompts.
    pub base: Rates,
    /// The rates of larger prompts, by ascending size.
    pub tiers: Vec<SizeTier>,
}
