//! A charge, with everything needed to recompute it.

use serde::{Deserialize, Serialize};

use super::{ModelId, PriceVersion, Rate};
use crate::money::Money;
use crate::usage::{ServiceTier, TokenClass};

/// What the gateway adds to the provider's price.
///
/// # Units
/// Basis points of the provider's price: 10,000 is the price itself, 10,500 adds 5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Margin(pub u32);

impl Default for Margin {
    fn default() -> Self {
        Self(10_000)
    }
}

/// What a line of a bill counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Tokens of a class.
    Tokens(TokenClass),
    /// Web searches.
    WebSearches,
}

/// One line of a bill: `quantity × rate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    /// The model that was billed.
    pub model: ModelId,
    /// What is counted.
    pub kind: LineKind,
    /// Tokens or calls.
    pub quantity: u64,
    /// Pico-USD each, with size tier, service tier and multipliers applied.
    pub rate: Rate,
    /// The service tier that was billed.
    pub tier: ServiceTier,
}

/// A charge with its arithmetic:
/// `charge = ceil(Σ quantity × rate × margin / 10,000 / 1,000)` nano-USD.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    /// The price sheet.
    pub version: PriceVersion,
    /// The margin.
    pub margin: Margin,
    /// The lines.
    pub lines: Vec<LineItem>,
    /// The charge.
    pub charge: Money,
}
