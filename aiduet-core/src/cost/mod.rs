//! What providers say that we owe them, held against the records of requests.

mod amount;
mod comparer;
mod comparison;
mod error;

use std::fmt;

use async_trait::async_trait;

pub use amount::ExactSum;
pub use comparer::CostComparer;
pub use comparison::{CostComparison, CostComparisonStore, Owed};
pub use error::{CostError, CostStoreError};

use crate::clock::Timestamp;
use crate::money::Money;

/// The cost reports of one provider for the organization of the operator.
#[async_trait]
pub trait CostReports: fmt::Debug + Send + Sync + 'static {
    /// What the day (UTC) cost that begins at this moment.
    ///
    /// # Errors
    /// [`CostError`].
    async fn of_day(&self, day: Timestamp) -> Result<Money, CostError>;
}
