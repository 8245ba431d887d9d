//! What a call cost, after it was made.

mod clamp;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use clamp::clamp_usage;

use super::{
    Ask, Bill, Factor, LineItem, LineKind, Margin, PriceError, PriceSheet, PricedModel, Rate, Rates,
};
use crate::money::Money;
use crate::usage::{Modifiers, ServiceTier, TokenClass, Usage, UsageFlags, UsagePart};

/// What [`charge`] looks at.
#[derive(Clone, Copy, Debug)]
pub struct ChargeRequest<'a> {
    /// The sheet of the quote.
    pub sheet: &'a PriceSheet,
    /// The model that was called.
    pub routed: &'a Arc<PricedModel>,
    /// What was asked; it widens the limits that reported numbers are held against.
    pub ask: &'a Ask,
    /// What was used; empty: nothing is charged.
    pub parts: &'a [UsagePart],
    /// What the gateway adds.
    pub margin: Margin,
}

/// A charge, and what it is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The arithmetic.
    pub bill: Bill,
    /// The counts that were billed, over all parts.
    pub usage: Usage,
    /// Doubts that came up; to be joined with those of the counts themselves.
    pub flags: UsageFlags,
    /// The provider reported a tier, speed, place or search that the model has no price for, and
    /// the nearest price was taken: a matter for the operator's attention.
    pub unpriced: bool,
}

/// The price of what was used.
///
/// Each part is billed by the model that served it, at the size tier of its own prompt, the
/// service tier and modifiers that it reports. Where the catalogue has no price the charge is
/// still made, by the rules in `docs/prices.md`: a model that the sheet does not know at the
/// rates of the routed one; a tier that the model does not have at the standard rates; speed or
/// place without a factor at factor 1; a search at the fee of the routed model, else the dearest
/// of the sheet. Numbers beyond the limits are clamped first ([`clamp_usage`]).
///
/// # Errors
/// [`PriceError::Overflow`]; [`PriceError::Unpriced`] for searches if the sheet has no fee at all.
pub fn charge(request: &ChargeRequest<'_>) -> Result<Charge, PriceError> {
    let ChargeRequest { sheet, routed: _, ask: _, parts, margin } = *request;
    let mut charge = Charge {
        bill: Bill { version: sheet.version, margin, lines: Vec::new(), charge: Money::ZERO },
        usage: Usage::default(),
        flags: UsageFlags::default(),
        unpriced: false,
    };
    for part in parts {
        add_part(&mut charge, request, part)?;
    }
    charge.bill.charge = charge.bill.recompute()?;
    Ok(charge)
}

fn add_part(charge: &mut Charge, request: &ChargeRequest<'_>, part: &UsagePart) -> Result<(), PriceError> {
    let UsagePart { served_model, usage, modifiers } = part;
    let served = match served_model {
        Some(name) => request.sheet.find(name),
        None => Some(request.routed),
    };
    let model = served.unwrap_or(request.routed);
    let (usage, clamped) = clamp_usage(usage, model, request.ask);
    let (tier, factor) = served_at(charge, model, *modifiers)?;
    let card = model.card(tier).unwrap_or(&model.standard);

    charge.flags.unknown_model |= served.is_none();
    charge.flags.clamped |= clamped;
    charge.usage = charge.usage.plus(&usage);
    let mut add = |kind, quantity, rate| {
        charge.bill.lines.push(LineItem { stage: None, model: model.id.clone(), kind, quantity, rate, tier });
    };
    for class in TokenClass::ALL.into_iter().filter(|class| usage.of(*class) > 0) {
        let rate = factor.apply(rate_of(card.at(usage.prompt()), class)?)?;
        add(LineKind::Tokens(class), usage.of(class), rate);
    }
    if usage.web_searches > 0 {
        add(LineKind::WebSearches, usage.web_searches, search_fee(request, model)?);
        charge.unpriced |= model.web_search.is_none();
    }
    Ok(())
}

fn rate_of(rates: &Rates, class: TokenClass) -> Result<Rate, PriceError> {
    rates.of(class).ok_or(PriceError::Unpriced { what: "output" })
}

/// The tier and factor to bill; notes in the charge what the model has no price for.
fn served_at(
    charge: &mut Charge,
    model: &PricedModel,
    reported: Modifiers,
) -> Result<(ServiceTier, Factor), PriceError> {
    let Modifiers { tier, fast, us_inference } = reported;
    let mut factor = Factor::ONE;
    for (reported, price) in [(fast, model.fast), (us_inference, model.us_inference)] {
        if reported {
            charge.unpriced |= price.is_none();
            factor = factor.and(price.unwrap_or(Factor::ONE))?;
        }
    }
    let has_tier = model.card(tier).is_some();
    charge.unpriced |= !has_tier;
    Ok((if has_tier { tier } else { ServiceTier::Standard }, factor))
}

fn search_fee(request: &ChargeRequest<'_>, model: &PricedModel) -> Result<Rate, PriceError> {
    model
        .web_search
        .or(request.routed.web_search)
        .or_else(|| request.sheet.dearest_web_search())
        .ok_or(PriceError::Unpriced { what: "web search" })
}
