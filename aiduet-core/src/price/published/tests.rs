//! Nodes that read one store, and what they do without it.

use std::sync::atomic::Ordering;

use super::*;
use crate::audit::AuditActor;
use crate::backends::memory::MemoryPriceEditions;
use crate::clock::ManualClock;
use crate::price::{EditionMark, EditionStep, PriceDraft};
use crate::testing::price::{midnight, sheet_from, text_from};
use crate::testing::price_edition::FlakyEditions;

const DAY: Duration = Duration::from_hours(24);

/// A node on a store, at noon of a day.
struct Node {
    clock: Arc<ManualClock>,
    store: Arc<FlakyEditions>,
    book: Arc<PublishedPrices>,
}

fn node(first: &str) -> Node {
    let clock = Arc::new(ManualClock::new(midnight("2026-06-01").plus(DAY / 2)));
    let store = Arc::new(FlakyEditions::of(Arc::new(MemoryPriceEditions::default())));
    let (editions, time) = (Arc::<FlakyEditions>::clone(&store), Arc::<ManualClock>::clone(&clock));
    let book = Arc::new(PublishedPrices::new(Arc::new(sheet_from(first)), editions, time));
    Node { clock, store, book }
}

fn mark(at: Timestamp) -> EditionMark {
    EditionMark { by: AuditActor::System, at }
}

/// Drafts a sheet of a day and publishes it behind all others.
async fn publish(store: &impl PriceEditions, day: &str, at: Timestamp) -> PriceEdition {
    let sheet = sheet_from(day);
    let PriceSheet { version, effective_from, .. } = sheet;
    let draft = PriceDraft { version, effective_from, text: text_from(day), drafted: mark(at) };
    let edition = store.draft(draft).await.unwrap();
    let all = store.list(100).await.unwrap();
    let after = PriceEdition::last(&all).map(|(last, _publication)| last.version);
    store.publish(EditionStep { version, digest: edition.digest, mark: mark(at) }, after).await.unwrap()
}

impl Node {
    /// The version that is in force, and those that come.
    async fn seen(&self) -> Result<(u32, Vec<u32>), PriceError> {
        let now = self.clock.now();
        let upcoming = self.book.upcoming(now).await?;
        let version = |sheet: &Arc<PriceSheet>| sheet.version.0;
        Ok((version(&self.book.sheet(now).await?), upcoming.iter().map(version).collect()))
    }

    fn later(&self, by: Duration) {
        self.clock.advance(by);
    }
}

async fn published_prices(sheets: Vec<PriceSheet>) -> PublishedPrices {
    let mut sheets = sheets.into_iter();
    let first = sheets.next().unwrap();
    let (clock, store) = (ManualClock::new(first.effective_from), MemoryPriceEditions::default());
    for sheet in sheets {
        let digits = sheet.version.0.to_string();
        let day = format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]);
        publish(&store, &day, first.effective_from).await;
    }
    PublishedPrices::new(Arc::new(first), Arc::new(store), Arc::new(clock))
}

crate::price_book_conformance!(published_prices);

#[tokio::test]
async fn a_node_takes_over_by_itself_what_is_published() {
    let node = node("2026-01-01");
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![]));
    publish(&*node.store, "2026-06-01", node.clock.now()).await;
    node.later(Duration::from_millis(4_999));
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![]), "the store is not read for every call");
    node.later(Duration::from_millis(1));
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![20_260_601]));
    node.later(Duration::from_secs(55) - Duration::from_millis(1));
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![20_260_601]));
    node.later(Duration::from_millis(1));
    assert_eq!(node.seen().await.unwrap(), (20_260_601, vec![]), "a minute after it was published");
}

#[tokio::test]
async fn what_was_published_holds_against_a_first_sheet_with_a_later_date() {
    let node = node("2026-05-01");
    publish(&*node.store, "2026-04-01", midnight("2026-04-01").minus(DAY)).await;
    assert_eq!(node.seen().await.unwrap(), (20_260_401, vec![]));
    let before = node.book.sheet(midnight("2026-04-01").minus(Duration::from_millis(1))).await;
    assert!(matches!(before, Err(PriceError::NoSheet)), "{before:?}");
}

#[tokio::test]
async fn a_withdrawn_sheet_never_counts() {
    let node = node("2026-01-01");
    let edition = publish(&*node.store, "2026-06-03", node.clock.now()).await;
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![20_260_603]));
    let PriceEdition { version, digest, .. } = edition;
    node.store.withdraw(EditionStep { version, digest, mark: mark(node.clock.now()) }).await.unwrap();
    node.later(Duration::from_secs(5));
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![]));
    node.later(DAY * 2);
    assert_eq!(node.seen().await.unwrap(), (20_260_101, vec![]));
}

#[tokio::test]
async fn without_the_store_nothing_is_sold_after_a_minute() {
    let node = node("2026-01-01");
    assert!(node.seen().await.is_ok());
    node.store.is_down.store(true, Ordering::Release);
    node.later(Duration::from_millis(59_999));
    assert!(node.seen().await.is_ok());
    for _again in 0..3 {
        node.later(Duration::from_millis(1));
        let refused = node.seen().await;
        assert!(matches!(refused, Err(PriceError::Unavailable { .. })), "{refused:?}");
    }
    node.store.is_down.store(false, Ordering::Release);
    node.later(Duration::from_secs(5));
    assert!(node.seen().await.is_ok(), "it comes back by itself");
}

#[tokio::test]
async fn a_node_that_has_never_read_the_store_sells_nothing() {
    let node = node("2026-01-01");
    node.store.is_down.store(true, Ordering::Release);
    for _again in 0..3 {
        assert!(matches!(node.seen().await, Err(PriceError::Unavailable { .. })));
    }
    assert_eq!(node.store.reads.load(Ordering::Acquire), 1, "a store that fails is left in peace");
}

/// Whichever moment a node is cut off at, it tells the price in force or none.
#[tokio::test]
async fn no_node_ever_tells_a_price_that_is_not_in_force() {
    for cut_off in 0..20 {
        let node = node("2026-01-01");
        let mut count = 0;
        for second in 0..150_u64 {
            if second == cut_off {
                node.store.is_down.store(true, Ordering::Release);
            }
            if second == 10 {
                let is_down = node.store.is_down.swap(false, Ordering::AcqRel);
                publish(&*node.store, "2026-06-01", node.clock.now()).await;
                node.store.is_down.store(is_down, Ordering::Release);
            }
            let in_force = if second < 70 { 20_260_101 } else { 20_260_601 };
            if let Ok((version, _upcoming)) = node.seen().await {
                assert_eq!(version, in_force, "cut off at {cut_off}, after {second} s");
                count += 1;
            }
            node.later(Duration::from_secs(1));
        }
        assert!(count >= cut_off, "{count}");
    }
}

#[tokio::test]
async fn a_sheet_that_was_tampered_with_is_not_used() {
    let node = node("2026-01-01");
    node.store.is_changed.store(true, Ordering::Release);
    publish(&*node.store, "2026-06-01", node.clock.now()).await;
    let refused = node.seen().await;
    assert!(matches!(refused, Err(PriceError::Unavailable { .. })), "{refused:?}");
}

/// As a suspended function does: its monotonic clock may stand still meanwhile.
#[tokio::test]
async fn a_process_that_slept_reads_the_store_before_it_sells() {
    #[derive(Debug)]
    struct Asleep(Arc<ManualClock>);
    impl Clock for Asleep {
        fn now(&self) -> Timestamp {
            self.0.now()
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }
    let Node { clock, store, .. } = node("2026-01-01");
    let (editions, asleep) = (Arc::<FlakyEditions>::clone(&store), Asleep(Arc::<ManualClock>::clone(&clock)));
    let book = PublishedPrices::new(Arc::new(sheet_from("2026-01-01")), editions, Arc::new(asleep));
    assert!(book.sheet(clock.now()).await.is_ok());
    publish(&*store, "2026-06-01", clock.now()).await;
    clock.advance(Duration::from_mins(10));
    assert_eq!(book.sheet(clock.now()).await.unwrap().version.0, 20_260_601);
}

#[tokio::test(start_paused = true)]
async fn while_one_call_waits_for_the_store_the_others_go_on() {
    let node = node("2026-01-01");
    assert!(node.seen().await.is_ok());
    node.store.is_still.store(true, Ordering::Release);
    node.later(Duration::from_secs(5));
    let (book, now) = (Arc::clone(&node.book), node.clock.now());
    let mut waiting = std::pin::pin!(book.sheet(now));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    let mut other = std::pin::pin!(book.sheet(now));
    assert!(futures_util::poll!(other.as_mut()).is_ready());
    assert!(waiting.await.is_ok(), "what is known is used when the store does not answer in time");
    assert_eq!(node.store.reads.load(Ordering::Acquire), 2);
}
