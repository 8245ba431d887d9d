//! What becomes dearer and what cheaper from one sheet to another.

use std::sync::Arc;

use super::{ModelId, PriceSheet, PricedModel, Rate, RateCard};
use crate::usage::TokenClass;

/// Models of which a price changes. A model with prices that rise and others that fall is among the
/// raised ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceChanges {
    /// Those of which some price rises.
    pub raised: Vec<ModelId>,
    /// Those of which some price falls and none rises.
    pub lowered: Vec<ModelId>,
}

impl PriceChanges {
    /// The changes between two sheets, by model. A model that only one of them has changes nothing.
    pub fn between(before: &PriceSheet, after: &PriceSheet) -> Self {
        let mut changes = Self::default();
        for (id, model) in &after.models {
            let Some(former) = before.models.get(id) else { continue };
            let pairs = rates(former, model);
            if pairs.iter().any(|(was, is)| is > was) {
                changes.raised.push(id.clone());
            } else if pairs.iter().any(|(was, is)| is < was) {
                changes.lowered.push(id.clone());
            }
        }
        changes
    }

    /// Whether nothing changes.
    pub const fn is_empty(&self) -> bool {
        self.raised.is_empty() && self.lowered.is_empty()
    }
}

/// Every rate that both have, in pairs.
fn rates(former: &Arc<PricedModel>, model: &Arc<PricedModel>) -> Vec<(Rate, Rate)> {
    let mut pairs = of_cards(&former.standard, &model.standard);
    for (tier, card) in &model.cards {
        if let Some(was) = former.cards.get(tier) {
            pairs.extend(of_cards(was, card));
        }
    }
    pairs.extend(former.web_search.zip(model.web_search));
    pairs
}

/// For each class of tokens and each size of prompt at which a rate of either card begins.
fn of_cards(was: &RateCard, is: &RateCard) -> Vec<(Rate, Rate)> {
    let begins = was.tiers.iter().chain(&is.tiers).map(|tier| tier.above_prompt_tokens.saturating_add(1));
    let sizes = std::iter::once(0).chain(begins);
    let at = |size: u64| {
        TokenClass::ALL.into_iter().filter_map(move |class| was.at(size).of(class).zip(is.at(size).of(class)))
    };
    sizes.flat_map(at).collect()
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    /// The embedded sheet with other standard rates of its first model.
    fn changed(change: impl FnOnce(&mut RateCard)) -> (ModelId, PriceChanges) {
        let (before, mut after) = (PriceSheet::embedded().unwrap(), PriceSheet::embedded().unwrap());
        let (id, model) = after.models.iter_mut().next().unwrap();
        change(&mut Arc::make_mut(model).standard);
        (id.clone(), PriceChanges::between(&before, &after))
    }

    #[test]
    fn a_model_is_raised_when_any_of_its_prices_is() {
        let dearer = |rate: Rate| Rate::from_pico(rate.pico() + 1);
        let cheaper = |rate: Rate| Rate::from_pico(rate.pico() - 1);
        let (_id, changes) = changed(|_same| {});
        assert!(changes.is_empty());
        let (id, changes) = changed(|card| card.base.input = dearer(card.base.input));
        assert_eq!(changes, PriceChanges { raised: vec![id], lowered: vec![] });
        let (id, changes) = changed(|card| card.base.output = card.base.output.map(cheaper));
        assert_eq!(changes, PriceChanges { raised: vec![], lowered: vec![id] });
        let (id, changes) = changed(|card| {
            card.base.input = cheaper(card.base.input);
            card.base.output = card.base.output.map(dearer);
        });
        assert_eq!(changes, PriceChanges { raised: vec![id], lowered: vec![] });
    }
}
