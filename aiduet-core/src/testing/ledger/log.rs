//! The records of requests.

use std::time::Duration;

use super::scene::{FreshLedger, WholeLedger};
use crate::clock::ManualClock;
use crate::duet::{Assignment, RuleKind};
use crate::id::RequestId;
use crate::ledger::{
    Attempt, AttemptResult, BillPage, DatedBill, ListRequests, RequestRecord, ReserveRequest, Routing,
    SettleRequest, SettlementState, SpendPeriod, UpstreamName,
};
use crate::money::Money;
use crate::price::LineItem;
use crate::provider::UpstreamRequestId;
use crate::testing::cents;
use crate::usage::{Stage, Usage, UsageFlags};

/// Every field comes back.
pub async fn a_record_is_found_as_it_was_written<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(40).await;
    let mut settle = scene.factory.settle(&request, cents(15));
    let record = &mut settle.record;
    record.upstream_request_id = UpstreamRequestId::parse("req_011CSHoEeqs5C35K2UUqR7Fy");
    record.usage =
        Usage { input: 7, cache_read: 6, cache_write_short: 5, cache_write_long: 4, ..record.usage };
    record.usage.reasoning = 3;
    record.usage.web_searches = 2;
    record.flags = UsageFlags { estimated: true, clamped: true, unknown_model: true };
    let upstream = UpstreamName::parse("anthropic-1").expect("the name is plain");
    for result in
        [AttemptResult::Connect, AttemptResult::Status(529), AttemptResult::Timeout, AttemptResult::Broken]
    {
        record.attempts.push(Attempt { upstream: upstream.clone(), result, duration_ms: 12 });
    }
    let record = settle.record.clone();
    scene.settled(settle, SettlementState::Booked).await;
    assert_eq!(scene.record(&request).await, Some(record));
    let plain = scene.holding(1).await;
    let mut settle = scene.factory.settle(&plain, Money::ZERO);
    settle.record.duet = Some(Routing { role: Assignment::Ensemble, rule: RuleKind::Override });
    settle.record.bill.lines = Stage::ALL
        .iter()
        .flat_map(|stage| {
            settle.record.bill.lines.iter().map(|line| LineItem { stage: Some(*stage), ..line.clone() })
        })
        .collect();
    settle.record.first_byte = None;
    settle.record.finish = None;
    settle.record.stream = false;
    let record = settle.record.clone();
    scene.settled(settle, SettlementState::Booked).await;
    assert_eq!(scene.record(&plain).await, Some(record));
}

/// Pages follow each other without gap or overlap, also of one key.
pub async fn records_are_listed_newest_first_in_pages<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let key = scene.factory.key_id();
    let mut made = Vec::new();
    for index in 0..7 {
        scene.factory.clock().advance(Duration::from_millis(1));
        let request = scene.reserving(1);
        let key = if index % 2 == 0 { key } else { request.key };
        let request = ReserveRequest { key, ..request };
        scene.reserve(&request).await.expect("the reserve is covered");
        scene.settle(&request, 1).await.expect("a settle is not refused");
        made.push(request.request);
    }
    made.reverse();
    let list = async |key, before: Option<RequestId>, limit| {
        let request = ListRequests { account: scene.account, key, before, limit };
        let records = scene.ledger.list(request).await.expect("records can be read");
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 100).await, made);
    let mut paged = Vec::new();
    while paged.len() < made.len() {
        let page = list(None, paged.last().copied(), 3).await;
        assert!(!page.is_empty() && page.len() <= 3);
        paged.extend(page);
    }
    assert_eq!(paged, made);
    assert_eq!(list(None, made.last().copied(), 3).await, []);
    let of_key: Vec<RequestId> = made.iter().copied().step_by(2).collect();
    assert_eq!(list(Some(key), None, 100).await, of_key);
    assert_eq!(list(Some(key), Some(of_key[0]), 2).await, of_key[1..3]);
    assert_eq!(list(None, None, 0).await, []);
}

/// An account sees its own requests.
pub async fn records_of_others_are_not_visible<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let scene = fresh.funded(100).await;
    let request = scene.holding(10).await;
    scene.settle(&request, 1).await.expect("a settle is not refused");
    let other = scene.factory.account_id();
    let found = scene.ledger.find(other, request.request).await.expect("records can be read");
    assert_eq!(found, None);
    let listing = ListRequests { account: other, key: Some(request.key), before: None, limit: 10 };
    assert_eq!(scene.ledger.list(listing).await.expect("records can be read"), []);
    let unknown = scene.ledger.find(scene.account, scene.factory.request_id()).await;
    assert_eq!(unknown.expect("records can be read"), None);
}

/// Those that began within it, of everybody, in the order of their identifiers.
pub async fn bills_of_a_day_are_read_in_pages<L: WholeLedger>(fresh: &FreshLedger<L>) {
    let (scene, day) = (fresh.funded(1_000).await, Duration::from_hours(24));
    let other = scene.neighbour();
    other.top_up(1_000).await;
    let begin = SpendPeriod::Day.start(scene.factory.now());
    let mut within = Vec::new();
    for scene in [&scene, &other] {
        for (count, after) in [(30, Duration::ZERO), (20, day - Duration::from_millis(1)), (10, day)] {
            let started_at = begin.plus(after);
            let mut of = scene.reserving(count);
            of.request = RequestId::generate(&ManualClock::new(started_at), scene.factory.entropy());
            let record = RequestRecord { started_at, ..scene.factory.record(&of, cents(count)) };
            let settle = SettleRequest { holds: Vec::new(), record: record.clone(), at: of.at };
            scene.ledger.settle(settle).await.expect("a settle is not refused");
            within.extend((after < day).then(|| DatedBill::from(&record)));
        }
    }
    within.sort_by_key(|bill| bill.id);
    let mut page = BillPage { from: begin, to: begin.plus(day), after: None, limit: 3 };
    let mut read = Vec::new();
    loop {
        let bills = scene.ledger.bills(page).await.expect("bills can be read");
        assert!(bills.len() <= 3);
        let Some(last) = bills.last() else { break };
        page.after = Some(last.id);
        read.extend(bills);
    }
    assert_eq!(read, within);
}
