//! What becomes dearer and what cheaper from one sheet to another.

use super::difference::sold;
use super::{ModelId, PriceDifference, PriceSheet};
use crate::clock::Timestamp;

/// Models of which a price changes, by the names under which they are sold. A model with prices that rise
/// and others that fall is among the raised ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceChanges {
    /// Those of which some price rises, or goes.
    pub raised: Vec<ModelId>,
    /// Those of which some price falls and none rises.
    pub lowered: Vec<ModelId>,
    /// Those that are no longer sold.
    pub withdrawn: Vec<ModelId>,
}

impl PriceChanges {
    /// The changes between two sheets for whoever calls at a moment. A model that is new changes nothing.
    pub fn between(before: &PriceSheet, after: &PriceSheet, at: Timestamp) -> Self {
        let mut changes = Self::default();
        let differences = PriceDifference::between(before, after, at);
        for (name, was, is) in sold(before, after, at) {
            let of_it = || differences.iter().filter(|difference| difference.model == name);
            let list = match (was, is) {
                (Some(_), None) => &mut changes.withdrawn,
                (Some(_), Some(_)) if of_it().any(PriceDifference::is_rise) => &mut changes.raised,
                (Some(_), Some(_)) if of_it().any(PriceDifference::is_fall) => &mut changes.lowered,
                (Some(_), Some(_)) | (None, _) => continue,
            };
            list.push(name);
        }
        changes
    }

    /// Whether nothing changes.
    pub const fn is_empty(&self) -> bool {
        self.raised.is_empty() && self.lowered.is_empty() && self.withdrawn.is_empty()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
