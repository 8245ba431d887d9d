//! Rates in whole 10⁻¹² dollars.

use serde::{Deserialize, Serialize};

use super::PriceError;
use crate::usage::TokenClass;

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

    /// The price of a quantity, in pico-USD.
    pub(super) fn times(self, quantity: u64) -> Result<i128, PriceError> {
        i128::from(self.0).checked_mul(i128::from(quantity)).ok_or(PriceError::Overflow)
    }
}

/// A factor on rates, as an exact fraction: 1.1 is 11/10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    numerator: u64,
    denominator: u64,
}

impl Factor {
    /// Leaves a rate as it is.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// The fraction; `None` if the denominator is zero.
    pub const fn new(numerator: u64, denominator: u64) -> Option<Self> {
        if denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// How many times `base` goes into `rate`; `None` if `base` is zero.
    pub(super) const fn ratio(rate: Rate, base: Rate) -> Option<Self> {
        Self::new(rate.0, base.0)
    }

    /// Whether the factor makes a rate lower.
    pub(super) const fn is_discount(self) -> bool {
        self.numerator < self.denominator
    }

    /// Whether it makes a rate higher than another factor does.
    pub(super) fn exceeds(self, other: Self) -> bool {
        let times = |one: u64, two: u64| u128::from(one).saturating_mul(u128::from(two));
        times(self.numerator, other.denominator) > times(other.numerator, self.denominator)
    }

    /// Numerator and denominator.
    pub(super) const fn parts(self) -> (u64, u64) {
        (self.numerator, self.denominator)
    }

    /// Both factors together.
    ///
    /// # Errors
    /// [`PriceError::Overflow`].
    pub fn and(self, other: Self) -> Result<Self, PriceError> {
        let numerator = self.numerator.checked_mul(other.numerator);
        let denominator = self.denominator.checked_mul(other.denominator);
        match (numerator, denominator) {
            (Some(numerator), Some(denominator)) => Ok(Self { numerator, denominator }),
            _ => Err(PriceError::Overflow),
        }
    }

    /// The rate times the factor, rounded up to a whole pico-USD.
    ///
    /// # Errors
    /// [`PriceError::Overflow`].
    pub fn apply(self, rate: Rate) -> Result<Rate, PriceError> {
        let product = u128::from(rate.0) * u128::from(self.numerator);
        let scaled = product.div_ceil(u128::from(self.denominator));
        u64::try_from(scaled).map(Rate).map_err(|_too_large| PriceError::Overflow)
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

impl Rates {
    /// What a token of the class costs. Prompt tokens without a rate of their own cost the input
    /// rate; `None` only for the output of a model that generates nothing.
    pub fn of(&self, class: TokenClass) -> Option<Rate> {
        match class {
            TokenClass::Input => Some(self.input),
            TokenClass::CacheRead => Some(self.cache_read.unwrap_or(self.input)),
            TokenClass::CacheWriteShort => Some(self.cache_write_short.unwrap_or(self.input)),
            TokenClass::CacheWriteLong => Some(self.cache_write_long.unwrap_or(self.input)),
            TokenClass::Output => self.output,
        }
    }
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

impl RateCard {
    /// The rates of a request whose prompt has this many tokens, cache reads and writes included.
    pub fn at(&self, prompt_tokens: u64) -> &Rates {
        self.up_to(prompt_tokens).last().unwrap_or(&self.base)
    }

    /// The rates that apply to prompts of at most this many tokens, smallest prompt first.
    pub(super) fn up_to(&self, prompt_tokens: u64) -> impl Iterator<Item = &Rates> {
        let reached = self.tiers.iter().take_while(move |tier| prompt_tokens > tier.above_prompt_tokens);
        std::iter::once(&self.base).chain(reached.map(|tier| &tier.rates))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn flat(pico: u64) -> Rates {
        Rates {
            input: Rate::from_pico(pico),
            cache_read: None,
            cache_write_short: None,
            cache_write_long: None,
            output: None,
        }
    }

    #[test]
    fn a_size_tier_applies_strictly_above_its_threshold() {
        let tiers = vec![
            SizeTier { above_prompt_tokens: 10, rates: flat(2) },
            SizeTier { above_prompt_tokens: 20, rates: flat(3) },
        ];
        let card = RateCard { base: flat(1), tiers };
        for (prompt, rate) in [(0, 1), (10, 1), (11, 2), (20, 2), (21, 3), (u64::MAX, 3)] {
            assert_eq!(card.at(prompt).input.pico(), rate, "{prompt} tokens");
        }
    }

    #[test]
    fn a_factor_that_does_not_come_out_even_rounds_the_rate_up() {
        let factor = Factor::new(11, 10).unwrap();
        assert_eq!(factor.apply(Rate::from_pico(10)).unwrap().pico(), 11);
        assert_eq!(factor.apply(Rate::from_pico(11)).unwrap().pico(), 13);
        assert!(matches!(factor.apply(Rate::from_pico(u64::MAX)), Err(PriceError::Overflow)));
        assert_eq!(Factor::new(1, 0), None);
    }

    #[test]
    fn only_output_can_be_without_a_price() {
        let rates = flat(7);
        for class in TokenClass::ALL {
            let expected = (class != TokenClass::Output).then_some(Rate::from_pico(7));
            assert_eq!(rates.of(class), expected, "{class:?}");
        }
    }
}
