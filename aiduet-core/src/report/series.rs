//! Sums per bucket and group.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Bucket, Range, Zone};
use crate::clock::Timestamp;
use crate::id::AccountId;
use crate::ledger::{GroupBy, LedgerError, SumUsage, Totals, UsageFilter, UsageGroup, UsageReader};

/// What [`series`] sums.
#[derive(Clone, Debug)]
pub struct SeriesRequest {
    /// Whose.
    pub account: AccountId,
    /// When; widened to whole quarters of an hour.
    pub range: Range,
    /// In such buckets.
    pub bucket: Bucket,
    /// Of this zone.
    pub zone: Zone,
    /// What tells groups apart.
    pub group: Option<GroupBy>,
    /// Which requests.
    pub filter: UsageFilter,
}

/// Sums over a range, bucket by bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The range that was summed.
    pub range: Range,
    /// Every bucket of it, in order.
    pub buckets: Vec<SeriesBucket>,
    /// The groups over the whole range, dearest first.
    pub groups: Vec<GroupTotals>,
    /// Everything.
    pub total: Totals,
}

/// The sums of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesBucket {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// The sums of all groups.
    pub total: Totals,
    /// The groups that have requests in it, in the order of those of the series.
    pub groups: Vec<GroupTotals>,
}

/// The sums of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTotals {
    /// The group; `None`: all that are not shown by themselves.
    pub group: Option<UsageGroup>,
    /// Its sums.
    pub totals: Totals,
}

/// Sums what an account used.
///
/// # Errors
/// [`LedgerError::Unavailable`].
pub async fn series(reader: &dyn UsageReader, request: SeriesRequest) -> Result<Series, LedgerError> {
    let SeriesRequest { account, range, bucket, zone, group, filter } = request;
    let edges = range.edges(bucket, &zone);
    let mut cells: BTreeMap<(usize, UsageGroup), Totals> = BTreeMap::new();
    for run in runs(&edges) {
        let Run { first, from, step, steps } = run;
        let sum = SumUsage { account, from, step, steps, group, filter: filter.clone() };
        for step in reader.sum(sum).await? {
            let index = first.saturating_add(usize::try_from(step.step).unwrap_or(usize::MAX));
            let cell = cells.entry((index, step.group)).or_default();
            *cell = cell.plus(&step.totals);
        }
    }
    Ok(assembled(&edges, cells))
}

/// Sums what an account used in a range.
///
/// # Errors
/// [`LedgerError::Unavailable`].
pub async fn total(
    reader: &dyn UsageReader,
    (account, range): (AccountId, Range),
    filter: UsageFilter,
) -> Result<Totals, LedgerError> {
    let range = range.widened();
    let sum = SumUsage { account, from: range.from, step: range.length(), steps: 1, group: None, filter };
    let steps = reader.sum(sum).await?;
    Ok(steps.iter().fold(Totals::default(), |sum, step| sum.plus(&step.totals)))
}

/// Buckets of the same length in a row, which one statement sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The index of its first bucket.
    first: usize,
    from: Timestamp,
    step: Duration,
    steps: u32,
}

fn runs(edges: &[Timestamp]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, (from, to)) in edges.iter().zip(edges.iter().skip(1)).enumerate() {
        let step = to.since(*from);
        match runs.last_mut().filter(|run| run.step == step) {
            Some(run) => run.steps = run.steps.saturating_add(1),
            None => runs.push(Run { first: index, from: *from, step, steps: 1 }),
        }
    }
    runs
}

fn assembled(edges: &[Timestamp], cells: BTreeMap<(usize, UsageGroup), Totals>) -> Series {
    let mut groups: BTreeMap<UsageGroup, Totals> = BTreeMap::new();
    let mut total = Totals::default();
    for ((_bucket, group), totals) in &cells {
        let sum = groups.entry(group.clone()).or_default();
        *sum = sum.plus(totals);
        total = total.plus(totals);
    }
    let mut groups: Vec<(UsageGroup, Totals)> = groups.into_iter().collect();
    groups.sort_by_key(|(_group, totals)| std::cmp::Reverse((totals.all.cost, totals.all.requests)));
    let ranks: BTreeMap<&UsageGroup, usize> =
        groups.iter().enumerate().map(|(rank, (group, _totals))| (group, rank)).collect();
    let bounds = edges.iter().zip(edges.iter().skip(1));
    let mut buckets: Vec<SeriesBucket> = bounds
        .map(|(from, to)| SeriesBucket { from: *from, to: *to, total: Totals::default(), groups: Vec::new() })
        .collect();
    let mut ranked: Vec<_> = cells.iter().collect();
    ranked.sort_by_key(|((index, group), _totals)| (*index, ranks.get(group).copied()));
    for ((index, group), totals) in ranked {
        if let Some(bucket) = buckets.get_mut(*index) {
            bucket.total = bucket.total.plus(totals);
            bucket.groups.push(GroupTotals { group: Some(group.clone()), totals: *totals });
        }
    }
    let range = Range {
        from: edges.first().copied().unwrap_or(Timestamp::from_millis(0)),
        to: edges.last().copied().unwrap_or(Timestamp::from_millis(0)),
    };
    let groups = groups.into_iter().map(|(group, totals)| GroupTotals { group: Some(group), totals });
    Series { range, buckets, groups: groups.collect(), total }
}

impl Series {
    /// The same with only the `top` dearest groups by themselves, and one group of all others.
    #[must_use]
    pub fn folded(self, top: usize) -> Self {
        if self.groups.len() <= top {
            return self;
        }
        let Self { range, buckets, groups, total } = self;
        let kept: Vec<UsageGroup> = groups.iter().take(top).filter_map(|group| group.group.clone()).collect();
        let buckets = buckets.into_iter().map(|bucket| {
            let groups = fold(bucket.groups, &kept);
            SeriesBucket { groups, ..bucket }
        });
        Self { range, buckets: buckets.collect(), groups: fold(groups, &kept), total }
    }
}

fn fold(groups: Vec<GroupTotals>, kept: &[UsageGroup]) -> Vec<GroupTotals> {
    let is_kept = |group: &GroupTotals| group.group.as_ref().is_some_and(|group| kept.contains(group));
    let (mut shown, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_kept);
    if !others.is_empty() {
        let totals = others.iter().fold(Totals::default(), |sum, other| sum.plus(&other.totals));
        shown.push(GroupTotals { group: None, totals });
    }
    shown
}
