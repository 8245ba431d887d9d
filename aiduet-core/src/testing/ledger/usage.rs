//! Sums of usage, and the log.

use std::time::Duration;

use super::scene::{FreshLedger, Scene, WholeLedger};
use crate::clock::{ManualClock, Timestamp};
use crate::dialect::Endpoint;
use crate::id::{AccountId, RequestId};
use crate::ledger::books::BUCKET_MILLIS;
use crate::ledger::{
    GroupBy, ListLog, RequestRecord, SettleRequest, StatusClass, SumUsage, Totals, UsageFilter, UsageGroup,
    UsageStep,
};
use crate::money::Money;
use crate::provider::Vendor;
use crate::testing::model;
use crate::usage::Usage;

const QUARTER: Duration = Duration::from_mins(15);

impl<L: WholeLedger> Scene<L> {
    /// Settles a request that started `ago`, changed as told, and returns its record.
    async fn used(
        &self,
        ago: Duration,
        nanos: i64,
        change: impl FnOnce(&mut RequestRecord),
    ) -> RequestRecord {
        let now = self.factory.now();
        let at = now.minus(ago);
        let mut reserve = self.factory.reserve(self.account, Money::ZERO);
        reserve.request = RequestId::generate(&ManualClock::new(at), self.factory.entropy());
        reserve.origin.started_at = at;
        let mut record = self.factory.record(&reserve, Money::from_nanos(nanos));
        change(&mut record);
        let settle = SettleRequest { holds: vec![], record: record.clone(), at: now };
        self.ledger.settle(settle).await.expect("a settle is not refused");
        record
    }

    fn listing(&self) -> ListLog {
        let now = self.factory.now();
        ListLog {
            account: self.account,
            from: now.minus(Duration::from_hours(24)),
            to: now.plus(Duration::from_secs(1)),
            filter: UsageFilter::default(),
            cost_min: None,
            duration_min: None,
            before: None,
            limit: 100,
        }
    }

    /// The records, as one page after the other gives them.
    async fn log(&self, request: ListLog) -> Vec<RequestId> {
        let mut all = Vec::new();
        let mut request = request;
        loop {
            let page = self.ledger.page(request.clone()).await.expect("the log can be read");
            assert!(page.records.len() <= usize::try_from(request.limit).expect("a limit is small"));
            all.extend(page.records.iter().map(|record| record.id));
            request.before = page.next;
            if request.before.is_none() {
                return all;
            }
        }
    }

    async fn sums(&self, request: SumUsage) -> Vec<UsageStep> {
        let mut steps = self.ledger.sum(request).await.expect("usage can be summed");
        steps.sort_by(|a, b| (a.step, &a.group).cmp(&(b.step, &b.group)));
        steps
    }
}

/// From the last whole quarter of an hour before three hours ago, in quarters.
fn quarters(account: AccountId, now: Timestamp, group: Option<GroupBy>) -> SumUsage {
    let from = now.minus(Duration::from_hours(3)).millis();
    let from = Timestamp::from_millis(from - from.rem_euclid(BUCKET_MILLIS));
    SumUsage { account, from, step: QUARTER, steps: 13, group, filter: UsageFilter::default() }
}

fn expected(
    records: &[RequestRecord],
    request: &SumUsage,
    group: impl Fn(&RequestRecord) -> UsageGroup,
) -> Vec<UsageStep> {
    let mut steps: Vec<UsageStep> = Vec::new();
    for record in records {
        let all = crate::ledger::books::Rollup::of(record);
        let totals = Totals::of(all, StatusClass::of(record.status));
        let step = record.started_at.since(request.from).as_millis() / request.step.as_millis();
        let step = u32::try_from(step).expect("a step is small");
        let group = group(record);
        match steps.iter_mut().find(|other| other.step == step && other.group == group) {
            Some(other) => other.totals = other.totals.plus(&totals),
            None => steps.push(UsageStep { step, group, totals }),
        }
    }
    steps.sort_by(|a, b| (a.step, &a.group).cmp(&(b.step, &b.group)));
    steps
}

/// Each record counts once, in its quarter and its group.
pub async fn usage_is_summed_by_step_and_group<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let key = scene.factory.key_id();
    let mut records = Vec::new();
    for index in 0..24_u64 {
        let ago = Duration::from_mins(7 * index);
        let change = |record: &mut RequestRecord| {
            if index % 2 == 0 {
                record.key = key;
            }
            if index % 3 == 0 {
                record.model = model("gpt-5.2");
                record.vendor = Vendor::OpenAi;
                record.endpoint = Endpoint::Responses;
            }
            if index % 5 == 0 {
                record.stream = false;
                record.first_byte = None;
            }
            record.status = [200, 429, 400, 502, 200][usize::try_from(index % 5).unwrap_or_default()];
            record.usage = Usage {
                input: index,
                cache_read: 2,
                cache_write_short: 3,
                cache_write_long: 4,
                ..record.usage
            };
        };
        let nanos = i64::try_from(index).unwrap_or_default() * 1_000 + 1;
        records.push(scene.used(ago, nanos, change).await);
    }
    let now = scene.factory.now();
    let all = quarters(scene.account, now, None);
    assert_eq!(scene.sums(all.clone()).await, expected(&records, &all, |_record| UsageGroup::All));
    let groups: [(GroupBy, GroupOf); 5] = [
        (GroupBy::Model, |record| UsageGroup::Model(record.model.clone())),
        (GroupBy::Key, |record| UsageGroup::Key(record.key)),
        (GroupBy::Provider, |record| UsageGroup::Provider(record.vendor)),
        (GroupBy::Endpoint, |record| UsageGroup::Endpoint(record.endpoint)),
        (GroupBy::Status, |record| UsageGroup::Status(StatusClass::of(record.status))),
    ];
    for (group, of) in groups {
        let request = quarters(scene.account, now, Some(group));
        assert_eq!(scene.sums(request.clone()).await, expected(&records, &request, of), "{group:?}");
    }
    for (filter, passes) in filters(key) {
        let wanted: Vec<RequestRecord> = records.iter().filter(|record| passes(record)).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < records.len(), "{filter:?}");
        let request = SumUsage { filter, ..quarters(scene.account, now, None) };
        assert_eq!(scene.sums(request.clone()).await, expected(&wanted, &request, |_record| UsageGroup::All));
    }
    let long = SumUsage { step: QUARTER * 13, steps: 1, ..all };
    assert_eq!(scene.sums(long.clone()).await, expected(&records, &long, |_record| UsageGroup::All));
}

type Passes = Box<dyn Fn(&RequestRecord) -> bool + Send + Sync>;
type GroupOf = fn(&RequestRecord) -> UsageGroup;

/// One filter for each of its members, and one for several.
fn filters(key: crate::id::ApiKeyId) -> Vec<(UsageFilter, Passes)> {
    let any = UsageFilter::default;
    let mut filters: Vec<(UsageFilter, Passes)> = vec![
        (
            UsageFilter { model: Some(model("gpt-5.2")), ..any() },
            Box::new(|record| record.model.as_str() == "gpt-5.2"),
        ),
        (UsageFilter { key: Some(key), ..any() }, Box::new(move |record| record.key == key)),
        (
            UsageFilter { vendor: Some(Vendor::OpenAi), ..any() },
            Box::new(|record| record.vendor == Vendor::OpenAi),
        ),
        (
            UsageFilter { endpoint: Some(Endpoint::Messages), ..any() },
            Box::new(|record| record.endpoint == Endpoint::Messages),
        ),
        (UsageFilter { stream: Some(false), ..any() }, Box::new(|record| !record.stream)),
        (
            UsageFilter { vendor: Some(Vendor::Anthropic), stream: Some(true), key: Some(key), ..any() },
            Box::new(move |record| record.vendor == Vendor::Anthropic && record.stream && record.key == key),
        ),
    ];
    filters.extend(StatusClass::ALL.map(|class| {
        let passes: Passes = Box::new(move |record| StatusClass::of(record.status) == class);
        (UsageFilter { status: Some(class), ..any() }, passes)
    }));
    filters
}

/// What a sweep has counted is taken back when the truth arrives.
pub async fn a_late_settle_moves_what_is_summed<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    scene.sweep().await;
    let mut settle = scene.factory.settle(&request, crate::testing::cents(15));
    settle.record.status = 503;
    let record = settle.record.clone();
    scene.ledger.settle(settle).await.expect("a late settle is not refused");
    let request = quarters(scene.account, scene.factory.now(), Some(GroupBy::Status));
    let status = |record: &RequestRecord| UsageGroup::Status(StatusClass::of(record.status));
    assert_eq!(scene.sums(request.clone()).await, expected(&[record], &request, status));
}

/// Only what is asked for is listed.
pub async fn the_log_is_filtered<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let key = scene.factory.key_id();
    let mut records = Vec::new();
    for index in 0..20_u64 {
        let change = |record: &mut RequestRecord| {
            if index % 2 == 0 {
                record.key = key;
            }
            if index % 3 == 0 {
                record.model = model("gpt-5.2");
                record.vendor = Vendor::OpenAi;
                record.endpoint = Endpoint::Responses;
            }
            record.stream = index % 5 != 0;
            record.status = [200, 429, 400, 502, 200][usize::try_from(index % 5).unwrap_or_default()];
            record.duration = Duration::from_millis(100 * index);
        };
        let nanos = i64::try_from(index).unwrap_or_default() * 1_000;
        records.insert(0, scene.used(Duration::from_secs(60 * (20 - index)), nanos, change).await);
    }
    let ids = |passes: &dyn Fn(&RequestRecord) -> bool| {
        records.iter().filter(|record| passes(record)).map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(scene.log(scene.listing()).await, ids(&|_record| true));
    for (filter, passes) in filters(key) {
        for limit in [1, 3, 100] {
            let request = ListLog { filter: filter.clone(), limit, ..scene.listing() };
            assert_eq!(scene.log(request).await, ids(&passes), "{filter:?}");
        }
    }
    let dear = ListLog { cost_min: Some(Money::from_nanos(15_000)), limit: 2, ..scene.listing() };
    assert_eq!(scene.log(dear).await, ids(&|record| record.cost().nanos() >= 15_000));
    let slow = ListLog { duration_min: Some(Duration::from_millis(1_700)), ..scene.listing() };
    assert_eq!(scene.log(slow).await, ids(&|record| record.duration.as_millis() >= 1_700));
}

/// A range has its first moment and not its last.
pub async fn the_log_is_listed_in_pages_within_its_range<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let mut records = Vec::new();
    for minutes in (0..10).rev() {
        records.insert(0, scene.used(Duration::from_mins(minutes), 1, |_record| {}).await);
    }
    let ids: Vec<RequestId> = records.iter().map(|record| record.id).collect();
    let now = scene.factory.now();
    let within = ListLog {
        from: now.minus(Duration::from_mins(7)),
        to: now.minus(Duration::from_mins(2)),
        limit: 2,
        ..scene.listing()
    };
    assert_eq!(scene.log(within.clone()).await, ids[3..8]);
    let page = scene.ledger.page(ListLog { limit: 5, ..within.clone() }).await.expect("the log can be read");
    assert_eq!((page.records.len(), page.next), (5, None), "a page that is just full is the last one");
    assert_eq!(page.records, records[3..8], "every field comes back");
    let nothing = ListLog { to: within.from, ..within };
    assert_eq!(scene.log(nothing).await, []);
}

/// An account sees its own usage.
pub async fn usage_of_others_is_not_visible<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    scene.used(Duration::from_mins(1), 1_000, |_record| {}).await;
    let other = scene.factory.account_id();
    assert_eq!(scene.log(ListLog { account: other, ..scene.listing() }).await, []);
    for group in [None, Some(GroupBy::Key)] {
        assert_eq!(scene.sums(quarters(other, scene.factory.now(), group)).await, []);
    }
}
