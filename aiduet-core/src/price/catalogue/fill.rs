//! Rates that the catalogue implies but does not write out.
//!
//! Providers state ratios (a write costs twice the input, a long prompt doubles the input and
//! adds half to the output) and the sources leave out rows that follow from them. Every derived
//! rate that is not a whole number of pico-USD is rounded up.

use std::collections::BTreeMap;

use super::Reason;
use crate::price::{Factor, Rate, RateCard, Rates, SizeTier};
use crate::usage::ServiceTier;

/// Completes the standard card: a size tier without its own write rates takes those of small
/// prompts, in the ratio of the input rates.
pub(super) fn complete_standard(card: &mut RateCard) -> Result<(), Reason> {
    for tier in &mut card.tiers {
        add_writes(&mut tier.rates, &card.base)?;
    }
    both_lives(card)
}

/// Completes the card of another service tier from the standard one: write rates in the ratio of
/// the input rates; a size tier that is missing, in the ratio that it has on the standard card.
pub(super) fn complete_others(
    cards: &mut BTreeMap<ServiceTier, RateCard>,
    standard: &RateCard,
) -> Result<(), Reason> {
    for card in cards.values_mut() {
        add_writes(&mut card.base, &standard.base)?;
        for SizeTier { above_prompt_tokens, rates } in &standard.tiers {
            let own = card.tiers.iter_mut().find(|tier| tier.above_prompt_tokens == *above_prompt_tokens);
            if let Some(own) = own {
                add_writes(&mut own.rates, rates)?;
            } else {
                let rates = enlarged(&card.base, &standard.base, rates)?;
                card.tiers.push(SizeTier { above_prompt_tokens: *above_prompt_tokens, rates });
            }
        }
        card.tiers.sort_by_key(|tier| tier.above_prompt_tokens);
        for tier in &mut card.tiers {
            add_writes(&mut tier.rates, &card.base)?;
        }
        both_lives(card)?;
    }
    Ok(())
}

fn add_writes(rates: &mut Rates, reference: &Rates) -> Result<(), Reason> {
    let derived = |write: Option<Rate>| {
        write.map(|write| scaled(write, Factor::ratio(rates.input, reference.input))).transpose()
    };
    let (short, long) = (derived(reference.cache_write_short)?, derived(reference.cache_write_long)?);
    rates.cache_write_short = rates.cache_write_short.or(short);
    rates.cache_write_long = rates.cache_write_long.or(long);
    Ok(())
}

/// The rates of a large prompt, as the standard card enlarges its own.
fn enlarged(base: &Rates, standard: &Rates, standard_large: &Rates) -> Result<Rates, Reason> {
    let input_ratio = Factor::ratio(standard_large.input, standard.input);
    let enlarge = |own: fn(&Rates) -> Option<Rate>| {
        let ratio = match (own(standard_large), own(standard)) {
            (Some(large), Some(small)) => Factor::ratio(large, small),
            _ => input_ratio,
        };
        own(base).map(|rate| scaled(rate, ratio)).transpose()
    };
    Ok(Rates {
        input: scaled(base.input, input_ratio)?,
        cache_read: enlarge(|rates| rates.cache_read)?,
        cache_write_short: enlarge(|rates| rates.cache_write_short)?,
        cache_write_long: enlarge(|rates| rates.cache_write_long)?,
        output: enlarge(|rates| rates.output)?,
    })
}

fn scaled(rate: Rate, ratio: Option<Factor>) -> Result<Rate, Reason> {
    let ratio = ratio.ok_or("a rate that follows from a rate of zero must be written out")?;
    ratio.apply(rate).map_err(|_overflow| "too large")
}

/// A model that can be told to keep a cache entry for long must say what that costs.
fn both_lives(card: &RateCard) -> Result<(), Reason> {
    let whole = |rates: &Rates| rates.cache_write_short.is_some() == rates.cache_write_long.is_some();
    if whole(&card.base) && card.tiers.iter().all(|tier| whole(&tier.rates)) {
        Ok(())
    } else {
        Err("cache writes need a price for both lives, or none")
    }
}
