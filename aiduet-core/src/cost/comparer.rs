//! Compares a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::Tally;
use super::{
    CostComparison, CostComparisonStore, CostError, CostReports, DayComparison, DayTokens, TokenComparison,
};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{BillReader, SpendPeriod};
use crate::price::{PriceBook, PriceSheet};
use crate::provider::Vendor;

/// Holds what providers say against the records of requests.
#[derive(Debug)]
pub struct CostComparer {
    /// Who tells for which provider.
    pub reports: BTreeMap<Vendor, Arc<dyn CostReports>>,
    /// The records.
    pub bills: Arc<dyn BillReader>,
    /// Whose model a line of a bill is for.
    pub prices: Arc<dyn PriceBook>,
    /// Where comparisons are kept.
    pub kept: Arc<dyn CostComparisonStore>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl CostComparer {
    /// Compares the day (UTC) that `at` falls into, for each provider that tells, and keeps what came of
    /// it.
    ///
    /// # Errors
    /// [`CostError`]; a repeat is safe.
    pub async fn compare(&self, at: Timestamp) -> Result<Vec<DayComparison>, CostError> {
        let day = SpendPeriod::Day.start(at);
        let sheet = self.prices.sheet(SpendPeriod::Day.end(day).unwrap_or(day)).await?;
        let tally = Tally::of(self.bills.as_ref(), &sheet, day).await?;
        let mut comparisons = Vec::new();
        for (vendor, reports) in &self.reports {
            let reported = reports.of_day(day).await?;
            let owed = tally.owed.get(vendor).copied().unwrap_or_default();
            let cost = CostComparison { day, vendor: *vendor, at: self.clock.now(), reported, owed };
            let counted = reports.tokens_of_day(day).await?;
            let tokens = compare_tokens((day, *vendor), counted, &tally, &sheet);
            let comparison = DayComparison { cost, tokens };
            if !comparison.is_clean() {
                let (vendor, difference) = (vendor.as_str(), cost.difference());
                let models = comparison.differing().count();
                tracing::error!(%day, vendor, %reported, %difference, models, "a provider and our records differ");
            }
            self.kept.keep(&comparison).await?;
            comparisons.push(comparison);
        }
        Ok(comparisons)
    }
}

/// Compares the tokens of each model that the provider or our records know of, in the order of their names.
fn compare_tokens(
    (day, vendor): (Timestamp, Vendor),
    counted: BTreeMap<String, DayTokens>,
    tally: &Tally,
    sheet: &PriceSheet,
) -> Vec<TokenComparison> {
    let mut models: BTreeMap<String, (DayTokens, (DayTokens, DayTokens))> = BTreeMap::new();
    for (said, tokens) in counted {
        // Providers give their models dated names.
        let name = sheet.find(&said).map_or(said, |model| model.id.as_str().to_owned());
        models.entry(name).or_default().0.merge(tokens);
    }
    for ((of, name), recorded) in &tally.tokens {
        if *of == vendor {
            models.entry(name.clone()).or_default().1 = *recorded;
        }
    }
    let compare = |(name, (reported, recorded)): (String, _)| {
        let model = sheet.find(&name).cloned();
        TokenComparison::of((day, vendor, name), reported, recorded, model.as_deref())
    };
    models.into_iter().map(compare).collect()
}
