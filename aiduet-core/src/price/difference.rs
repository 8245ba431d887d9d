//! What one sheet changes against another, price by price.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Factor, ModelId, PriceSheet, PricedModel, Rate, RateCard};
use crate::clock::Timestamp;
use crate::usage::{ServiceTier, TokenClass};

/// A price that two sheets do not have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceDifference {
    /// The name by which the model is asked for.
    pub model: ModelId,
    /// What it is the price of: a token class, `web_search`, or a multiplier. In front of a token class
    /// stands a service tier other than the standard one, behind it the prompt size above which it holds:
    /// `output`, `batch.input`, `input_above_200000`.
    pub class: String,
    /// What it was; `None`: there was none.
    pub old: Option<ListPrice>,
    /// What it is; `None`: there is none.
    pub new: Option<ListPrice>,
}

/// A price as sheets write it.
///
/// # Units
/// USD per million tokens, USD per thousand calls, or a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListPrice {
    /// Of tokens.
    Tokens(Rate),
    /// Of calls.
    Calls(Rate),
    /// On all prices of tokens.
    Multiplier(Factor),
}

impl ListPrice {
    /// Whether it is more than another one of the same class.
    fn exceeds(self, other: Self) -> bool {
        match (self, other) {
            (Self::Tokens(new), Self::Tokens(old)) | (Self::Calls(new), Self::Calls(old)) => new > old,
            (Self::Multiplier(new), Self::Multiplier(old)) => new.exceeds(old),
            (Self::Tokens(_) | Self::Calls(_) | Self::Multiplier(_), _) => true,
        }
    }
}

impl fmt::Display for ListPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, one) = match self {
            Self::Tokens(rate) => (rate.pico(), 1_000_000),
            Self::Calls(rate) => (rate.pico(), 1_000_000_000),
            Self::Multiplier(factor) => factor.parts(),
        };
        write_decimal(f, value, one)
    }
}

/// A fraction as a decimal without zeros at its end; those of sheets end.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, one: u64) -> fmt::Result {
    let divided = |value: u128| value.checked_div(one.into()).zip(value.checked_rem(one.into()));
    let Some((whole, mut rest)) = divided(value.into()) else { return Err(fmt::Error) };
    write!(f, "{whole}")?;
    for place in 0..20 {
        if rest == 0 {
            break;
        }
        let Some((digit, left)) = divided(rest.saturating_mul(10)) else { return Err(fmt::Error) };
        f.write_str(if place == 0 { "." } else { "" })?;
        write!(f, "{digit}")?;
        rest = left;
    }
    Ok(())
}

impl PriceDifference {
    /// Whether somebody may pay more by it, or no longer gets what there was.
    pub(super) fn is_rise(&self) -> bool {
        match (self.old, self.new) {
            (Some(old), Some(new)) => new.exceeds(old),
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// Whether somebody pays less by it.
    pub(super) fn is_fall(&self) -> bool {
        self.old.zip(self.new).is_some_and(|(old, new)| old.exceeds(new))
    }

    /// What changes from one sheet to another, by model. Models are compared by every name under which
    /// they are sold at a moment: a name may come to stand for another model.
    pub fn between(before: &PriceSheet, after: &PriceSheet, at: Timestamp) -> Vec<Self> {
        let mut differences = Vec::new();
        for (name, was, is) in sold(before, after, at) {
            let classes: BTreeMap<_, _> = match (was, is) {
                (Some(was), Some(is)) if was == is => continue,
                (Some(was), Some(is)) => classes(was, Some(is)),
                (Some(only), None) | (None, Some(only)) => classes(only, None),
                (None, None) => continue,
            };
            for (class, (first, second)) in classes {
                let (old, new) = if was.is_some() { (first, second) } else { (second, first) };
                if old != new {
                    differences.push(Self { model: name.clone(), class, old, new });
                }
            }
        }
        differences
    }
}

/// A name, and the models that it stands for in two sheets.
pub(super) type Sold<'a> = (ModelId, Option<&'a Arc<PricedModel>>, Option<&'a Arc<PricedModel>>);

/// Every name of a model that is sold at a moment by either sheet. Names that change as the identifier of
/// their model does are left out.
pub(super) fn sold<'a>(before: &'a PriceSheet, after: &'a PriceSheet, at: Timestamp) -> Vec<Sold<'a>> {
    let names: BTreeSet<&str> = before.names.keys().chain(after.names.keys()).map(AsRef::as_ref).collect();
    let sold = names.into_iter().filter_map(|name| {
        let (was, is) = (before.find_at(name, at), after.find_at(name, at));
        let is_itself = |model: &Arc<PricedModel>| model.id.as_str() == name;
        let is_alias = match (was, is) {
            (Some(was), Some(is)) => was.id == is.id && !is_itself(was),
            (Some(was), None) => !is_itself(was) && after.find_at(was.id.as_str(), at).is_none(),
            (None, Some(is)) => !is_itself(is),
            (None, None) => true,
        };
        let name = ModelId::parse(name).ok().filter(|_name| !is_alias)?;
        Some((name, was, is))
    });
    sold.collect()
}

/// The prices of a model by their class, each with that of another model.
type Classes = BTreeMap<String, (Option<ListPrice>, Option<ListPrice>)>;

fn classes(model: &PricedModel, other: Option<&Arc<PricedModel>>) -> Classes {
    let mut classes = Classes::new();
    for tier in ServiceTier::ALL {
        let (card, others) = (model.card(tier), other.and_then(|other| other.card(tier)));
        let is_standard = tier == ServiceTier::Standard;
        let prefix = if is_standard { String::new() } else { format!("{}.", tier.as_str()) };
        let sizes: BTreeSet<u64> = card
            .into_iter()
            .chain(others)
            .flat_map(|card| card.tiers.iter().map(|size| size.above_prompt_tokens))
            .collect();
        for above in std::iter::once(None).chain(sizes.into_iter().map(Some)) {
            let suffix = above.map(|above| format!("_above_{above}")).unwrap_or_default();
            let prompt = above.map_or(0, |above| above.saturating_add(1));
            for class in TokenClass::ALL {
                let of = |card: &RateCard| card.at(prompt).of(class).map(ListPrice::Tokens);
                let name = format!("{prefix}{}{suffix}", class.as_str());
                classes.insert(name, (card.and_then(of), others.and_then(of)));
            }
        }
    }
    let calls = |model: &PricedModel| model.web_search.map(ListPrice::Calls);
    classes.insert("web_search".to_owned(), (calls(model), other.and_then(|other| calls(other))));
    let factors = |model: &PricedModel| [model.fast, model.us_inference];
    let others = other.map(|other| factors(other));
    let names = ["speed_fast", "inference_geo_us"];
    for ((name, factor), others) in names.iter().zip(factors(model)).zip(others.unwrap_or_default()) {
        if factor.is_some() || others.is_some() {
            // Without one the factor is 1.
            let price = |factor: Option<Factor>| ListPrice::Multiplier(factor.unwrap_or(Factor::ONE));
            classes.insert((*name).to_owned(), (Some(price(factor)), other.map(|_model| price(others))));
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_shown_as_sheets_write_them() {
        let factor =
            |numerator, denominator| ListPrice::Multiplier(Factor::new(numerator, denominator).unwrap());
        for (price, text) in [
            (ListPrice::Tokens(Rate::from_pico(2_500_000)), "2.5"),
            (ListPrice::Tokens(Rate::from_pico(1)), "0.000001"),
            (ListPrice::Tokens(Rate::from_pico(u64::MAX)), "18446744073709.551615"),
            (ListPrice::Calls(Rate::from_pico(10_000_000_000)), "10"),
            (factor(11, 10), "1.1"),
            (factor(6, 1), "6"),
        ] {
            assert_eq!(price.to_string(), text);
        }
    }
}
