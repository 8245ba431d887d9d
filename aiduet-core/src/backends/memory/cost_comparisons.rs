//! What came of comparing costs, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::cost::{CostComparison, CostComparisonStore, CostStoreError, DayComparison, TokenComparison};
use crate::provider::Vendor;

/// What came of comparing costs, in memory.
#[derive(Debug, Default)]
pub struct MemoryCostComparisons(Mutex<BTreeMap<(Timestamp, Vendor), DayComparison>>);

#[async_trait]
impl CostComparisonStore for MemoryCostComparisons {
    async fn keep(&self, comparison: &DayComparison) -> Result<(), CostStoreError> {
        let key = (comparison.cost.day, comparison.cost.vendor);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, comparison.clone());
        Ok(())
    }

    async fn list(&self, limit: u32) -> Result<Vec<CostComparison>, CostStoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<CostComparison> = kept.values().map(|kept| kept.cost).collect();
        list.sort_by_key(|comparison| std::cmp::Reverse(comparison.day));
        list.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(list)
    }

    async fn tokens(&self, day: Timestamp, vendor: Vendor) -> Result<Vec<TokenComparison>, CostStoreError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get(&(day, vendor)).map(|kept| kept.tokens.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
#[cfg(all(feature = "http", feature = "testing"))]
mod tests {
    async fn store() -> Option<super::MemoryCostComparisons> {
        Some(super::MemoryCostComparisons::default())
    }
    crate::cost_comparison_store_conformance!(store);
}
