//! What calls cost: rates per token, a quote before, a bill after.

mod bill;
mod catalogue;
mod changes;
mod charge;
mod difference;
mod edition;
mod error;
mod published;
mod quote;
mod rate;
mod sheet;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use bill::{Bill, LineItem, LineKind, Margin};
pub use changes::PriceChanges;
pub use charge::{Charge, ChargeRequest, charge, clamp_usage};
pub use difference::{ListPrice, PriceDifference};
pub use edition::{
    EditionFile, EditionMark, EditionStep, InvalidDigest, PriceDraft, PriceEdition, PriceEditions,
    PricePublication, SheetDigest, TAKE_OVER,
};
pub use error::{EditionError, PriceError};
pub use published::PublishedPrices;
pub use quote::{Ask, affordable_output, quote};
pub use rate::{Factor, Rate, RateCard, Rates, SizeTier};
pub use sheet::{InvalidModelId, ModelId, ModelLimits, PriceSheet, PriceVersion, PricedModel};

use crate::clock::Timestamp;

/// The effective-dated prices.
///
/// # Contract
/// - A sheet never changes once it is in force; a change is a new sheet with a later date.
/// - For every moment from the first sheet on there is exactly one sheet.
#[async_trait]
pub trait PriceBook: fmt::Debug + Send + Sync + 'static {
    /// The sheet in force at a moment.
    ///
    /// # Errors
    /// [`PriceError::NoSheet`] before the first one, [`PriceError::Unavailable`].
    async fn sheet(&self, at: Timestamp) -> Result<Arc<PriceSheet>, PriceError>;

    /// The sheets that come into force after a moment, soonest first.
    ///
    /// # Errors
    /// [`PriceError::Unavailable`].
    async fn upcoming(&self, after: Timestamp) -> Result<Vec<Arc<PriceSheet>>, PriceError>;
}
