//! The prices that come with the library, and those that operators have published since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{
    EditionError, EditionFile, PriceBook, PriceEdition, PriceEditions, PriceError, PriceSheet, SheetDigest,
    TAKE_OVER,
};
use crate::class::Source;
use crate::clock::{Clock, Timestamp};

/// How often the store is read.
const POLL: Duration = Duration::from_secs(5);
/// How long what was read is believed: a sheet counts no sooner after it was published.
const LIFE: Duration = TAKE_OVER;
/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many editions are looked at: there is at most one a day.
const EDITIONS: u32 = 1_000;

/// A price book over a first sheet and the sheets that operators have published since.
///
/// # Contract
/// A sheet that was published holds until the next one does: a first sheet with a later date, of a newer
/// release, changes no price. The store is read when prices are asked for, every five seconds. A minute
/// after it was last read no price is told any more, since another one may be in force.
///
/// # Cancellation
/// When the future that reads the store is dropped, the next one reads it.
#[derive(Debug)]
pub struct PublishedPrices {
    first: Arc<PriceSheet>,
    editions: Arc<dyn PriceEditions>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// Held by the one who reads the store.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Memory {
    tried: Option<Moment>,
    known: Option<Known>,
}

/// What was read.
#[derive(Clone, Debug)]
struct Known {
    asked: Moment,
    /// By the moment from which they are in force.
    sheets: Arc<[Arc<PriceSheet>]>,
    by_text: Arc<HashMap<SheetDigest, Arc<PriceSheet>>>,
}

/// A moment on both clocks: one stands still while the process does, the other one may be set back.
#[derive(Clone, Copy, Debug)]
struct Moment {
    monotonic: Duration,
    wall: Timestamp,
}

impl Moment {
    fn of(clock: &dyn Clock) -> Self {
        Self { monotonic: clock.monotonic(), wall: clock.now() }
    }

    fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic).max(self.wall.since(earlier.wall))
    }
}

/// Nobody has read the store for too long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store of price sheets was last read more than a minute ago")]
struct Outdated;

impl PublishedPrices {
    /// The prices of a first sheet and of the editions behind it.
    pub fn new(first: Arc<PriceSheet>, editions: Arc<dyn PriceEditions>, clock: Arc<dyn Clock>) -> Self {
        let (memory, reading) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { first, editions, clock, memory, reading }
    }

    /// The sheets, soonest first.
    async fn sheets(&self) -> Result<Arc<[Arc<PriceSheet>]>, PriceError> {
        if self.is_due() {
            let reading = match self.known() {
                // One reads; the others go on with what is known.
                Some(_known) => self.reading.try_lock().ok(),
                None => Some(self.reading.lock().await),
            };
            if reading.is_some() && self.is_due() {
                self.read().await?;
            }
        }
        let known = self.known().ok_or_else(|| unavailable(Outdated))?;
        Ok(known.sheets)
    }

    fn is_due(&self) -> bool {
        let now = Moment::of(self.clock.as_ref());
        self.lock().tried.is_none_or(|tried| now.since(tried) >= POLL)
    }

    /// What was read, as long as it is believed.
    fn known(&self) -> Option<Known> {
        let now = Moment::of(self.clock.as_ref());
        self.lock().known.clone().filter(|known| now.since(known.asked) < LIFE)
    }

    /// Reads the store. A failure counts once nothing that was read before is believed.
    async fn read(&self) -> Result<(), PriceError> {
        let asked = Moment::of(self.clock.as_ref());
        let before = self.lock().known.clone().map(|known| known.by_text).unwrap_or_default();
        let read = tokio::time::timeout(PATIENCE, self.fetch(&before)).await;
        let read = read.unwrap_or_else(|late| Err(unavailable(late)));
        let mut memory = self.lock();
        memory.tried = Some(asked);
        match read {
            Ok((sheets, by_text)) => {
                memory.known = Some(Known { asked, sheets: sheets.into(), by_text: Arc::new(by_text) });
                Ok(())
            }
            Err(error) => {
                drop(memory);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the store of price sheets cannot be read");
                if self.known().is_some() { Ok(()) } else { Err(error) }
            }
        }
    }

    /// The sheets that stand, read anew only where they are not known.
    async fn fetch(
        &self,
        before: &HashMap<SheetDigest, Arc<PriceSheet>>,
    ) -> Result<(Vec<Arc<PriceSheet>>, HashMap<SheetDigest, Arc<PriceSheet>>), PriceError> {
        let mut by_text = HashMap::new();
        let mut sheets = Vec::new();
        for edition in self.editions.standing(EDITIONS).await?.iter().rev() {
            let sheet = match before.get(&edition.digest) {
                Some(known) => Arc::clone(known),
                None => Arc::new(self.sheet_of(edition).await?),
            };
            by_text.insert(edition.digest, Arc::clone(&sheet));
            sheets.push(sheet);
        }
        if sheets.first().is_none_or(|next| self.first.effective_from < next.effective_from) {
            sheets.insert(0, Arc::clone(&self.first));
        }
        Ok((sheets, by_text))
    }

    async fn sheet_of(&self, edition: &PriceEdition) -> Result<PriceSheet, PriceError> {
        let file = self.editions.find(edition.version).await?;
        let file = file.ok_or_else(|| unavailable(EditionError::NotFound { version: edition.version }))?;
        file.sheet().map_err(unavailable)
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EditionFile {
    /// The sheet, in force from the moment of its publication on.
    ///
    /// # Errors
    /// [`PriceError::InvalidCatalogue`] when the text is none, or not the one with the digest.
    pub fn sheet(&self) -> Result<PriceSheet, PriceError> {
        let Self { edition, text } = self;
        if SheetDigest::of(text) != edition.digest {
            let (model, reason) = (edition.version.0.to_string(), "not the text that was published");
            return Err(PriceError::InvalidCatalogue { model, reason });
        }
        let sheet = PriceSheet::from_json(text)?;
        let effective_from =
            edition.published.as_ref().map_or(sheet.effective_from, |publication| publication.in_force_from);
        Ok(PriceSheet { effective_from, ..sheet })
    }
}

fn unavailable(error: impl Into<Source>) -> PriceError {
    PriceError::Unavailable { source: error.into() }
}

impl From<EditionError> for PriceError {
    fn from(error: EditionError) -> Self {
        unavailable(error)
    }
}

#[async_trait]
impl PriceBook for PublishedPrices {
    async fn sheet(&self, at: Timestamp) -> Result<Arc<PriceSheet>, PriceError> {
        let sheets = self.sheets().await?;
        let found = sheets.iter().rev().find(|sheet| sheet.effective_from <= at);
        found.map(Arc::clone).ok_or(PriceError::NoSheet)
    }

    async fn upcoming(&self, after: Timestamp) -> Result<Vec<Arc<PriceSheet>>, PriceError> {
        let sheets = self.sheets().await?;
        Ok(sheets.iter().filter(|sheet| sheet.effective_from > after).map(Arc::clone).collect())
    }
}

#[cfg(test)]
#[cfg(all(feature = "testing", feature = "memory"))]
mod tests;
