//! A charge, with everything needed to recompute it.

use serde::{Deserialize, Serialize};

use super::{ModelId, PriceError, PriceVersion, Rate};
use crate::money::{Money, Rounding};
use crate::usage::{ServiceTier, Stage, TokenClass};

/// Basis points in the whole.
pub(super) const BASIS_POINTS: u32 = 10_000;

/// What the gateway adds to the provider's price.
///
/// # Units
/// Basis points of the provider's price: 10,000 is the price itself, 10,500 adds 5 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Margin(pub u32);

impl Default for Margin {
    fn default() -> Self {
        Self(BASIS_POINTS)
    }
}

impl Margin {
    /// A price in pico-USD with the margin, rounded up once to nano-USD.
    pub(super) fn apply(self, pico: i128) -> Result<Money, PriceError> {
        let scaled = pico.checked_mul(i128::from(self.0)).ok_or(PriceError::Overflow)?;
        Ok(Money::from_pico(scaled, BASIS_POINTS, Rounding::Up)?)
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
    /// The stage of an ensemble that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
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

impl LineItem {
    /// Quantity times rate, in pico-USD. Cannot overflow: both factors have 64 bits.
    pub fn pico(&self) -> u128 {
        u128::from(self.quantity).saturating_mul(u128::from(self.rate.pico()))
    }
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

impl Bill {
    /// The charge that follows from the lines and the margin; equals `charge` on every bill
    /// that the gateway wrote.
    ///
    /// # Errors
    /// [`PriceError::Overflow`].
    pub fn recompute(&self) -> Result<Money, PriceError> {
        let sum = self.lines.iter().try_fold(0_i128, |sum, line| {
            sum.checked_add(line.rate.times(line.quantity)?).ok_or(PriceError::Overflow)
        })?;
        self.margin.apply(sum)
    }

    /// What the provider asks for the same usage: the charge without the margin.
    ///
    /// # Errors
    /// [`PriceError::Overflow`].
    pub fn provider_cost(&self) -> Result<Money, PriceError> {
        let margin = Margin::default();
        // A charge that was noted by a process that died has no lines.
        if self.margin == margin { Ok(self.charge) } else { Self { margin, ..self.clone() }.recompute() }
    }
}
