//! Sheets that operators draft, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::price::{
    EditionError, EditionFile, EditionStep, PriceDraft, PriceEdition, PriceEditions, PriceVersion,
};

/// Sheets that operators draft, in memory.
#[derive(Debug, Default)]
pub struct MemoryPriceEditions(Mutex<BTreeMap<PriceVersion, EditionFile>>);

impl MemoryPriceEditions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PriceVersion, EditionFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn latest(&self, limit: u32, is_wanted: impl Fn(&PriceEdition) -> bool) -> Vec<PriceEdition> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let files = self.lock();
        let editions = files.values().rev().map(|file| &file.edition);
        editions.filter(|edition| is_wanted(edition)).take(limit).cloned().collect()
    }

    /// Changes an edition as its step says, in view of all others.
    fn change(
        &self,
        step: impl FnOnce(&[PriceEdition]) -> Result<PriceEdition, EditionError>,
    ) -> Result<PriceEdition, EditionError> {
        let mut files = self.lock();
        let all: Vec<_> = files.values().map(|file| file.edition.clone()).collect();
        let changed = step(&all)?;
        if let Some(file) = files.get_mut(&changed.version) {
            file.edition = changed.clone();
        }
        Ok(changed)
    }
}

#[async_trait]
impl PriceEditions for MemoryPriceEditions {
    async fn draft(&self, draft: PriceDraft) -> Result<PriceEdition, EditionError> {
        let mut files = self.lock();
        let before = files.get(&draft.version).map(|file| &file.edition);
        let edition = PriceEdition::redrafted(before, &draft)?;
        let file = EditionFile { edition: edition.clone(), text: draft.text };
        files.insert(edition.version, file);
        Ok(edition)
    }

    async fn find(&self, version: PriceVersion) -> Result<Option<EditionFile>, EditionError> {
        Ok(self.lock().get(&version).cloned())
    }

    async fn list(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        Ok(self.latest(limit, |_any| true))
    }

    async fn standing(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        Ok(self.latest(limit, |edition| edition.standing().is_some()))
    }

    async fn publish(
        &self,
        step: EditionStep,
        after: Option<PriceVersion>,
    ) -> Result<PriceEdition, EditionError> {
        self.change(|all| PriceEdition::published(all, &step, after))
    }

    async fn withdraw(&self, step: EditionStep) -> Result<PriceEdition, EditionError> {
        self.change(|all| PriceEdition::withdrawn(all, &step))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_price_editions() -> Option<MemoryPriceEditions> {
        Some(MemoryPriceEditions::default())
    }

    crate::price_editions_conformance!(memory_price_editions);
}
