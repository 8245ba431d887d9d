//! Funds that are set aside: how much, what happens when they are short, and when they are released.

use super::call::Api;
use super::doubles::Failure;
use super::{House, Store, on_both};
use aiduet_core::money::Money;

on_both! {
    a_whole_answer_holds_the_worst_case
    a_hold_in_doubt_is_released
}

async fn a_whole_answer_holds_the_worst_case(store: Store) {
    for api in Api::ALL {
        let house = House::open(store).await;
        let call = api.ask("Who sings the second voice?");
        let body = call.body.clone();
        assert_eq!(house.send(call).await.status, 200);
        assert_eq!(house.ledger.reserves(), [api.worst(&body, 1_000)], "{api:?}");
        house.close().await;
    }
}

/// The answer of the ledger to a reserve is lost, so nobody knows whether there is a hold.
async fn a_hold_in_doubt_is_released(store: Store) {
    for failure in [Failure::Before, Failure::After] {
        let house = House::open(store).await;
        house.ledger.fail_reserves([Some(failure)]);
        house.ledger.fail_closings([Some(Failure::Before), Some(Failure::After), None]);
        let reply = house.send(Api::Chat.ask("Hello?")).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, "2"));
        house.ledger.closed(1).await;
        assert_eq!(house.balance().await.held, Money::ZERO, "{failure:?}");
        assert_eq!(house.close().await, [], "it was not forwarded, so there is no record");
    }
}
