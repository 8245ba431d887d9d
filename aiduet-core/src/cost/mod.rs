//! What providers say that we owe them and that they counted, held against the records of requests.

mod amount;
mod comparer;
mod comparison;
mod error;
mod tally;
mod tokens;

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

pub use amount::ExactSum;
pub use comparer::CostComparer;
pub use comparison::{CostComparison, CostComparisonStore, DayComparison, Owed};
pub use error::{CostError, CostStoreError};
pub use tokens::{DayTokens, TokenComparison};

use crate::clock::Timestamp;
use crate::money::Money;

/// The cost and usage reports of one provider for the organization of the operator.
#[async_trait]
pub trait CostReports: fmt::Debug + Send + Sync + 'static {
    /// What the day (UTC) cost that begins at this moment.
    ///
    /// # Errors
    /// [`CostError`].
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError>;

    /// The tokens of the day (UTC) that begins at this moment, by the name that the provider has for a model.
    ///
    /// # Errors
    /// [`CostError`].
    async fn tokens_of_day(&self, day: Timestamp) -> Result<BTreeMap<String, DayTokens>, CostError>;
}
