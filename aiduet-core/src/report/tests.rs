//! Days of many zones against the log, to the nano-dollar.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Bucket, Range, SeriesRequest, Zone, series, total};
use crate::backends::memory::MemoryLedger;
use crate::clock::{ManualClock, Timestamp};
use crate::id::{AccountId, RequestId};
use crate::ledger::{
    GroupBy, Ledger, ListLog, RequestRecord, SettleRequest, Totals, UsageFilter, UsageGroup, UsageReader,
};
use crate::money::Money;
use crate::testing::{Factory, model};

/// With offsets of 30 and 45 minutes, changes of an hour, of half an hour and at midnight, north and
/// south, and both ends of the date line.
const ZONES: [&str; 42] = [
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Yangon",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Marquesas",
];

/// How many seconds before now a request started, and what it cost.
type Spending = Vec<(u32, u32)>;

struct World {
    ledger: MemoryLedger,
    account: AccountId,
    now: Timestamp,
    records: Vec<RequestRecord>,
}

async fn world(now: &str, spending: &Spending) -> World {
    let now = Timestamp::from_millis(now.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let factory = Factory::at(1, now);
    let ledger = MemoryLedger::new(Arc::<ManualClock>::clone(factory.clock()));
    let account = factory.account_id();
    let models = ["claude-sonnet-4-6", "gpt-5.2", "claude-haiku-4-5"];
    let mut records = Vec::new();
    for (index, (ago, nanos)) in spending.iter().enumerate() {
        let at = now.minus(Duration::from_secs((*ago).into()));
        let mut reserve = factory.reserve(account, Money::ZERO);
        reserve.request = RequestId::generate(&ManualClock::new(at), factory.entropy());
        reserve.origin.started_at = at;
        reserve.origin.model = model(models[index % models.len()]);
        let record = factory.record(&reserve, Money::from_nanos((*nanos).into()));
        records.push(record.clone());
        ledger.settle(SettleRequest { holds: vec![], record, at: now }).await.unwrap();
    }
    World { ledger, account, now, records }
}

impl World {
    /// Days, hours, the total, and the log agree in a zone.
    async fn agrees_in(&self, name: &str) {
        let zone: Zone = name.parse().unwrap();
        let range = Range::last_days(90, self.now, &zone).unwrap();
        let request = SeriesRequest {
            account: self.account,
            range,
            bucket: Bucket::Day,
            zone: zone.clone(),
            group: Some(GroupBy::Model),
            filter: UsageFilter::default(),
        };
        let days = series(&self.ledger, request.clone()).await.unwrap();
        assert_eq!(days.range, range, "{name}: every day begins with a quarter of an hour");
        let mut expected: BTreeMap<String, Money> = BTreeMap::new();
        let mut whole = Money::ZERO;
        for record in self.records.iter().filter(|record| (range.from..range.to).contains(&record.started_at))
        {
            let day = expected.entry(zone.day_of(record.started_at).unwrap().to_string()).or_default();
            *day = day.checked_add(record.cost()).unwrap();
            whole = whole.checked_add(record.cost()).unwrap();
        }
        let mut sum = Money::ZERO;
        for bucket in &days.buckets {
            let day = zone.day_of(bucket.from).unwrap().to_string();
            let cost = expected.remove(&day).unwrap_or_default();
            assert_eq!(bucket.total.all.cost, cost, "{name} on {day}");
            sum = sum.checked_add(cost).unwrap();
        }
        assert_eq!(expected, BTreeMap::new(), "{name}: days that are no buckets");
        assert_eq!(sum, whole, "{name}: days");
        assert_eq!(days.total.all.cost, whole, "{name}: the total of the days");
        let groups = days.groups.iter().fold(Totals::default(), |sum, group| sum.plus(&group.totals));
        assert_eq!(groups, days.total, "{name}: groups");
        let range_total = total(&self.ledger, (self.account, range), UsageFilter::default()).await.unwrap();
        assert_eq!(range_total, days.total, "{name}: the range");
        let months = series(&self.ledger, SeriesRequest { bucket: Bucket::Month, ..request }).await.unwrap();
        assert_eq!(months.total, days.total, "{name}: months");
        assert_eq!(self.log(range).await, whole, "{name}: the log");
    }

    async fn log(&self, range: Range) -> Money {
        let mut sum = Money::ZERO;
        let mut before = None;
        loop {
            let request = ListLog {
                account: self.account,
                from: range.from,
                to: range.to,
                filter: UsageFilter::default(),
                cost_min: None,
                duration_min: None,
                before,
                limit: 7,
            };
            let page = self.ledger.page(request).await.unwrap();
            for record in &page.records {
                sum = sum.checked_add(record.cost()).unwrap();
            }
            before = page.next;
            if before.is_none() {
                return sum;
            }
        }
    }
}

fn agree(now: &str, spending: &Spending) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let world = world(now, spending).await;
        for name in ZONES {
            world.agrees_in(name).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// The ranges hold the days on which clocks go back, in the north, and forward, in the south.
    #[test]
    fn days_of_each_zone_sum_to_the_range_and_the_log(
        spending in proptest::collection::vec((0_u32..91 * 86_400, 0_u32..2_000_000_000), 1..80)
    ) {
        agree("2026-11-26T11:07:13.5Z", &spending);
        agree("2026-04-20T23:59:59.999Z", &spending);
    }
}

/// One request in each quarter of an hour of the nights on which clocks change.
#[test]
fn every_quarter_of_a_night_with_a_change_is_counted_once() {
    for now in
        ["2026-10-26T12:00:00Z", "2026-11-02T12:00:00Z", "2026-03-30T12:00:00Z", "2026-09-07T12:00:00Z"]
    {
        let spending: Spending = (0..300).map(|quarter| (quarter * 900, 1 + quarter)).collect();
        agree(now, &spending);
    }
}

/// The dearest groups come first, and those that are folded add up.
#[tokio::test]
async fn groups_beyond_the_top_are_one() {
    let spending: Spending = vec![(10, 5), (20, 70), (30, 900), (40, 6), (50, 80), (60, 100)];
    let world = world("2026-11-26T11:07:13Z", &spending).await;
    let request = SeriesRequest {
        account: world.account,
        range: Range::last_days(1, world.now, &Zone::UTC).unwrap(),
        bucket: Bucket::Hour,
        zone: Zone::UTC,
        group: Some(GroupBy::Model),
        filter: UsageFilter::default(),
    };
    let whole = series(&world.ledger, request).await.unwrap();
    let costs: Vec<i64> = whole.groups.iter().map(|group| group.totals.all.cost.nanos()).collect();
    assert_eq!(costs, [1000, 150, 11]);
    let folded = whole.clone().folded(1);
    assert_eq!(folded.groups.len(), 2);
    assert_eq!(folded.groups[0].group, Some(UsageGroup::Model(model("claude-haiku-4-5"))));
    assert_eq!((folded.groups[1].group.clone(), folded.groups[1].totals.all.cost.nanos()), (None, 161));
    assert_eq!(folded.total, whole.total);
    assert_eq!(folded.buckets.len(), 24);
}
