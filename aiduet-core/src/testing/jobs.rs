//! What every store of jobs must do.

use std::sync::Arc;
use std::time::Duration;

use super::Factory;
use crate::clock::Timestamp;
use crate::id::NodeId;
use crate::jobs::{FinishJob, JobOutcome, JobState, JobStore, TakeJob};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryJobs;
///
/// async fn my_store() -> Option<MemoryJobs> {
///     Some(MemoryJobs::default())
/// }
///
/// aiduet_core::jobs_conformance!(my_store);
/// ```
#[macro_export]
macro_rules! jobs_conformance {
    ($new_store:path) => {
        $crate::jobs_conformance! {
            @cases $new_store:
            a_job_is_taken_by_one_node_at_a_time
            a_job_is_not_due_before_its_time
            a_lease_that_ran_out_is_taken_over
            a_clock_that_jumped_does_not_stop_a_job
            what_came_of_a_job_is_kept
            of_many_nodes_one_gets_the_job
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::jobs::$case(store).await;
                }
            }
        )+
    };
}

const LEASE: Duration = Duration::from_mins(5);
const EVERY: Duration = Duration::from_hours(1);

fn take(owner: NodeId, now: Timestamp) -> TakeJob {
    TakeJob { job: "sweep", owner, now, until: now.plus(LEASE), begun_before: now.minus(EVERY) }
}

/// Whoever asks now.
fn ask(owner: NodeId, now: Timestamp) -> TakeJob {
    TakeJob { begun_before: now, ..take(owner, now) }
}

async fn takes(store: &impl JobStore, request: TakeJob) -> bool {
    store.take(request).await.expect("the store is available")
}

async fn gives_back(store: &impl JobStore, (owner, at): (NodeId, Timestamp), outcome: JobOutcome) {
    let finish = FinishJob { job: "sweep", owner, at, outcome, done: 7 };
    store.finish(finish).await.expect("the store is available");
}

async fn state(store: &impl JobStore) -> JobState {
    let mut all = store.list().await.expect("the store is available");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Nobody else gets it, though they ask; it is free when it is given back.
pub async fn a_job_is_taken_by_one_node_at_a_time(store: impl JobStore) {
    let factory = Factory::new(1);
    let (one, other) = (factory.node_id(), factory.node_id());
    let now = factory.now();
    assert!(takes(&store, take(one, now)).await);
    assert!(!takes(&store, ask(other, now)).await);
    assert!(!store.renew("sweep", other, now.plus(LEASE)).await.expect("the store is available"));
    assert!(!store.renew("never", one, now.plus(LEASE)).await.expect("the store is available"));
    assert!(takes(&store, TakeJob { job: "other", ..take(other, now) }).await, "jobs are independent");
    gives_back(&store, (other, now), JobOutcome::Done).await;
    assert!(!takes(&store, ask(other, now)).await, "it was not theirs to give back");
    gives_back(&store, (one, now), JobOutcome::Done).await;
    assert!(takes(&store, ask(other, now)).await);
}

/// The time counts from its beginning.
pub async fn a_job_is_not_due_before_its_time(store: impl JobStore) {
    let factory = Factory::new(1);
    let node = factory.node_id();
    let now = factory.now();
    assert!(takes(&store, take(node, now)).await);
    gives_back(&store, (node, now.plus(LEASE)), JobOutcome::Failed).await;
    assert!(!takes(&store, take(node, now.plus(EVERY - Duration::from_millis(1)))).await);
    assert!(takes(&store, take(node, now.plus(EVERY))).await);
}

/// It belongs to whoever renews it.
pub async fn a_lease_that_ran_out_is_taken_over(store: impl JobStore) {
    let factory = Factory::new(1);
    let (one, other) = (factory.node_id(), factory.node_id());
    let now = factory.now();
    assert!(takes(&store, take(one, now)).await);
    let later = now.plus(LEASE - Duration::from_millis(1));
    assert!(store.renew("sweep", one, later.plus(LEASE)).await.expect("the store is available"));
    assert!(!takes(&store, ask(other, now.plus(LEASE))).await);
    assert!(takes(&store, ask(other, later.plus(LEASE))).await);
    assert!(!store.renew("sweep", one, later.plus(LEASE * 3)).await.expect("the store is available"));
    gives_back(&store, (one, later), JobOutcome::Done).await;
    let (owner, _until) = state(&store).await.leased.expect("it is the other one's");
    assert_eq!(owner, other);
}

/// What lies in the future when time goes back is no reason to wait for it.
pub async fn a_clock_that_jumped_does_not_stop_a_job(store: impl JobStore) {
    let factory = Factory::new(1);
    let (one, other) = (factory.node_id(), factory.node_id());
    let now = factory.now();
    let ahead = now.plus(Duration::from_hours(1_000));
    assert!(takes(&store, take(one, ahead)).await);
    assert!(takes(&store, take(other, now)).await);
}

/// The last success is remembered after a failure.
pub async fn what_came_of_a_job_is_kept(store: impl JobStore) {
    let factory = Factory::new(1);
    let node = factory.node_id();
    let now = factory.now();
    assert_eq!(store.list().await.expect("the store is available"), []);
    assert!(takes(&store, take(node, now)).await);
    let running = JobState {
        job: "sweep".to_owned(),
        leased: Some((node, now.plus(LEASE))),
        started_at: now,
        finished_at: None,
        succeeded_at: None,
        outcome: None,
        done: 0,
    };
    assert_eq!(state(&store).await, running);
    let end = now.plus(Duration::from_secs(3));
    gives_back(&store, (node, end), JobOutcome::Done).await;
    let done = JobState {
        leased: None,
        finished_at: Some(end),
        succeeded_at: Some(end),
        outcome: Some(JobOutcome::Done),
        done: 7,
        ..running
    };
    assert_eq!(state(&store).await, done);
    for outcome in [JobOutcome::Failed, JobOutcome::Refused] {
        let again = end.plus(EVERY);
        assert!(takes(&store, ask(node, again)).await);
        gives_back(&store, (node, again), outcome).await;
        let failed =
            JobState { started_at: again, finished_at: Some(again), outcome: Some(outcome), ..done.clone() };
        assert_eq!(state(&store).await, failed);
    }
}

/// Also when it never ran before.
pub async fn of_many_nodes_one_gets_the_job(store: impl JobStore) {
    let store = Arc::new(store);
    let factory = Factory::new(1);
    for round in 0..5_u32 {
        let now = factory.now().plus(EVERY * round);
        let mut nodes = tokio::task::JoinSet::new();
        for _node in 0..8 {
            let (store, owner) = (Arc::clone(&store), factory.node_id());
            nodes.spawn(async move { takes(store.as_ref(), take(owner, now)).await });
        }
        let taken = nodes.join_all().await.into_iter().filter(|taken| *taken).count();
        assert_eq!(taken, 1, "round {round}");
    }
}
