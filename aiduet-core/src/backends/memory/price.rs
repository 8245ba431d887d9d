//! Price sheets in memory.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::price::{PriceBook, PriceError, PriceSheet};

/// Price sheets in memory.
#[derive(Debug)]
pub struct MemoryPriceBook {
    /// By ascending date, each date once.
    sheets: RwLock<Vec<Arc<PriceSheet>>>,
}

impl MemoryPriceBook {
    /// A book with its first sheet.
    pub fn new(first: PriceSheet) -> Self {
        Self { sheets: RwLock::new(vec![Arc::new(first)]) }
    }

    /// Adds a sheet that comes into force after now and after every other sheet, so that neither
    /// the past nor what was announced changes.
    ///
    /// # Errors
    /// [`PriceError::InvalidCatalogue`] if its date is too early.
    pub fn publish(&self, sheet: PriceSheet, now: Timestamp) -> Result<(), PriceError> {
        let mut sheets = self.sheets.write().unwrap_or_else(PoisonError::into_inner);
        let refused = |reason| PriceError::InvalidCatalogue { model: "effective_from".to_owned(), reason };
        if sheet.effective_from <= now {
            return Err(refused("a sheet must come into force in the future"));
        }
        if sheets.last().is_some_and(|last| sheet.effective_from <= last.effective_from) {
            return Err(refused("a sheet must come into force after every other sheet"));
        }
        sheets.push(Arc::new(sheet));
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&[Arc<PriceSheet>]) -> T) -> T {
        look(&self.sheets.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl PriceBook for MemoryPriceBook {
    async fn sheet(&self, at: Timestamp) -> Result<Arc<PriceSheet>, PriceError> {
        let in_force = |sheet: &&Arc<PriceSheet>| sheet.effective_from <= at;
        self.read(|sheets| sheets.iter().rev().find(in_force).map(Arc::clone)).ok_or(PriceError::NoSheet)
    }

    async fn upcoming(&self, after: Timestamp) -> Result<Vec<Arc<PriceSheet>>, PriceError> {
        let later = |sheet: &&Arc<PriceSheet>| sheet.effective_from > after;
        Ok(self.read(|sheets| sheets.iter().filter(later).map(Arc::clone).collect()))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::testing::price::{midnight, sheet_from};

    async fn memory_price_book(sheets: Vec<PriceSheet>) -> MemoryPriceBook {
        let mut sheets = sheets.into_iter();
        let first = sheets.next().unwrap();
        let now = first.effective_from;
        let book = MemoryPriceBook::new(first);
        for sheet in sheets {
            book.publish(sheet, now).unwrap();
        }
        book
    }

    crate::price_book_conformance!(memory_price_book);

    #[test]
    fn a_sheet_in_force_cannot_be_changed() {
        let book = MemoryPriceBook::new(sheet_from("2026-01-01"));
        let now = midnight("2026-02-01");
        for past in ["2025-12-31", "2026-01-01", "2026-01-15", "2026-02-01"] {
            let refused = book.publish(sheet_from(past), now);
            assert!(matches!(refused, Err(PriceError::InvalidCatalogue { .. })), "{past}");
        }
        assert!(book.publish(sheet_from("2026-02-02"), now).is_ok());
    }

    #[test]
    fn an_announced_sheet_is_not_overtaken_or_replaced() {
        let book = MemoryPriceBook::new(sheet_from("2026-01-01"));
        let now = midnight("2026-01-01");
        book.publish(sheet_from("2026-03-01"), now).unwrap();
        for early in ["2026-02-01", "2026-03-01"] {
            assert!(book.publish(sheet_from(early), now).is_err(), "{early}");
        }
        assert!(book.publish(sheet_from("2026-03-02"), now).is_ok());
    }
}
