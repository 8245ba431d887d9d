//! Compares a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CostComparison, CostComparisonStore, CostError, CostReports, Owed};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{BillPage, BillReader, DatedBill, LedgerError, SpendPeriod};
use crate::money::Money;
use crate::provider::Vendor;

/// Bills that are read together.
const PAGE: u32 = 1_000;

/// Holds what providers say against the records of requests.
#[derive(Debug)]
pub struct CostComparer {
    /// Who tells for which provider.
    pub reports: BTreeMap<Vendor, Arc<dyn CostReports>>,
    /// The records.
    pub bills: Arc<dyn BillReader>,
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
    pub async fn compare(&self, at: Timestamp) -> Result<Vec<CostComparison>, CostError> {
        let day = SpendPeriod::Day.start(at);
        let owed = self.owed(day).await?;
        let mut comparisons = Vec::new();
        for (vendor, reports) in &self.reports {
            let reported = reports.of_day(day).await?;
            let owed = owed.get(vendor).copied().unwrap_or_default();
            let comparison = CostComparison { day, vendor: *vendor, at: self.clock.now(), reported, owed };
            if !comparison.is_clean() {
                let (vendor, difference) = (vendor.as_str(), comparison.difference());
                tracing::error!(%day, vendor, %reported, %difference, "a provider and our records differ");
            }
            self.kept.keep(&comparison).await?;
            comparisons.push(comparison);
        }
        Ok(comparisons)
    }

    /// What the requests that began within a day cost.
    async fn owed(&self, day: Timestamp) -> Result<BTreeMap<Vendor, Owed>, LedgerError> {
        let to = SpendPeriod::Day.end(day).unwrap_or(day);
        let mut owed = BTreeMap::new();
        let mut page = BillPage { from: day, to, after: None, limit: PAGE };
        loop {
            let bills = self.bills.bills(page).await?;
            for bill in &bills {
                add(owed.entry(bill.vendor).or_default(), bill)?;
            }
            let is_full = bills.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            page.after = bills.last().map(|bill| bill.id).filter(|_last| is_full);
            if page.after.is_none() {
                return Ok(owed);
            }
        }
    }
}

fn add(owed: &mut Owed, dated: &DatedBill) -> Result<(), LedgerError> {
    let cost = dated.bill.provider_cost().map_err(|_overflow| LedgerError::InvalidAmount)?;
    if cost == Money::ZERO {
        return Ok(());
    }
    owed.requests = owed.requests.saturating_add(1);
    owed.sum = owed.sum.checked_add(cost)?;
    if dated.is_estimated {
        owed.estimated = owed.estimated.checked_add(cost)?;
    }
    Ok(())
}
