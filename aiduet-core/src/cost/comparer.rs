//! Compares a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CostComparison, CostComparisonStore, CostError, CostReports, Owed};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{BillPage, BillReader, DatedBill, LedgerError, SpendPeriod};
use crate::money::Money;
use crate::price::{Bill, PriceBook, PriceError, PriceSheet};
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
    async fn owed(&self, day: Timestamp) -> Result<BTreeMap<Vendor, Owed>, CostError> {
        let to = SpendPeriod::Day.end(day).unwrap_or(day);
        let sheet = self.prices.sheet(to).await?;
        let mut owed = BTreeMap::new();
        let mut page = BillPage { from: day, to, after: None, limit: PAGE };
        loop {
            let bills = self.bills.bills(page).await?;
            for bill in &bills {
                for (vendor, cost) in costs(bill, &sheet)? {
                    add(owed.entry(vendor).or_default(), cost, bill)?;
                }
            }
            let is_full = bills.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            page.after = bills.last().map(|bill| bill.id).filter(|_last| is_full);
            if page.after.is_none() {
                return Ok(owed);
            }
        }
    }
}

/// What a bill costs at each provider: at one, but for an ensemble, whose stages are of several.
fn costs(dated: &DatedBill, sheet: &PriceSheet) -> Result<BTreeMap<Vendor, Money>, PriceError> {
    if dated.bill.lines.iter().all(|line| line.stage.is_none()) {
        return Ok(BTreeMap::from([(dated.vendor, dated.bill.provider_cost()?)]));
    }
    let mut parts: BTreeMap<Vendor, Bill> = BTreeMap::new();
    for line in &dated.bill.lines {
        let vendor = sheet.models.get(&line.model).map_or(dated.vendor, |model| model.vendor);
        parts.entry(vendor).or_default().lines.push(line.clone());
    }
    parts.into_iter().map(|(vendor, part)| Ok((vendor, part.recompute()?))).collect()
}

fn add(owed: &mut Owed, cost: Money, dated: &DatedBill) -> Result<(), LedgerError> {
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

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use crate::id::RequestId;
    use crate::price::{LineItem, LineKind, Margin, ModelId, PriceVersion, Rate};
    use crate::testing::price::sheet_from;
    use crate::usage::{ServiceTier, Stage, TokenClass};

    use super::*;

    #[test]
    fn each_provider_is_owed_for_its_own_stages() {
        let line = |stage, model, quantity| LineItem {
            stage,
            model: ModelId::parse(model).unwrap(),
            kind: LineKind::Tokens(TokenClass::Output),
            quantity,
            rate: Rate::from_pico(1_000),
            tier: ServiceTier::default(),
        };
        let dated = |lines| {
            let bill = Bill { version: PriceVersion(1), margin: Margin(20_000), lines, charge: Money::ZERO };
            let charge = bill.recompute().unwrap();
            let bill = Bill { charge, ..bill };
            DatedBill {
                id: RequestId::from_uuid(uuid::Uuid::nil()),
                vendor: Vendor::OpenAi,
                bill,
                is_estimated: false,
            }
        };
        let sheet = sheet_from("2026-01-01");
        let whole = dated(vec![line(None, "gpt-5.4-mini", 70)]);
        assert_eq!(costs(&whole, &sheet).unwrap(), BTreeMap::from([(Vendor::OpenAi, Money::from_nanos(70))]));
        let ensemble = dated(vec![
            line(Some(Stage::Plan), "claude-sonnet-4-6", 3),
            line(Some(Stage::Code), "gpt-5.4-mini", 40),
            line(Some(Stage::Review), "claude-sonnet-4-6", 5),
        ]);
        let expected = [(Vendor::Anthropic, Money::from_nanos(8)), (Vendor::OpenAi, Money::from_nanos(40))];
        assert_eq!(costs(&ensemble, &sheet).unwrap(), BTreeMap::from(expected));
    }
}
