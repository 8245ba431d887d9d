//! What our records say of a day.

use std::collections::BTreeMap;

use super::{CostError, DayTokens, Owed};
use crate::clock::Timestamp;
use crate::ledger::{BillPage, BillReader, DatedBill, LedgerError, SpendPeriod};
use crate::money::Money;
use crate::price::{Bill, LineItem, LineKind, PriceError, PriceSheet};
use crate::provider::Vendor;

/// Bills that are read together.
const PAGE: u32 = 1_000;

/// What the requests that began within a day cost, at the prices of providers and without our margin.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) owed: BTreeMap<Vendor, Owed>,
    /// By vendor and model: all tokens, and those of them that we counted ourselves.
    pub(super) tokens: BTreeMap<(Vendor, String), (DayTokens, DayTokens)>,
}

impl Tally {
    /// Reads all bills of the day (UTC) that begins at this moment.
    pub(super) async fn of(
        bills: &dyn BillReader,
        sheet: &PriceSheet,
        day: Timestamp,
    ) -> Result<Self, CostError> {
        let mut tally = Self::default();
        let to = SpendPeriod::Day.end(day).unwrap_or(day);
        let mut page = BillPage { from: day, to, after: None, limit: PAGE };
        loop {
            let bills = bills.bills(page).await?;
            for bill in &bills {
                tally.add(bill, sheet)?;
            }
            let is_full = bills.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            page.after = bills.last().map(|bill| bill.id).filter(|_last| is_full);
            if page.after.is_none() {
                return Ok(tally);
            }
        }
    }

    fn add(&mut self, dated: &DatedBill, sheet: &PriceSheet) -> Result<(), CostError> {
        for (vendor, Part { cost, lines }) in parts(dated, sheet)? {
            if cost != Money::ZERO {
                add_cost(self.owed.entry(vendor).or_default(), cost, dated)?;
            }
            for line in lines {
                let LineKind::Tokens(class) = line.kind else { continue };
                let name = (vendor, line.model.as_str().to_owned());
                let (all, estimated) = self.tokens.entry(name).or_default();
                all.add(class, line.quantity);
                if dated.is_estimated {
                    estimated.add(class, line.quantity);
                }
            }
        }
        Ok(())
    }
}

/// What a bill has of one provider.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    cost: Money,
    lines: Vec<LineItem>,
}

/// A bill by provider: of one, but for an ensemble, whose stages are of several.
fn parts(dated: &DatedBill, sheet: &PriceSheet) -> Result<BTreeMap<Vendor, Part>, PriceError> {
    let DatedBill { vendor, bill, .. } = dated;
    if bill.lines.iter().all(|line| line.stage.is_none()) {
        let part = Part { cost: bill.provider_cost()?, lines: bill.lines.clone() };
        return Ok(BTreeMap::from([(*vendor, part)]));
    }
    let mut parts: BTreeMap<Vendor, Bill> = BTreeMap::new();
    for line in &bill.lines {
        let vendor = sheet.models.get(&line.model).map_or(*vendor, |model| model.vendor);
        parts.entry(vendor).or_default().lines.push(line.clone());
    }
    let part =
        |(vendor, part): (Vendor, Bill)| Ok((vendor, Part { cost: part.recompute()?, lines: part.lines }));
    parts.into_iter().map(part).collect()
}

fn add_cost(owed: &mut Owed, cost: Money, dated: &DatedBill) -> Result<(), LedgerError> {
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
    use super::*;
    use crate::id::RequestId;
    use crate::price::{Margin, ModelId, PriceVersion, Rate};
    use crate::testing::price::sheet_from;
    use crate::usage::{ServiceTier, Stage, TokenClass};

    fn line(stage: Option<Stage>, model: &str, (class, quantity): (TokenClass, u64)) -> LineItem {
        LineItem {
            stage,
            model: ModelId::parse(model).unwrap(),
            kind: LineKind::Tokens(class),
            quantity,
            rate: Rate::from_pico(1_000),
            tier: ServiceTier::default(),
        }
    }

    fn dated(lines: Vec<LineItem>) -> DatedBill {
        let bill = Bill { version: PriceVersion(1), margin: Margin(20_000), lines, charge: Money::ZERO };
        let charge = bill.recompute().unwrap();
        let id = RequestId::from_uuid(uuid::Uuid::nil());
        DatedBill { id, vendor: Vendor::OpenAi, bill: Bill { charge, ..bill }, is_estimated: false }
    }

    #[test]
    fn each_provider_is_owed_for_its_own_stages() {
        let mut tally = Tally::default();
        let sheet = sheet_from("2026-01-01");
        let (gpt, claude) = ("gpt-5.4-mini", "claude-sonnet-4-6");
        let whole = vec![
            line(None, gpt, (TokenClass::Input, 60)),
            line(None, gpt, (TokenClass::CacheRead, 7)),
            line(None, gpt, (TokenClass::Output, 3)),
        ];
        tally.add(&DatedBill { is_estimated: true, ..dated(whole) }, &sheet).unwrap();
        let ensemble = vec![
            line(Some(Stage::Plan), claude, (TokenClass::Output, 3)),
            line(Some(Stage::Code), gpt, (TokenClass::Output, 40)),
            line(Some(Stage::Review), claude, (TokenClass::CacheWriteLong, 5)),
        ];
        tally.add(&dated(ensemble), &sheet).unwrap();
        let owed = |requests, sum, estimated| Owed {
            requests,
            sum: Money::from_nanos(sum),
            estimated: Money::from_nanos(estimated),
        };
        let expected = [(Vendor::Anthropic, owed(1, 8, 0)), (Vendor::OpenAi, owed(2, 110, 70))];
        assert_eq!(tally.owed, BTreeMap::from(expected));
        let tokens = |input, output| DayTokens { input, output };
        let expected = [
            ((Vendor::Anthropic, claude.to_owned()), (tokens(5, 3), tokens(0, 0))),
            ((Vendor::OpenAi, gpt.to_owned()), (tokens(67, 43), tokens(67, 3))),
        ];
        assert_eq!(tally.tokens, BTreeMap::from(expected));
    }
}
