//! What was published, in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::policy::{Progress, Publication, PublicationError, PublicationStore};

/// What was published, in memory.
#[derive(Debug, Default)]
pub struct MemoryPublications(Mutex<Published>);

#[derive(Debug, Default)]
struct Published {
    all: Vec<Publication>,
    progress: BTreeMap<String, Progress>,
}

impl MemoryPublications {
    fn lock(&self) -> MutexGuard<'_, Published> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PublicationStore for MemoryPublications {
    async fn publish(&self, publication: Publication) -> Result<Publication, PublicationError> {
        let mut published = self.lock();
        let is_it =
            |kept: &&Publication| kept.kind == publication.kind && kept.version == publication.version;
        match published.all.iter().find(is_it) {
            Some(kept) if kept.is_same(&publication) => Ok(kept.clone()),
            Some(_) => Err(PublicationError::Conflict),
            None => {
                published.all.push(publication.clone());
                Ok(publication)
            }
        }
    }

    async fn list(&self, limit: u32) -> Result<Vec<Publication>, PublicationError> {
        let mut all = self.lock().all.clone();
        all.sort_by_key(|kept| std::cmp::Reverse((kept.effective_from, kept.kind)));
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    async fn progress(&self, news: &str) -> Result<Progress, PublicationError> {
        Ok(self.lock().progress.get(news).copied().unwrap_or_default())
    }

    async fn advance(&self, news: &str, to: Progress) -> Result<(), PublicationError> {
        let mut published = self.lock();
        let kept = published.progress.entry(news.to_owned()).or_default();
        if kept.through < to.through {
            *kept = to;
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;

    async fn memory_publications() -> Option<MemoryPublications> {
        Some(MemoryPublications::default())
    }

    crate::publication_store_conformance!(memory_publications);
}
