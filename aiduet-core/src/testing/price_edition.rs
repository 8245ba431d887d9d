//! What every store of price sheets must do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::Factory;
use crate::audit::AuditActor;
use crate::price::{
    EditionError, EditionFile, EditionMark, EditionStep, PriceDraft, PriceEdition, PriceEditions,
    PriceVersion, SheetDigest, TAKE_OVER,
};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryPriceEditions;
///
/// async fn my_store() -> Option<MemoryPriceEditions> {
///     Some(MemoryPriceEditions::default())
/// }
///
/// aiduet_core::price_editions_conformance!(my_store);
/// ```
#[macro_export]
macro_rules! price_editions_conformance {
    ($new_store:path) => {
        $crate::price_editions_conformance! {
            @cases $new_store:
            a_draft_is_kept_and_replaced
            a_published_sheet_is_not_changed
            editions_are_listed_latest_first
            a_sheet_counts_from_its_day_but_not_at_once
            only_the_text_that_was_agreed_on_is_published
            sheets_follow_the_one_that_was_published_last
            of_many_who_publish_at_once_one_does
            only_the_last_sheet_is_withdrawn
            a_sheet_that_counts_is_not_withdrawn
            a_withdrawn_sheet_stays_withdrawn
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::price_edition::$case(store).await;
                }
            }
        )+
    };
}

/// A store over another one that can be cut off, stand still, and be tampered with.
#[derive(Debug)]
pub struct FlakyEditions {
    inner: Arc<dyn PriceEditions>,
    /// Whether lists of what stands fail.
    pub is_down: AtomicBool,
    /// Whether they never come.
    pub is_still: AtomicBool,
    /// Whether texts are not those that were kept.
    pub is_changed: AtomicBool,
    /// How many were asked for.
    pub reads: AtomicU32,
}

impl FlakyEditions {
    /// A store that works so far.
    pub fn of(inner: Arc<dyn PriceEditions>) -> Self {
        let [is_down, is_still, is_changed] = [false; 3].map(AtomicBool::new);
        Self { inner, is_down, is_still, is_changed, reads: AtomicU32::new(0) }
    }
}

#[async_trait]
impl PriceEditions for FlakyEditions {
    async fn draft(&self, draft: PriceDraft) -> Result<PriceEdition, EditionError> {
        self.inner.draft(draft).await
    }

    async fn find(&self, version: PriceVersion) -> Result<Option<EditionFile>, EditionError> {
        let file = self.inner.find(version).await?;
        let is_changed = self.is_changed.load(Ordering::Acquire);
        Ok(file.map(|file| match is_changed {
            true => EditionFile { text: file.text + " ", ..file },
            false => file,
        }))
    }

    async fn list(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        self.inner.list(limit).await
    }

    async fn standing(&self, limit: u32) -> Result<Vec<PriceEdition>, EditionError> {
        self.reads.fetch_add(1, Ordering::AcqRel);
        if self.is_still.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
        match self.is_down.load(Ordering::Acquire) {
            true => Err(EditionError::Unavailable { source: "the network is gone".into() }),
            false => self.inner.standing(limit).await,
        }
    }

    async fn publish(
        &self,
        step: EditionStep,
        after: Option<PriceVersion>,
    ) -> Result<PriceEdition, EditionError> {
        self.inner.publish(step, after).await
    }

    async fn withdraw(&self, step: EditionStep) -> Result<PriceEdition, EditionError> {
        self.inner.withdraw(step).await
    }
}

const DAY: Duration = Duration::from_hours(24);

fn mark(factory: &Factory) -> EditionMark {
    EditionMark { by: AuditActor::Operator(factory.account_id()), at: factory.now() }
}

/// A sheet of the day that is so many days ahead.
fn draft(factory: &Factory, days: u32) -> PriceDraft {
    PriceDraft {
        version: PriceVersion(20_270_000 + days),
        effective_from: factory.now().plus(DAY * days),
        text: format!("{{\"day\": {days}, \"of\": \"价格\"}}"),
        drafted: mark(factory),
    }
}

fn step(factory: &Factory, edition: &PriceEdition) -> EditionStep {
    EditionStep { version: edition.version, digest: edition.digest, mark: mark(factory) }
}

async fn drafted(store: &impl PriceEditions, draft: &PriceDraft) -> PriceEdition {
    store.draft(draft.clone()).await.expect("nothing is in the way")
}

/// A sheet that is published behind another one.
async fn published(
    store: &impl PriceEditions,
    factory: &Factory,
    (days, after): (u32, Option<&PriceEdition>),
) -> PriceEdition {
    let edition = drafted(store, &draft(factory, days)).await;
    let after = after.map(|edition| edition.version);
    store.publish(step(factory, &edition), after).await.expect("nothing is in the way")
}

/// With its text, whose digest it has. The same text again is the same draft.
pub async fn a_draft_is_kept_and_replaced(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let first = draft(&factory, 40);
    assert_eq!(store.find(first.version).await.expect("the store is available"), None);
    let kept = drafted(&store, &first).await;
    assert_eq!((kept.digest, &kept.drafted), (SheetDigest::of(&first.text), &first.drafted));
    assert_eq!((kept.effective_from, kept.standing()), (first.effective_from, None));
    factory.clock().advance(Duration::from_secs(1));
    let again = PriceDraft { drafted: mark(&factory), ..first.clone() };
    assert_eq!(drafted(&store, &again).await, kept);
    let long = PriceDraft { text: "价".repeat(200_000), ..again };
    let replaced = drafted(&store, &long).await;
    assert_eq!((replaced.digest, &replaced.drafted), (SheetDigest::of(&long.text), &long.drafted));
    let file = store.find(first.version).await.expect("the store is available").expect("it was drafted");
    assert_eq!((file.edition, file.text), (replaced, long.text));
}

/// Neither by a draft nor by another publication.
pub async fn a_published_sheet_is_not_changed(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let first = draft(&factory, 40);
    let edition = published(&store, &factory, (40, None)).await;
    factory.clock().advance(Duration::from_secs(1));
    assert_eq!(drafted(&store, &PriceDraft { drafted: mark(&factory), ..first.clone() }).await, edition);
    let other = PriceDraft { text: "{}".to_owned(), ..first.clone() };
    let refused = store.draft(other).await;
    assert!(
        matches!(refused, Err(EditionError::Exists { version }) if version == first.version),
        "{refused:?}"
    );
    for after in [None, Some(edition.version)] {
        let again = store.publish(step(&factory, &edition), after).await;
        assert_eq!(again.expect("it is the same publication"), edition);
    }
    let file = store.find(first.version).await.expect("the store is available").expect("it was drafted");
    assert_eq!((file.edition, file.text), (edition, first.text));
}

/// Drafts too.
pub async fn editions_are_listed_latest_first(store: impl PriceEditions) {
    let factory = Factory::new(1);
    assert_eq!(store.list(10).await.expect("the store is available"), []);
    let two = published(&store, &factory, (2, None)).await;
    let three = drafted(&store, &draft(&factory, 3)).await;
    let one = drafted(&store, &draft(&factory, 1)).await;
    let list = async |limit| store.list(limit).await.expect("the store is available");
    assert_eq!(list(10).await, [three.clone(), two.clone(), one]);
    assert_eq!(list(2).await, [three.clone(), two.clone()]);
    let standing = async |limit| store.standing(limit).await.expect("the store is available");
    assert_eq!(standing(10).await, std::slice::from_ref(&two));
    let three = published(&store, &factory, (3, Some(&two))).await;
    assert_eq!(standing(10).await, [three.clone(), two.clone()]);
    assert_eq!(standing(1).await, std::slice::from_ref(&three), "drafts take no place");
    store.withdraw(step(&factory, &three)).await.expect("it is the last");
    assert_eq!(standing(10).await, [two]);
}

/// Every node must have read it before.
pub async fn a_sheet_counts_from_its_day_but_not_at_once(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let today = published(&store, &factory, (0, None)).await;
    let from = |edition: &PriceEdition| edition.standing().expect("it was published").in_force_from;
    assert_eq!(from(&today), factory.now().plus(Duration::from_mins(1)));
    let later = published(&store, &factory, (5, Some(&today))).await;
    assert_eq!(from(&later), factory.now().plus(DAY * 5));
    // Whatever the clock of the next node shows.
    factory.clock().advance(DAY * 9);
    let early = drafted(&store, &PriceDraft { effective_from: from(&today), ..draft(&factory, 9) }).await;
    let past = EditionMark { at: from(&today), ..mark(&factory) };
    let after = Some(later.version);
    let next = store.publish(EditionStep { mark: past, ..step(&factory, &early) }, after).await;
    assert!(from(&next.expect("nothing is in the way")) > from(&later));
}

/// A draft that was replaced since is not.
pub async fn only_the_text_that_was_agreed_on_is_published(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let first = draft(&factory, 40);
    let read = drafted(&store, &first).await;
    let replaced = drafted(&store, &PriceDraft { text: "{}".to_owned(), ..first }).await;
    let refused = store.publish(step(&factory, &read), None).await;
    assert!(matches!(refused, Err(EditionError::Changed { .. })), "{refused:?}");
    let unknown = EditionStep { version: PriceVersion(1), ..step(&factory, &read) };
    let refused = store.publish(unknown.clone(), None).await;
    assert!(matches!(refused, Err(EditionError::NotFound { .. })), "{refused:?}");
    let unpublished = store.withdraw(step(&factory, &replaced)).await;
    assert!(matches!(unpublished, Err(EditionError::NotPublished)), "{unpublished:?}");
    let published = store.publish(step(&factory, &replaced), None).await.expect("it is the draft");
    for withdrawal in [step(&factory, &read), unknown] {
        assert!(store.withdraw(withdrawal).await.is_err());
    }
    assert_eq!(store.list(10).await.expect("the store is available"), [published]);
}

/// Whoever looked at another one looks again.
pub async fn sheets_follow_the_one_that_was_published_last(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let two = published(&store, &factory, (2, None)).await;
    let [one, three] = [1, 3].map(|days| draft(&factory, days));
    let [one, three] = [drafted(&store, &one).await, drafted(&store, &three).await];
    for (edition, after) in
        [(&three, None), (&three, Some(one.version)), (&one, Some(two.version)), (&one, None)]
    {
        let refused = store.publish(step(&factory, edition), after).await;
        assert!(matches!(refused, Err(EditionError::Overtaken)), "{refused:?}");
    }
    store.publish(step(&factory, &three), Some(two.version)).await.expect("nothing is in the way");
}

/// The others have looked at what is no longer the last sheet.
pub async fn of_many_who_publish_at_once_one_does(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let mut editions = Vec::new();
    for days in 1..=6 {
        editions.push(drafted(&store, &draft(&factory, days)).await);
    }
    let steps = editions.iter().map(|edition| store.publish(step(&factory, edition), None));
    let results = futures_util::future::join_all(steps).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let all = store.list(10).await.expect("the store is available");
    assert_eq!(all.iter().filter(|edition| edition.standing().is_some()).count(), 1, "{all:?}");
}

/// Those before it are what the ones behind were announced against.
pub async fn only_the_last_sheet_is_withdrawn(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let one = published(&store, &factory, (1, None)).await;
    let two = published(&store, &factory, (2, Some(&one))).await;
    let refused = store.withdraw(step(&factory, &one)).await;
    assert!(matches!(refused, Err(EditionError::NotLast)), "{refused:?}");
    for edition in [&two, &one] {
        let withdrawn = store.withdraw(step(&factory, edition)).await.expect("it is the last");
        assert_eq!(withdrawn.standing(), None);
        assert_eq!(withdrawn.published, edition.published, "that it was published is known");
    }
}

/// Nor one that nodes are about to take over.
pub async fn a_sheet_that_counts_is_not_withdrawn(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let edition = published(&store, &factory, (1, None)).await;
    factory.clock().advance(DAY.saturating_sub(TAKE_OVER).saturating_add(Duration::from_millis(1)));
    for _later in 0..2 {
        let refused = store.withdraw(step(&factory, &edition)).await;
        assert!(matches!(refused, Err(EditionError::InForce)), "{refused:?}");
        factory.clock().advance(DAY);
    }
    let next = published(&store, &factory, (3, Some(&edition))).await;
    let last_moment = next.standing().expect("it was published").in_force_from.minus(Duration::from_mins(1));
    factory.clock().advance(last_moment.since(factory.now()));
    store.withdraw(step(&factory, &next)).await.expect("every node reads of it in time");
}

/// Its version stands for it, and people have been told of it.
pub async fn a_withdrawn_sheet_stays_withdrawn(store: impl PriceEditions) {
    let factory = Factory::new(1);
    let edition = published(&store, &factory, (1, None)).await;
    let withdrawn = store.withdraw(step(&factory, &edition)).await.expect("it is the last");
    factory.clock().advance(Duration::from_secs(1));
    let again = store.withdraw(step(&factory, &edition)).await;
    assert_eq!(again.expect("it is the same withdrawal"), withdrawn);
    let first = draft(&factory, 1);
    for text in [first.text.clone(), "{}".to_owned()] {
        let refused = store.draft(PriceDraft { text, ..first.clone() }).await;
        assert!(matches!(refused, Err(EditionError::Exists { .. })), "{refused:?}");
    }
    let refused = store.publish(step(&factory, &edition), None).await;
    assert!(matches!(refused, Err(EditionError::Exists { .. })), "{refused:?}");
    published(&store, &factory, (2, None)).await;
}
