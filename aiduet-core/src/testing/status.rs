//! What every log of states must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Factory;
use crate::clock::Timestamp;
use crate::provider::Vendor;
use crate::routing::ProviderHealth;
use crate::status::{Slots, StatusHour, StatusLog, StatusRecorder, StatusSubject};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty log; `None` skips the case, after
/// the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryStatusLog;
///
/// async fn my_log() -> Option<MemoryStatusLog> {
///     Some(MemoryStatusLog::default())
/// }
///
/// aiduet_core::status_log_conformance!(my_log);
/// ```
#[macro_export]
macro_rules! status_log_conformance {
    ($new_log:path) => {
        $crate::status_log_conformance! {
            @cases $new_log:
            what_many_nodes_see_is_one_hour
            hours_are_listed_in_order_and_old_ones_purged
            a_node_writes_what_is_new
        }
    };
    (@cases $new_log:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(log) = $new_log().await {
                    $crate::testing::status::$case(log).await;
                }
            }
        )+
    };
}

const HOUR: Duration = Duration::from_hours(1);
const OPENAI: StatusSubject = StatusSubject::Provider(Vendor::OpenAi);
const BEGIN: Timestamp = Timestamp::from_millis(0);

fn hour(subject: StatusSubject, number: u32, (seen, degraded, down): (u16, u16, u16)) -> StatusHour {
    let [seen, degraded, down] = [seen, degraded, down].map(Slots::from_bits);
    StatusHour { subject, hour: BEGIN.plus(HOUR * number), seen, degraded, down }
}

async fn all(log: &impl StatusLog) -> Vec<StatusHour> {
    log.since(BEGIN).await.expect("the log is available")
}

/// In any order, at the same time, and again.
pub async fn what_many_nodes_see_is_one_hour(log: impl StatusLog) {
    let log = Arc::new(log);
    let views = [(0b01, 0, 0b01), (0b11, 0b10, 0), (0b11, 0, 0), (0b110, 0b100, 0b010)];
    let mut nodes = JoinSet::new();
    for view in views.into_iter().cycle().take(8) {
        let log = Arc::clone(&log);
        nodes.spawn(async move {
            let hours = [hour(StatusSubject::Gateway, 3, (view.0, 0, 0)), hour(OPENAI, 3, view)];
            log.note(&hours).await.expect("the log is available");
        });
    }
    nodes.join_all().await;
    let own = hour(StatusSubject::Gateway, 3, (0b111, 0, 0));
    assert_eq!(all(&*log).await, [own, hour(OPENAI, 3, (0b111, 0b110, 0b011))]);
}

/// By hour, then by subject; those of before are not asked for.
pub async fn hours_are_listed_in_order_and_old_ones_purged(log: impl StatusLog) {
    let hours: Vec<StatusHour> = (0..4)
        .flat_map(|number| [StatusSubject::Gateway, OPENAI].map(|subject| hour(subject, number, (1, 0, 0))))
        .collect();
    let backwards: Vec<StatusHour> = hours.iter().rev().copied().collect();
    log.note(&backwards).await.expect("the log is available");
    assert_eq!(all(&log).await, hours);
    assert_eq!(log.since(BEGIN.plus(HOUR * 2)).await.expect("the log is available"), hours[4..]);
    let before = BEGIN.plus(HOUR * 2);
    assert_eq!(log.purge(before, 3).await.expect("the log is available"), 3);
    assert_eq!(log.purge(before, 3).await.expect("the log is available"), 1);
    assert_eq!(log.purge(before, 3).await.expect("the log is available"), 0);
    assert_eq!(all(&log).await, hours[4..]);
}

/// What it sees a second time is there already; what gets worse is not.
pub async fn a_node_writes_what_is_new(log: impl StatusLog) {
    let factory = Factory::new(1);
    let begin = factory.now().millis().div_euclid(3_600_000) * 3_600_000;
    let begin = Timestamp::from_millis(begin);
    let log = Arc::new(log);
    let recorder = StatusRecorder::new(Arc::<_>::clone(&log) as Arc<dyn StatusLog>);
    let see = async |minutes: u64, health| {
        let seen = [(StatusSubject::Gateway, ProviderHealth::Up), (OPENAI, health)];
        let at = begin.plus(Duration::from_mins(minutes));
        recorder.record(&seen, at).await.expect("the log is available");
    };
    for (minutes, health) in [
        (0, ProviderHealth::Up),
        (4, ProviderHealth::Degraded),
        (5, ProviderHealth::Down),
        (9, ProviderHealth::Up),
        (59, ProviderHealth::Up),
        (60, ProviderHealth::Up),
    ] {
        see(minutes, health).await;
    }
    let of = |subject, number, (seen, degraded, down)| {
        let [seen, degraded, down] = [seen, degraded, down].map(Slots::from_bits);
        StatusHour { subject, hour: begin.plus(HOUR * number), seen, degraded, down }
    };
    let last = 1 << 11;
    let expected = [
        of(StatusSubject::Gateway, 0, (0b11 | last, 0, 0)),
        of(OPENAI, 0, (0b11 | last, 0b01, 0b10)),
        of(StatusSubject::Gateway, 1, (1, 0, 0)),
        of(OPENAI, 1, (1, 0, 0)),
    ];
    assert_eq!(all(&*log).await, expected);
    // It does not ask again: what is purged meanwhile stays away.
    log.purge(begin.plus(HOUR * 2), 10).await.expect("the log is available");
    see(61, ProviderHealth::Up).await;
    assert_eq!(all(&*log).await, []);
    see(61, ProviderHealth::Degraded).await;
    assert_eq!(all(&*log).await, [of(OPENAI, 1, (1, 1, 0))]);
}
