//! What a call can cost at most, before it is made.

#[cfg(test)]
mod tests;

use super::bill::BASIS_POINTS;
use super::{Factor, Margin, PriceError, PricedModel, Rate};
use crate::money::Money;
use crate::usage::{Modifiers, ServiceTier, TokenClass};

/// The most that a call can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Upper bound of the prompt, in tokens.
    pub input_tokens: u64,
    /// Upper bound of the output over all choices: `n` times the limit of one.
    pub output_tokens: u64,
    /// What was asked for.
    pub modifiers: Modifiers,
    /// Upper bound of web searches that are billed by the call.
    pub web_searches: u64,
    /// The prompt asks for the long life of cache writes, or may.
    pub long_cache: bool,
}

/// The price of the worst case: every prompt token at the dearest class, every output token and
/// search used, at the dearest prompt size and service tier that the provider may choose. What is
/// used within the ask is never charged more.
///
/// A provider may serve any other tier as the standard one, so that one is always covered.
///
/// # Errors
/// [`PriceError::Unpriced`] if the model has no price for the tier, speed, place, output or search
/// asked for; [`PriceError::Overflow`].
pub fn quote(model: &PricedModel, ask: &Ask, margin: Margin) -> Result<Money, PriceError> {
    let worst = WorstCase::of(model, ask)?;
    let output = worst.output.times(ask.output_tokens)?;
    margin.apply(worst.fixed.checked_add(output).ok_or(PriceError::Overflow)?)
}

/// The largest output, at most that of the ask, whose [`quote`] is within the funds; `None` if
/// not even no output is, or if there is no quote at all.
pub fn affordable_output(model: &PricedModel, ask: &Ask, margin: Margin, funds: Money) -> Option<u64> {
    let worst = WorstCase::of(model, ask).ok()?;
    let affordable = worst.output_within(budget_pico(margin, funds)?)?;
    Some(affordable.min(ask.output_tokens))
}

/// The largest price without margin that is within the funds with it; `None` if the funds are
/// negative.
///
/// `ceil(price × margin / scale) ≤ funds` is the same as `price ≤ floor(funds × scale / margin)`.
fn budget_pico(margin: Margin, funds: Money) -> Option<i128> {
    if funds.is_negative() {
        return None;
    }
    let scaled = i128::from(funds.nanos()) * 1_000 * i128::from(BASIS_POINTS);
    Some(scaled.checked_div(i128::from(margin.0)).unwrap_or(i128::MAX))
}

/// The parts of a quote, without margin.
struct WorstCase {
    /// Prompt and searches, in pico-USD.
    fixed: i128,
    /// Each output token.
    output: Rate,
}

impl WorstCase {
    fn of(model: &PricedModel, ask: &Ask) -> Result<Self, PriceError> {
        if ask.output_tokens > 0 && !model.generates() {
            return Err(PriceError::Unpriced { what: "output" });
        }
        let tier = ask.modifiers.tier;
        let asked = model.card(tier).ok_or(PriceError::Unpriced { what: unpriced_tier(tier) })?;
        let factor = asked_factor(model, ask.modifiers)?;
        let nothing = Rate::from_pico(0);
        let (mut prompt, mut output) = (nothing, nothing);
        for rates in asked.up_to(ask.input_tokens).chain(model.standard.up_to(ask.input_tokens)) {
            for class in TokenClass::ALL {
                let rate = rates.of(class).unwrap_or(nothing);
                match class {
                    TokenClass::Output => output = output.max(rate),
                    TokenClass::CacheWriteLong if !ask.long_cache => {}
                    TokenClass::Input
                    | TokenClass::CacheRead
                    | TokenClass::CacheWriteShort
                    | TokenClass::CacheWriteLong => prompt = prompt.max(rate),
                }
            }
        }
        let prompt = factor.apply(prompt)?.times(ask.input_tokens)?;
        let fixed = prompt.checked_add(searches(model, ask)?).ok_or(PriceError::Overflow)?;
        Ok(Self { fixed, output: factor.apply(output)? })
    }

    /// The largest output within a budget in pico-USD.
    fn output_within(&self, budget: i128) -> Option<u64> {
        let left = budget.checked_sub(self.fixed).filter(|left| *left >= 0)?;
        let tokens = left.checked_div(i128::from(self.output.pico())).unwrap_or(i128::MAX);
        Some(u64::try_from(tokens).unwrap_or(u64::MAX))
    }
}

fn searches(model: &PricedModel, ask: &Ask) -> Result<i128, PriceError> {
    match model.web_search {
        Some(fee) => fee.times(ask.web_searches),
        None if ask.web_searches == 0 => Ok(0),
        None => Err(PriceError::Unpriced { what: "web search" }),
    }
}

fn asked_factor(model: &PricedModel, asked: Modifiers) -> Result<Factor, PriceError> {
    let Modifiers { tier: _, fast, us_inference } = asked;
    let priced = |wanted: bool, factor: Option<Factor>, what| match (wanted, factor) {
        (false, _) => Ok(Factor::ONE),
        (true, Some(factor)) => Ok(factor),
        (true, None) => Err(PriceError::Unpriced { what }),
    };
    priced(fast, model.fast, "fast speed")?.and(priced(
        us_inference,
        model.us_inference,
        "inference in the USA",
    )?)
}

const fn unpriced_tier(tier: ServiceTier) -> &'static str {
    match tier {
        ServiceTier::Standard => "the standard tier",
        ServiceTier::Batch => "the batch tier",
        ServiceTier::Flex => "the flex tier",
        ServiceTier::Priority => "the priority tier",
        ServiceTier::Ultrafast => "the ultrafast tier",
    }
}
