//! Reads what was used.

use std::collections::HashMap;

use async_trait::async_trait;

use super::MemoryLedger;
use crate::ledger::books::RollupKey;
use crate::ledger::{
    GroupBy, LedgerError, ListLog, LogPage, RequestRecord, SumUsage, Totals, UsageFilter, UsageGroup,
    UsageReader, UsageStep,
};

#[async_trait]
impl UsageReader for MemoryLedger {
    async fn sum(&self, request: SumUsage) -> Result<Vec<UsageStep>, LedgerError> {
        let SumUsage { account, from, step, steps, group, filter } = request;
        let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut sums: HashMap<(u32, UsageGroup), Totals> = HashMap::new();
        let state = self.lock();
        let wanted = state.rollups.iter().filter(|(key, _)| key.account == account && passes(key, &filter));
        for (key, rollup) in wanted {
            let index = key.bucket.millis().saturating_sub(from.millis()).div_euclid(step);
            let Some(index) = u32::try_from(index).ok().filter(|index| *index < steps) else { continue };
            let sum = sums.entry((index, group_of(key, group))).or_default();
            *sum = sum.plus(&Totals::of(*rollup, key.status));
        }
        let steps = sums.into_iter().map(|((step, group), totals)| UsageStep { step, group, totals });
        Ok(steps.filter(|step| step.totals.all.requests > 0).collect())
    }

    async fn page(&self, request: ListLog) -> Result<LogPage, LedgerError> {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let (low, high) = request.id_bounds();
        if low >= high {
            return Ok(LogPage::default());
        }
        let state = self.lock();
        let ids = state.by_account.range((request.account, low)..(request.account, high)).rev();
        let records = ids.filter_map(|(_account, id)| state.books.request(*id)).map(|row| &row.record);
        let mut records: Vec<RequestRecord> = records
            .filter(|record| is_wanted(record, &request))
            .take(limit.saturating_add(1))
            .cloned()
            .collect();
        let is_more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_last| is_more).map(|last| last.id);
        Ok(LogPage { records, next })
    }
}

fn passes(key: &RollupKey, filter: &UsageFilter) -> bool {
    let UsageFilter { model, key: api_key, vendor, endpoint, status, stream } = filter;
    model.as_ref().is_none_or(|model| *model == key.model)
        && api_key.is_none_or(|wanted| wanted == key.key)
        && vendor.is_none_or(|vendor| vendor == key.vendor)
        && endpoint.is_none_or(|endpoint| endpoint == key.endpoint)
        && status.is_none_or(|status| status == key.status)
        && stream.is_none_or(|stream| stream == key.stream)
}

fn is_wanted(record: &RequestRecord, request: &ListLog) -> bool {
    let ListLog { account: _, from, to, filter, cost_min, duration_min, before: _, limit: _ } = request;
    (*from..*to).contains(&record.started_at)
        && passes(&RollupKey::of(record), filter)
        && cost_min.is_none_or(|least| record.cost() >= least)
        && duration_min.is_none_or(|least| record.duration >= least)
}

fn group_of(key: &RollupKey, group: Option<GroupBy>) -> UsageGroup {
    match group {
        None => UsageGroup::All,
        Some(GroupBy::Model) => UsageGroup::Model(key.model.clone()),
        Some(GroupBy::Key) => UsageGroup::Key(key.key),
        Some(GroupBy::Provider) => UsageGroup::Provider(key.vendor),
        Some(GroupBy::Endpoint) => UsageGroup::Endpoint(key.endpoint),
        Some(GroupBy::Status) => UsageGroup::Status(key.status),
    }
}
