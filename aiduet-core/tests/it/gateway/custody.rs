//! Processes that die: what a running stream has noted is charged in their place.

use std::time::Duration;

use aiduet_core::ledger::{Outcome, SweepRequest, Swept};
use aiduet_core::money::Money;

use super::House;
use super::call::{Api, len};
use super::doubles::Head;
use crate::databases::{Store, on_each_store};

on_each_store! {
    what_a_dead_process_noted_is_charged_and_the_rest_released
    a_process_that_was_only_slow_charges_the_difference
}

/// A stream that has passed five tokens, and noted them.
async fn noted(store: Store, api: Api) -> (House, super::doubles::Feed, super::call::Opened) {
    let (plan, provider) = House::scripted(store);
    let house = plan.open().await;
    let feed = provider.begun(Head::STREAM);
    feed.send(api.opening(9));
    feed.send(api.tokens(5));
    let mut answer = house.start(api.stream("Hello?")).await;
    answer.take(2).await;
    house.factory.clock().advance(Duration::from_secs(5));
    // The next two pieces let the stream look at the time, and hear that it is written down.
    for _ in 0..2 {
        feed.send(api.piece(""));
        answer.next().await.unwrap();
    }
    tokio::select! {
        () = house.ledger.noted(1) => {}
        _frame = answer.next() => panic!("nothing was sent"),
    }
    (house, feed, answer)
}

/// What is known after five tokens.
fn known(api: Api) -> Money {
    let prompt = if api == Api::Messages { 9 } else { len(&api.stream("Hello?").body).div_ceil(4) };
    api.price((prompt, 5))
}

/// No process of these tests says that it is alive, so all their holds may be swept.
async fn sweep(house: &House) -> Swept {
    let all = SweepRequest { dead_after: Duration::ZERO, limit: 10 };
    house.stores.custody.sweep(all).await.unwrap()
}

async fn what_a_dead_process_noted_is_charged_and_the_rest_released(store: Store) {
    for api in Api::ALL {
        let (house, feed, mut answer) = noted(store, api).await;
        assert_eq!(sweep(&house).await, Swept { recovered: 1, lost: 0 });
        let balance = house.balance().await;
        // At least the prompt at its dearest, which was noted before the call was made.
        assert!(balance.used >= known(api) && balance.held == Money::ZERO, "{api:?}: {balance:?}");
        let account = house.customer().account;
        let found = house.stores.requests.find(account, answer.id()).await.unwrap().unwrap();
        assert_eq!((found.outcome, found.cost()), (Outcome::Recovered, balance.used));
        // It was not dead after all.
        feed.send(api.before_last((9, 5)));
        feed.send(api.last((9, 5)));
        answer.rest().await;
        let records = house.close().await;
        assert_eq!((records.len(), records[0].outcome), (1, Outcome::Completed));
        assert_eq!(records[0].cost(), api.price((9, 5)), "{api:?}: too much is given back");
    }
}

async fn a_process_that_was_only_slow_charges_the_difference(store: Store) {
    for api in Api::ALL {
        let (house, feed, mut answer) = noted(store, api).await;
        sweep(&house).await;
        feed.send(api.tokens(900));
        feed.send(api.before_last((9, 905)));
        feed.send(api.last((9, 905)));
        answer.rest().await;
        assert_eq!(house.balance().await.used, api.price((9, 905)));
        let records = house.close().await;
        assert_eq!(
            (records[0].outcome, records[0].cost()),
            (Outcome::Completed, api.price((9, 905))),
            "{api:?}"
        );
    }
}
