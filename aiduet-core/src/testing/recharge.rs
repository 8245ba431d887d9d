//! What every store of automatic purchases must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Factory, cents};
use crate::clock::Timestamp;
use crate::id::{AccountId, TopUpId};
use crate::ledger::{ExternalId, Ledger};
use crate::money::Money;
use crate::payment::{
    Charge, ChargeOutcome, Recharge, RechargeChange, RechargePlan, RechargeState, RechargeStore,
    RechargeSwitch, Repeat,
};

/// Expands to one test per case of the suite.
///
/// The argument is an `async fn() -> Option<(S, Arc<L>)>` that makes an empty store and the ledger
/// beside it; `None` skips the case, after the function has printed why. The tests run on `tokio::test`
/// with four threads.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use aiduet_core::backends::memory::{MemoryLedger, MemoryRecharges};
/// use aiduet_core::clock::SystemClock;
///
/// async fn my_recharges() -> Option<(MemoryRecharges, Arc<MemoryLedger>)> {
///     let ledger = Arc::new(MemoryLedger::new(Arc::new(SystemClock::new())));
///     Some((MemoryRecharges::new(Arc::<MemoryLedger>::clone(&ledger)), ledger))
/// }
///
/// aiduet_core::recharge_store_conformance!(my_recharges);
/// ```
#[macro_export]
macro_rules! recharge_store_conformance {
    ($new_store:path) => {
        $crate::recharge_store_conformance! {
            @cases $new_store:
            what_was_agreed_to_is_found_after_every_change
            nothing_changes_without_an_agreement
            a_low_balance_is_due_while_it_is_on_and_idle
            a_charge_is_looked_after_when_it_is_time
            a_card_that_is_gone_ends_what_was_agreed_to_with_it
            of_many_that_begin_one_does
            of_many_that_conclude_one_does
        }
    };
    (@cases $new_store:path: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                if let Some((store, ledger)) = $new_store().await {
                    $crate::testing::recharge::$case(store, ledger).await;
                }
            }
        )+
    };
}

const HOUR: Duration = Duration::from_hours(1);

fn agreed(at: Timestamp) -> RechargeChange {
    let plan = RechargePlan { threshold: cents(500), amount: cents(2_000), monthly_max: cents(10_000) };
    RechargeChange::SwitchOn { plan, card: "pm_1".parse().expect("a name"), at }
}

fn charge(factory: &Factory) -> Charge {
    let top_up = TopUpId::generate(factory.clock().as_ref(), factory.entropy());
    Charge { top_up, amount: cents(2_000), begun_at: factory.now() }
}

fn begin(charge: Charge) -> RechargeChange {
    RechargeChange::Begin { charge, look_at: charge.begun_at.plus(HOUR) }
}

async fn changed(store: &impl RechargeStore, account: AccountId, change: RechargeChange) -> Recharge {
    let change = store.change(account, change).await.expect("available");
    change.expect("it may be made")
}

async fn due(store: &impl RechargeStore, at: Timestamp) -> Vec<AccountId> {
    store.due(at, 10).await.expect("available").iter().map(|one| one.account).collect()
}

async fn under_way(store: &impl RechargeStore, at: Timestamp) -> Vec<AccountId> {
    store.under_way(at, 10).await.expect("available").iter().map(|one| one.account).collect()
}

/// With every field, as the rules say.
pub async fn what_was_agreed_to_is_found_after_every_change(
    store: impl RechargeStore,
    _ledger: Arc<impl Ledger>,
) {
    let factory = Factory::new(53);
    let account = factory.account_id();
    assert_eq!(store.find(account).await.expect("available"), None);
    let mut expected = Recharge::first(account, &agreed(factory.now())).expect("the first");
    assert_eq!(changed(&store, account, agreed(factory.now())).await, expected);
    assert_eq!(store.find(account).await.expect("available"), Some(expected.clone()));
    let (first, second) = (charge(&factory), charge(&factory));
    let at = factory.now();
    for change in [
        begin(first),
        RechargeChange::Conclude {
            top_up: first.top_up,
            outcome: ChargeOutcome::NeedsConfirmation { look_at: at },
        },
        agreed(at.plus(HOUR)),
        RechargeChange::Conclude { top_up: first.top_up, outcome: ChargeOutcome::Paid },
        RechargeChange::Postpone { until: at },
        begin(second),
        RechargeChange::Conclude {
            top_up: second.top_up,
            outcome: ChargeOutcome::Refused { repeat: Repeat::Never, at },
        },
        RechargeChange::SwitchOff,
    ] {
        expected = expected.after(&change).unwrap_or_else(|| panic!("{change:?} of {expected:?}"));
        assert_eq!(changed(&store, account, change).await, expected);
        assert_eq!(store.find(account).await.expect("available"), Some(expected.clone()));
    }
    assert_eq!((expected.switch, expected.bought), (RechargeSwitch::Off, cents(2_000)));
    assert_eq!(store.find(factory.account_id()).await.expect("available"), None);
}

/// Nor does what may not follow.
pub async fn nothing_changes_without_an_agreement(store: impl RechargeStore, _ledger: Arc<impl Ledger>) {
    let factory = Factory::new(53);
    let account = factory.account_id();
    for change in [RechargeChange::SwitchOff, begin(charge(&factory))] {
        assert_eq!(store.change(account, change).await.expect("available"), None);
    }
    assert_eq!(store.find(account).await.expect("available"), None);
    let on = changed(&store, account, agreed(factory.now())).await;
    let stale = RechargeChange::Conclude { top_up: charge(&factory).top_up, outcome: ChargeOutcome::Paid };
    assert_eq!(store.change(account, stale).await.expect("available"), None);
    assert_eq!(store.find(account).await.expect("available"), Some(on));
}

/// And only then; funds that are set aside count as gone.
pub async fn a_low_balance_is_due_while_it_is_on_and_idle(
    store: impl RechargeStore,
    ledger: Arc<impl Ledger>,
) {
    let factory = Factory::new(53);
    let account = factory.account_id();
    let now = factory.now();
    changed(&store, account, agreed(now)).await;
    assert_eq!(due(&store, now).await, [account], "there never was credit");
    assert_eq!(store.due(now, 0).await.expect("available"), []);
    let credit = vec![factory.top_up(account, cents(300)), factory.grant(account, cents(200))];
    ledger.post(credit).await.expect("available");
    assert_eq!(due(&store, now).await, [], "it is not below");
    let reserve = factory.reserve(account, cents(1));
    drop(ledger.reserve(reserve).await.expect("covered"));
    assert_eq!(due(&store, now).await, [account]);
    assert_eq!(due(&store, now.minus(HOUR)).await, [], "it is not time");
    changed(&store, account, RechargeChange::Postpone { until: now.plus(HOUR) }).await;
    assert_eq!(due(&store, now).await, []);
    assert_eq!(due(&store, now.plus(HOUR)).await, [account]);
    let one = Charge { begun_at: now.plus(HOUR), ..charge(&factory) };
    changed(&store, account, begin(one)).await;
    assert_eq!(due(&store, now.plus(HOUR * 9)).await, [], "a charge is under way");
    changed(&store, account, RechargeChange::Conclude { top_up: one.top_up, outcome: ChargeOutcome::Paid })
        .await;
    assert_eq!(due(&store, now.plus(HOUR * 9)).await, [account]);
    changed(&store, account, RechargeChange::SwitchOff).await;
    assert_eq!(due(&store, now.plus(HOUR * 9)).await, []);
}

/// Whether or not it is still on.
pub async fn a_charge_is_looked_after_when_it_is_time(store: impl RechargeStore, _ledger: Arc<impl Ledger>) {
    let factory = Factory::new(53);
    let (account, other) = (factory.account_id(), factory.account_id());
    let now = factory.now();
    for account in [account, other] {
        changed(&store, account, agreed(now)).await;
        assert_eq!(under_way(&store, now.plus(HOUR)).await, []);
    }
    let one = charge(&factory);
    changed(&store, account, begin(one)).await;
    assert_eq!(under_way(&store, now.plus(HOUR - Duration::from_millis(1))).await, []);
    changed(&store, account, RechargeChange::SwitchOff).await;
    assert_eq!(under_way(&store, now.plus(HOUR)).await, [account]);
    let look_at = now.plus(HOUR * 3);
    let unknown =
        RechargeChange::Conclude { top_up: one.top_up, outcome: ChargeOutcome::Unknown { look_at } };
    changed(&store, account, unknown).await;
    assert_eq!(under_way(&store, now.plus(HOUR * 2)).await, []);
    let second = charge(&factory);
    changed(&store, other, begin(second)).await;
    assert_eq!(under_way(&store, look_at).await, [other, account], "the longest due comes first");
    assert_eq!(store.under_way(look_at, 1).await.expect("available").len(), 1);
}

/// And nothing that was agreed to with another one, nor twice.
pub async fn a_card_that_is_gone_ends_what_was_agreed_to_with_it(
    store: impl RechargeStore,
    _ledger: Arc<impl Ledger>,
) {
    let factory = Factory::new(53);
    let (account, now) = (factory.account_id(), factory.now());
    let [own, other] = ["pm_1", "pm_2"].map(|name| name.parse().expect("a name"));
    assert_eq!(store.of_card(&own).await.expect("available"), None);
    let on = changed(&store, account, agreed(now)).await;
    assert_eq!(store.of_card(&own).await.expect("available"), Some(on));
    assert_eq!(store.of_card(&other).await.expect("available"), None);
    let gone = |card: &ExternalId| RechargeChange::CardGone { card: card.clone() };
    assert_eq!(store.change(account, gone(&other)).await.expect("available"), None);
    let one = charge(&factory);
    changed(&store, account, begin(one)).await;
    let stopped = changed(&store, account, gone(&own)).await;
    assert_eq!((stopped.switch, stopped.state), (RechargeSwitch::Stopped, RechargeState::Charging(one)));
    assert_eq!(store.change(account, gone(&own)).await.expect("available"), None);
    changed(&store, account, RechargeChange::Conclude { top_up: one.top_up, outcome: ChargeOutcome::Paid })
        .await;
    assert_eq!(due(&store, now.plus(HOUR)).await, []);
}

/// One charge at a time, whoever begins it.
pub async fn of_many_that_begin_one_does(store: impl RechargeStore, _ledger: Arc<impl Ledger>) {
    let factory = Factory::new(53);
    let account = factory.account_id();
    changed(&store, account, agreed(factory.now())).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _node in 0..16 {
        let (store, one) = (Arc::clone(&store), charge(&factory));
        tasks.spawn(async move { store.change(account, begin(one)).await.expect("available") });
    }
    let begun: Vec<Recharge> = tasks.join_all().await.into_iter().flatten().collect();
    let [begun] = begun.as_slice() else { panic!("{begun:?}") };
    assert!(matches!(begun.state, RechargeState::Charging(_)));
    assert_eq!(store.find(account).await.expect("available").as_ref(), Some(begun));
    assert_eq!(begun.bought, cents(2_000));
}

/// One end, whoever tells it.
pub async fn of_many_that_conclude_one_does(store: impl RechargeStore, _ledger: Arc<impl Ledger>) {
    let factory = Factory::new(53);
    let account = factory.account_id();
    changed(&store, account, agreed(factory.now())).await;
    let one = charge(&factory);
    changed(&store, account, begin(one)).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _node in 0..16 {
        let (store, at) = (Arc::clone(&store), factory.now());
        let outcome = ChargeOutcome::Refused { repeat: Repeat::Later, at };
        let change = RechargeChange::Conclude { top_up: one.top_up, outcome };
        tasks.spawn(async move { store.change(account, change).await.expect("available") });
    }
    let concluded = tasks.join_all().await.into_iter().flatten().count();
    let kept = store.find(account).await.expect("available").expect("it was agreed to");
    assert_eq!((concluded, kept.failures, kept.bought), (1, 1, Money::ZERO));
}
