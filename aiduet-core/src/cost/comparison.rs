//! What came of a day.

use std::fmt;

use async_trait::async_trait;

use super::{CostStoreError, TokenComparison};
use crate::clock::Timestamp;
use crate::money::Money;
use crate::provider::Vendor;

/// A difference up to this is none: the day of a request that runs over midnight is a matter of taste.
pub(super) const TOLERANCE: Money = Money::from_nanos(1_000_000_000);
/// So is one of this part of what the provider says: 0.5 %.
pub(super) const TOLERANCE_PART: u16 = 200;

/// What a provider asks for requests by our own records, at its prices and without our margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Requests that cost something.
    pub requests: u32,
    /// For all of them.
    pub sum: Money,
    /// The part of it that we counted ourselves, since the provider did not tell.
    pub estimated: Money,
}

/// A day of a provider, as it says and as we recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostComparison {
    /// The first moment of the day (UTC).
    pub day: Timestamp,
    /// Whose.
    pub vendor: Vendor,
    /// When it was compared.
    pub at: Timestamp,
    /// What the provider says that the day cost.
    pub reported: Money,
    /// What it cost by our records.
    pub owed: Owed,
}

impl CostComparison {
    /// By how much the provider says more than our records.
    pub fn difference(&self) -> Money {
        Money::from_nanos(self.reported.nanos().saturating_sub(self.owed.sum.nanos()))
    }

    /// Whether the difference is within the tolerance: a dollar, or 0.5 % of what is reported.
    pub fn is_clean(&self) -> bool {
        let part =
            self.reported.nanos().saturating_abs().checked_div(TOLERANCE_PART.into()).unwrap_or_default();
        self.difference().nanos().saturating_abs() <= part.max(TOLERANCE.nanos())
    }
}

/// A day of a provider: what it cost, and the tokens of each model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayComparison {
    /// What it cost.
    pub cost: CostComparison,
    /// Models in the order of their names.
    pub tokens: Vec<TokenComparison>,
}

impl DayComparison {
    /// Whether nothing differs by more than the tolerance.
    pub fn is_clean(&self) -> bool {
        self.cost.is_clean() && self.differing().next().is_none()
    }

    /// The models whose tokens differ by more than the tolerance.
    pub fn differing(&self) -> impl Iterator<Item = &TokenComparison> {
        self.tokens.iter().filter(|model| !model.is_clean())
    }
}

/// Keeps what came of each day.
#[async_trait]
pub trait CostComparisonStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps the comparison of a day and provider, in place of an earlier one.
    ///
    /// # Errors
    /// [`CostStoreError::Unavailable`].
    async fn keep(&self, comparison: &DayComparison) -> Result<(), CostStoreError>;

    /// At most `limit` comparisons, the latest day first, providers in the order of their names.
    ///
    /// # Errors
    /// [`CostStoreError::Unavailable`].
    async fn list(&self, limit: u32) -> Result<Vec<CostComparison>, CostStoreError>;

    /// The tokens of a day and provider, models in the order of their names.
    ///
    /// # Errors
    /// [`CostStoreError::Unavailable`].
    async fn tokens(&self, day: Timestamp, vendor: Vendor) -> Result<Vec<TokenComparison>, CostStoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dollar_or_half_a_percent_is_no_difference() {
        let dollar = 1_000_000_000_i64;
        for (reported, sum, is_clean) in [
            (0, 0, true),
            (dollar, 0, true),
            (dollar + 1, 0, false),
            (0, dollar + 1, false),
            (1_000 * dollar, 995 * dollar, true),
            (1_000 * dollar, 995 * dollar - 1, false),
            (1_000 * dollar, 1_005 * dollar, true),
        ] {
            let owed = Owed { sum: Money::from_nanos(sum), ..Owed::default() };
            let (day, vendor) = (Timestamp::from_millis(0), Vendor::OpenAi);
            let reported = Money::from_nanos(reported);
            let comparison = CostComparison { day, vendor, at: day, reported, owed };
            assert_eq!(comparison.is_clean(), is_clean, "{reported} {sum}");
        }
    }
}
