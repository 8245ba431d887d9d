//! What every store of publications must do.

use std::time::Duration;

use super::Factory;
use crate::audit::AuditActor;
use crate::notify::PolicyKind;
use crate::policy::{Progress, Publication, PublicationError, PublicationStore};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryPublications;
///
/// async fn my_store() -> Option<MemoryPublications> {
///     Some(MemoryPublications::default())
/// }
///
/// aiduet_core::publication_store_conformance!(my_store);
/// ```
#[macro_export]
macro_rules! publication_store_conformance {
    ($new_store:path) => {
        $crate::publication_store_conformance! {
            @cases $new_store:
            what_was_published_is_not_changed
            publications_are_listed_latest_first
            progress_never_goes_back
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::publication::$case(store).await;
                }
            }
        )+
    };
}

fn publication(factory: &Factory, kind: PolicyKind, days: u64) -> Publication {
    Publication {
        kind,
        version: format!("day-{days}"),
        effective_from: factory.now().plus(Duration::from_hours(24 * days)),
        texts: ["# Privacy", "# 隐私", "# プライバシー"].map(str::to_owned),
        published_by: AuditActor::Operator(factory.account_id()),
        published_at: factory.now(),
    }
}

async fn published(store: &impl PublicationStore, publication: &Publication) -> Publication {
    store.publish(publication.clone()).await.expect("nothing is in the way")
}

/// Neither its text nor when and by whom.
pub async fn what_was_published_is_not_changed(store: impl PublicationStore) {
    let factory = Factory::new(1);
    let first = publication(&factory, PolicyKind::Privacy, 40);
    assert_eq!(published(&store, &first).await, first);
    factory.clock().advance(Duration::from_hours(1));
    let again =
        Publication { published_by: AuditActor::System, published_at: factory.now(), ..first.clone() };
    assert_eq!(published(&store, &again).await, first);
    let texts = ["# Privacy", "# 隐私", "# 別の文"].map(str::to_owned);
    let sooner = first.effective_from.minus(Duration::from_millis(1));
    for other in
        [Publication { texts, ..first.clone() }, Publication { effective_from: sooner, ..first.clone() }]
    {
        let refused = store.publish(other).await;
        assert!(matches!(refused, Err(PublicationError::Conflict)), "{refused:?}");
    }
    let terms = Publication { kind: PolicyKind::Terms, ..first.clone() };
    assert_eq!(published(&store, &terms).await, terms, "another policy has versions of its own");
}

/// By the moment from which they are in force.
pub async fn publications_are_listed_latest_first(store: impl PublicationStore) {
    let factory = Factory::new(1);
    assert_eq!(store.list(10).await.expect("the store is available"), []);
    let [one, two, three] = [1, 2, 3].map(|days| publication(&factory, PolicyKind::Terms, days));
    for each in [&two, &three, &one] {
        published(&store, each).await;
    }
    assert_eq!(store.list(2).await.expect("the store is available"), [three, two]);
}

/// And is kept for each news.
pub async fn progress_never_goes_back(store: impl PublicationStore) {
    let factory = Factory::new(1);
    let progress = async |news| store.progress(news).await.expect("the store is available");
    assert_eq!(progress("privacy/1").await, Progress::default());
    let mut steps = Vec::new();
    for told in [10, 20] {
        factory.clock().advance(Duration::from_millis(1));
        steps.push(Progress { through: Some(factory.account_id()), told });
    }
    for (to, expected) in [(0, 0), (1, 1), (0, 1), (1, 1)] {
        store.advance("privacy/1", steps[to]).await.expect("the store is available");
        assert_eq!(progress("privacy/1").await, steps[expected]);
    }
    assert_eq!(progress("terms/1").await, Progress::default());
}
