//! What every store of reports must do.

use std::time::Duration;

use super::{Factory, cents};
use crate::payment::{Reconciliation, ReconciliationStore};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryReconciliations;
///
/// async fn my_reports() -> Option<MemoryReconciliations> {
///     Some(MemoryReconciliations::default())
/// }
///
/// aiduet_core::reconciliation_store_conformance!(my_reports);
/// ```
#[macro_export]
macro_rules! reconciliation_store_conformance {
    ($new_store:path) => {
        #[tokio::test]
        async fn a_day_has_one_report_the_latest() {
            if let Some(store) = $new_store().await {
                $crate::testing::reconciliation::a_day_has_one_report_the_latest(store).await;
            }
        }
    };
}

/// Days are listed latest first.
pub async fn a_day_has_one_report_the_latest(store: impl ReconciliationStore) {
    let now = Factory::new(67).now();
    let first = Reconciliation {
        day: now,
        at: now.plus(Duration::from_hours(30)),
        movements: 7,
        made_up: 2,
        unexplained: 1,
        named: vec!["txn_1".to_owned(), "txn_2".to_owned()],
        clearing: cents(-5),
        balance: cents(1_000),
    };
    let second =
        Reconciliation { day: now.plus(Duration::from_hours(24)), named: Vec::new(), ..first.clone() };
    for report in [&first, &second] {
        store.keep(report).await.expect("available");
    }
    assert_eq!(store.list(10).await.expect("available"), [second.clone(), first.clone()]);
    let again = Reconciliation { unexplained: 0, named: Vec::new(), ..first };
    store.keep(&again).await.expect("available");
    assert_eq!(store.list(10).await.expect("available"), [second.clone(), again]);
    assert_eq!(store.list(1).await.expect("available"), [second]);
}
