//! What every store of purchases must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::id::{AccountId, TopUpId};
use crate::money::Money;
use crate::payment::{
    CardUse, Checkout, DisputeStage, NoteDispute, Receipt, TakePending, TopUp, TopUpError, TopUpPage,
    TopUpState, TopUpStore,
};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<S>` that makes an empty store; `None` skips the case,
/// after the function has printed why. The tests run on `tokio::test` with four threads.
///
/// # Examples
/// ```
/// use aiduet_core::backends::memory::MemoryTopUps;
///
/// async fn my_top_ups() -> Option<MemoryTopUps> {
///     Some(MemoryTopUps::default())
/// }
///
/// aiduet_core::top_up_store_conformance!(my_top_ups);
/// ```
#[macro_export]
macro_rules! top_up_store_conformance {
    ($new_store:path) => {
        $crate::top_up_store_conformance! {
            @cases $new_store:
            a_purchase_is_found_as_it_was_kept
            the_same_purchase_again_changes_nothing
            a_request_makes_one_purchase
            a_purchase_has_one_page
            a_state_changes_only_as_it_may
            a_payment_belongs_to_one_purchase
            undecided_purchases_with_a_page_are_taken_in_turn
            a_purchase_is_taken_by_one_at_a_time
            purchases_are_listed_newest_first_in_pages
            a_dispute_stops_spending_until_it_is_decided
            several_disputes_of_one_purchase_come_to_the_worst
            a_credit_is_final_whatever_runs_at_the_same_time
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some(store) = $new_store().await {
                    $crate::testing::top_up::$case(store).await;
                }
            }
        )+
    };
}

fn top_up(factory: &Factory, account: AccountId) -> TopUp {
    TopUp {
        id: TopUpId::generate(factory.clock().as_ref(), factory.entropy()),
        account,
        amount: cents(2_500),
        state: TopUpState::Open,
        request: None,
        card: CardUse::Once,
        checkout: None,
        dispute: None,
        created_at: factory.now(),
    }
}

fn page(name: &str) -> Checkout {
    Checkout {
        external: name.parse().expect("a name"),
        // Real addresses are long.
        url: format!("https://checkout.example/{name}#{}", "x".repeat(600)),
    }
}

fn paid(factory: &Factory, payment: &str) -> TopUpState {
    let payment = payment.parse().expect("a name");
    TopUpState::Paid(Receipt { payment, tax: cents(475), at: factory.now() })
}

async fn inserted(store: &impl TopUpStore, factory: &Factory) -> TopUp {
    let new = top_up(factory, factory.account_id());
    store.insert(new.clone()).await.expect("it is new");
    new
}

async fn found(store: &impl TopUpStore, id: TopUpId) -> TopUp {
    store.find(id).await.expect("the store is available").expect("it is kept")
}

/// A purchase comes back with every field.
pub async fn a_purchase_is_found_as_it_was_kept(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let mut new = inserted(&store, &factory).await;
    assert_eq!(found(&store, new.id).await, new);
    let absent = top_up(&factory, new.account).id;
    assert_eq!(store.find(absent).await.expect("available"), None);
    store.attach(new.id, page("cs_1")).await.expect("it has no page yet");
    new.checkout = Some(page("cs_1"));
    assert_eq!(found(&store, new.id).await, new);
    new.state = paid(&factory, "pi_1");
    assert_eq!(store.advance(new.id, new.state.clone()).await.expect("it may be paid"), new);
    assert_eq!(found(&store, new.id).await, new);
}

/// A repeated insert has no effect; one with other content is refused.
pub async fn the_same_purchase_again_changes_nothing(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let new = inserted(&store, &factory).await;
    store.advance(new.id, TopUpState::Processing).await.expect("it may");
    store.insert(new.clone()).await.expect("the same again");
    assert_eq!(found(&store, new.id).await.state, TopUpState::Processing);
    let other = TopUp { amount: cents(9_999), ..new.clone() };
    assert!(matches!(store.insert(other).await, Err(TopUpError::Conflict)));
    let other = TopUp { account: factory.account_id(), ..new };
    assert!(matches!(store.insert(other).await, Err(TopUpError::Conflict)));
}

/// Whatever the identifier that a repeat brings, and whatever runs at the same time; the requests of
/// others are theirs.
pub async fn a_request_makes_one_purchase(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let store = Arc::new(store);
    let account = factory.account_id();
    let asked = |account| TopUp { request: Some([7; 32]), card: CardUse::Kept, ..top_up(&factory, account) };
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let (store, new) = (Arc::clone(&store), asked(account));
        tasks.spawn(async move { store.insert(new).await.expect("the first is kept, or found") });
    }
    let made = tasks.join_all().await;
    assert!(made.iter().all(|one| *one == made[0]), "{made:?}");
    assert_eq!(found(store.as_ref(), made[0].id).await, made[0]);
    let page = TopUpPage { account, before: None, limit: 20 };
    assert_eq!(store.list(page).await.expect("available"), [made[0].clone()]);
    let stranger = asked(factory.account_id());
    assert_eq!(store.insert(stranger.clone()).await.expect("it is new"), stranger);
}

/// A page stays the page.
pub async fn a_purchase_has_one_page(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let new = inserted(&store, &factory).await;
    for _ in 0..2 {
        store.attach(new.id, page("cs_1")).await.expect("the first, and the same again");
    }
    assert!(matches!(store.attach(new.id, page("cs_2")).await, Err(TopUpError::Conflict)));
    assert_eq!(found(&store, new.id).await.checkout, Some(page("cs_1")));
    let absent = top_up(&factory, new.account).id;
    let refused = store.attach(absent, page("cs_3")).await;
    assert!(matches!(refused, Err(TopUpError::NotFound { id }) if id == absent));
}

/// What may not follow is ignored, and the state that holds is returned.
pub async fn a_state_changes_only_as_it_may(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let states = [
        TopUpState::Open,
        TopUpState::Processing,
        TopUpState::Closed,
        TopUpState::Suspended,
        paid(&factory, "pi_of_nobody"),
    ];
    for (number, first) in states.iter().enumerate() {
        for next in &states {
            let new = inserted(&store, &factory).await;
            let own = |state: &TopUpState| match state {
                TopUpState::Paid(_) => paid(&factory, &format!("pi_{}", new.id)),
                other => other.clone(),
            };
            let (first, next) = (own(first), own(next));
            store.advance(new.id, first.clone()).await.expect("from open to anything");
            let expected = if first.may_become(&next) { next.clone() } else { first.clone() };
            let now = store.advance(new.id, next.clone()).await.expect("the store is available");
            assert_eq!(now.state, expected, "{number}: {first:?} to {next:?}");
            assert_eq!(found(&store, new.id).await.state, expected);
        }
    }
    let absent = top_up(&factory, factory.account_id()).id;
    let refused = store.advance(absent, TopUpState::Closed).await;
    assert!(matches!(refused, Err(TopUpError::NotFound { id }) if id == absent));
}

/// One payment is never credited to two purchases.
pub async fn a_payment_belongs_to_one_purchase(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let (first, second) = (inserted(&store, &factory).await, inserted(&store, &factory).await);
    store.advance(first.id, paid(&factory, "pi_1")).await.expect("it may be paid");
    let refused = store.advance(second.id, paid(&factory, "pi_1")).await;
    assert!(matches!(refused, Err(TopUpError::Conflict)), "{refused:?}");
    assert_eq!(found(&store, second.id).await.state, TopUpState::Open);
}

/// The poller sees what it should ask about, what waited longest first, and nothing twice at once.
pub async fn undecided_purchases_with_a_page_are_taken_in_turn(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let minutes = |count| Duration::from_mins(count);
    let mut made = Vec::new();
    for number in 0..6 {
        let new = inserted(&store, &factory).await;
        if number != 1 {
            store.attach(new.id, page(&format!("cs_{number}"))).await.expect("its page");
        }
        made.push(new.id);
        factory.clock().advance(minutes(1));
    }
    store.advance(made[2], TopUpState::Processing).await.expect("it may");
    store.advance(made[3], TopUpState::Closed).await.expect("it may");
    store.advance(made[4], paid(&factory, "pi_4")).await.expect("it may");
    let take = async |begun_before, limit| {
        let at = factory.now();
        let request = TakePending { begun_before, taken_until: at.minus(minutes(5)), at, limit };
        let taken = store.take_pending(request).await.expect("the store is available");
        taken.iter().map(|top_up| top_up.id).collect::<Vec<_>>()
    };
    assert_eq!(take(factory.now().minus(minutes(6)), 10).await, []);
    assert_eq!(take(factory.now(), 2).await, [made[0], made[2]]);
    factory.clock().advance(minutes(1));
    assert_eq!(take(factory.now().minus(minutes(2)), 10).await, [], "the last one began too late");
    assert_eq!(take(factory.now(), 10).await, [made[5]], "the others were taken just now");
    factory.clock().advance(minutes(4));
    assert_eq!(take(factory.now(), 10).await, [made[0], made[2]]);
    factory.clock().advance(minutes(5));
    assert_eq!(take(factory.now(), 1).await, [made[5]], "it waited longest");
}

/// Of many that take at once each gets others.
pub async fn a_purchase_is_taken_by_one_at_a_time(store: impl TopUpStore) {
    let factory = Factory::new(41);
    for number in 0..12 {
        let new = inserted(&store, &factory).await;
        store.attach(new.id, page(&format!("cs_{number}"))).await.expect("its page");
    }
    factory.clock().advance(Duration::from_mins(10));
    let (store, at) = (Arc::new(store), factory.now());
    let mut tasks = JoinSet::new();
    for _node in 0..6 {
        let store = Arc::clone(&store);
        let taken_until = at.minus(Duration::from_mins(5));
        let request = TakePending { begun_before: at, taken_until, at, limit: 4 };
        tasks.spawn(async move { store.take_pending(request).await.expect("the store is available") });
    }
    let mut taken: Vec<_> = tasks.join_all().await.concat().iter().map(|top_up| top_up.id).collect();
    let all = taken.len();
    taken.sort_unstable();
    taken.dedup();
    assert_eq!((all, taken.len()), (12, 12));
}

/// Pages of one account, without those of others.
pub async fn purchases_are_listed_newest_first_in_pages(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let account = factory.account_id();
    let mut made = Vec::new();
    for _ in 0..5 {
        let new = top_up(&factory, account);
        store.insert(new.clone()).await.expect("it is new");
        inserted(&store, &factory).await;
        made.push(new.id);
        factory.clock().advance(Duration::from_millis(5));
    }
    made.reverse();
    let ids = async |before, limit| {
        let listed = store.list(TopUpPage { account, before, limit }).await.expect("available");
        listed.iter().map(|top_up| top_up.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10).await, made);
    assert_eq!(ids(None, 2).await, made[..2]);
    assert_eq!(ids(Some(made[1]), 2).await, made[2..4]);
    assert_eq!(ids(Some(made[4]), 2).await, []);
}

/// One dispute of an account is enough; a decision stands; others are not concerned.
pub async fn a_dispute_stops_spending_until_it_is_decided(store: impl TopUpStore) {
    use DisputeStage::{Inquiry, Lost, Open, Won};
    let factory = Factory::new(41);
    let account = factory.account_id();
    let (first, second) = (top_up(&factory, account), top_up(&factory, account));
    for new in [&first, &second] {
        store.insert(new.clone()).await.expect("it is new");
    }
    let stranger = inserted(&store, &factory).await;
    let dispute = |id: TopUpId| format!("du_{id}").parse().expect("a name");
    let note = async |id: TopUpId, stage| {
        let noted = NoteDispute { top_up: id, dispute: dispute(id), stage };
        store.note_dispute(noted).await.expect("it is kept")
    };
    for (id, stage, stops) in [
        (first.id, Inquiry, false),
        (first.id, Open, true),
        (first.id, Inquiry, true),
        (second.id, Open, true),
        (first.id, Won, true),
        (first.id, Open, true),
        (second.id, Won, false),
        (first.id, Open, false),
        (second.id, Lost, true),
        (second.id, Open, true),
        (first.id, Won, true),
    ] {
        assert_eq!(note(id, stage).await, stops, "{stage:?}");
        assert!(!note(stranger.id, Won).await);
    }
    assert_eq!(found(&store, first.id).await.dispute, Some(Won));
    assert_eq!(found(&store, second.id).await.dispute, Some(Lost));
    let absent = top_up(&factory, account).id;
    let refused =
        store.note_dispute(NoteDispute { top_up: absent, dispute: dispute(absent), stage: Open }).await;
    assert!(matches!(refused, Err(TopUpError::NotFound { id }) if id == absent));
}

/// Whatever the order of their messages, the worst of them counts.
pub async fn several_disputes_of_one_purchase_come_to_the_worst(store: impl TopUpStore) {
    use DisputeStage::{Inquiry, Lost, Open, Won};
    let factory = Factory::new(41);
    let new = inserted(&store, &factory).await;
    let note = async |name: &str, stage| {
        let dispute = name.parse().expect("a name");
        store.note_dispute(NoteDispute { top_up: new.id, dispute, stage }).await.expect("it is kept")
    };
    for (name, stage, stops, worst) in [
        ("du_1", Open, true, Open),
        ("du_2", Open, true, Open),
        ("du_1", Won, true, Open),
        ("du_1", Open, true, Open),
        ("du_3", Inquiry, true, Open),
        ("du_2", Won, false, Inquiry),
        ("du_2", Open, false, Inquiry),
        ("du_3", Won, false, Won),
        ("du_4", Lost, true, Lost),
        ("du_1", Won, true, Lost),
    ] {
        assert_eq!(note(name, stage).await, stops, "{name} {stage:?}");
        assert_eq!(found(&store, new.id).await.dispute, Some(worst), "{name} {stage:?}");
    }
}

/// Many that advance one purchase at once end in its credit.
pub async fn a_credit_is_final_whatever_runs_at_the_same_time(store: impl TopUpStore) {
    let factory = Factory::new(41);
    let store = Arc::new(store);
    let new = inserted(store.as_ref(), &factory).await;
    let credit = paid(&factory, "pi_1");
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let next = [credit.clone(), TopUpState::Processing, TopUpState::Closed][number % 3].clone();
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.advance(new.id, next).await });
    }
    for result in tasks.join_all().await {
        result.expect("each is made or ignored");
    }
    let kept = found(store.as_ref(), new.id).await;
    assert_eq!((kept.state, kept.amount), (credit, Money::from_nanos(25_000_000_000)));
}
